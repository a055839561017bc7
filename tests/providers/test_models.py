"""The rooms of the model APIs: every path that a client's credential goes to, and nothing besides."""

from __future__ import annotations

import pytest

from yett.model.effects import Effect
from yett.providers.book import ProviderBook
from yett.providers.room import Side


def words(text: str) -> list[str]:
    return text.split()


CLAUDE = words("""/v1/messages /v1/messages/count_tokens /api/claude_code/policy_limits /api/claude_code/settings
/api/claude_code/organizations/metrics_enabled /api/claude_cli/bootstrap /api/claude_code_penguin_mode
/api/oauth/profile /api/eval/sdk-key /mcp-registry/v0/servers /api/directory/server-urls /api/hello""")

CODEX = words("""/backend-api/codex/responses /backend-api/codex/models /backend-api/wham/accounts/check
/backend-api/wham/settings/user /backend-api/ps/plugins/installed /backend-api/ps/plugins/suggested/codex""")


def listed(book: ProviderBook, host: str, path: str) -> list[Effect]:
    room = book.room(host)
    assert room is not None
    routes = [
        route
        for route in room.actions.routes
        for method in ("GET", "POST")
        if route.match(method, host, path) is not None
    ]
    return [route.action.effect for route in routes if route.action.placeless]


@pytest.mark.parametrize(
    ("host", "path"),
    [("api.anthropic.com", path) for path in CLAUDE]
    + [("chatgpt.com", path) for path in CODEX]
    + [("api.openai.com", path) for path in ("/v1/responses", "/v1/chat/completions", "/v1/models")],
)
def test_what_a_client_needs_passes(book: ProviderBook, host: str, path: str) -> None:
    assert Effect.READ in listed(book, host, path)


@pytest.mark.parametrize(
    ("host", "path"),
    [
        ("api.anthropic.com", "/v1/organizations/api_keys"),
        ("api.anthropic.com", "/v1/unheard/of"),
        ("api.openai.com", "/v1/organization/admin_api_keys"),
        ("chatgpt.com", "/backend-api/conversations"),
        ("auth.openai.com", "/oauth/authorize"),
    ],
)
def test_what_no_client_needs_does_not(book: ProviderBook, host: str, path: str) -> None:
    assert listed(book, host, path) == []


@pytest.mark.parametrize("name", ["anthropic", "openai"])
def test_a_refused_model_call_is_terminal(book: ProviderBook, name: str) -> None:
    room = book.named(name)
    assert room is not None
    assert room.refusal_status == 400


@pytest.mark.parametrize(
    ("host", "path", "does", "status"),
    [
        ("api.anthropic.com", "/api/event_logging/v2/batch", Side.ANSWER, 403),
        ("chatgpt.com", "/backend-api/codex/analytics-events/events", Side.ANSWER, 403),
        ("ab.chatgpt.com", "/otlp/v1/metrics", Side.ANSWER, 403),
        ("chatgpt.com", "/backend-api/ps/mcp", Side.ANSWER, 404),
        ("api.anthropic.com", "/api/eval/sdk-key", Side.STRIP, 0),
    ],
)
def test_side_calls_are_answered_or_stripped(book: ProviderBook, host: str, path: str, does: Side, status: int) -> None:
    room = book.room(host)
    assert room is not None
    call = room.side_call("POST", host, path)
    assert call is not None
    assert (call.do, call.status) == (does, status)


@pytest.mark.parametrize(
    ("host", "path"), [("platform.claude.com", "/v1/oauth/token"), ("auth.openai.com", "/oauth/token")]
)
def test_a_login_s_tokens_are_sealed_both_ways(book: ProviderBook, host: str, path: str) -> None:
    room = book.room(host)
    assert room is not None
    endpoint = room.token_endpoint(host, path)
    assert endpoint is not None
    assert endpoint.request == ("refresh_token",)
    assert set(endpoint.answer) == {"access_token", "refresh_token", "id_token"}


def test_codex_is_told_to_go_on_without_its_websocket(book: ProviderBook) -> None:
    openai = book.named("openai")
    assert openai is not None
    assert openai.upgrade_status == 426


def test_no_two_rooms_share_a_host(book: ProviderBook) -> None:
    hosts = [host for room in book.rooms for host in room.hosts]
    assert len(hosts) == len(set(hosts))
