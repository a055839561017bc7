"""Login files of agents, and where people put models' keys."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from yett.inventory.formats import all_formats
from yett.inventory.severity import Severity

Parsed = Callable[..., list]
Made = Callable[..., str]


def test_claude_code(parsed: Parsed, made: Made) -> None:
    access, refresh = made(60), made(60)
    login = {
        "claudeAiOauth": {"accessToken": access, "refreshToken": refresh, "expiresAt": 1, "scopes": ["user:profile"]}
    }
    found = parsed("h/.claude/.credentials.json", json.dumps(login))
    assert [each.raw for each in found] == [access, refresh]
    assert all(each.hit.severity is Severity.CRITICAL for each in found)


def test_codex(parsed: Parsed, made: Made) -> None:
    tokens = {"id_token": made(60), "access_token": made(60), "refresh_token": made(60), "account_id": "acct"}
    found = parsed("h/.codex/auth.json", json.dumps({"OPENAI_API_KEY": None, "tokens": tokens}))
    assert [(each.raw, each.account) for each in found] == [(value, "acct") for value in list(tokens.values())[:3]]


def test_gemini(parsed: Parsed, made: Made) -> None:
    tokens = {"access_token": made(60), "refresh_token": made(60), "id_token": made(60), "token_type": "Bearer"}
    found = parsed("h/.gemini/oauth_creds.json", json.dumps(tokens))
    assert [each.raw for each in found] == list(tokens.values())[:3]


def test_copilot(parsed: Parsed, made: Made) -> None:
    token = made()
    text = f'// c\n{{"copilotTokens": {{"https://github.com:bob": "{token}"}}, "theme": "dark"}}'
    [found] = parsed("h/.copilot/config.json", text)
    assert (found.raw, found.account) == (token, "bob@github.com")
    for name in ("hosts.json", "apps.json"):
        text = json.dumps({"github.com:Iv1": {"user": "bob", "oauth_token": token}})
        [found] = parsed(f"h/.config/github-copilot/{name}", text)
        assert (found.raw, found.account) == (token, "bob")


def test_opencode(parsed: Parsed, made: Made) -> None:
    key, refresh, access = made(), made(), made()
    text = json.dumps({"a": {"type": "api", "key": key}, "o": {"type": "oauth", "refresh": refresh, "access": access}})
    found = parsed("h/.local/share/opencode/auth.json", text)
    assert [(each.raw, each.account) for each in found] == [(key, "a"), (refresh, "o"), (access, "o")]


def test_keys_of_models(parsed: Parsed, made: Made) -> None:
    key, other = made(), made()
    text = f"openai-api-key: {key}\napi-key:\n- gemini={other}\nmodel: x\n"
    assert [each.raw for each in parsed("p/.aider.conf.yml", text)] == [key, other]
    assert [each.raw for each in parsed("h/.config/goose/secrets.yaml", f"OPENAI_API_KEY: {key}\n")] == [key]
    text = f"model_list:\n- litellm_params: {{model: m, api_key: os.environ/X}}\n- litellm_params: {{api_key: {key}}}\n"
    assert [each.raw for each in parsed("p/litellm_config.yaml", text)] == [key]


@pytest.mark.parametrize("name", ["claude", "codex", "cursor", "gemini", "copilot", "opencode", "openclaw"])
def test_transcripts_have_a_place_and_no_positions(name: str) -> None:
    form = next(made for made in all_formats() if made.id == f"{name}-transcript")
    assert form.homes
    assert list(form.parse(b'{"password": "x"}')) == []
