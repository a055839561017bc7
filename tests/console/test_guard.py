"""Who may speak to the page: its own name, its own origin, its own script."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from email.message import Message

import pytest
from page import Page
from scene import volume_delete

from yett.approvals.hold import HoldState

PAGES = ["/", "/enrol", "/ledger", "/api/holds", "/api/acts", "/static/yett.css", "/nowhere"]


RULES = (
    "default-src 'none'",
    "script-src 'self'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "form-action 'self'",
)


def own(page: Page, **changed: str) -> dict[str, str]:
    """The headers of the page's own script."""
    headers = {"origin": page.origin, "content-type": "application/json", "x-yett": "1"}
    return headers | {name.replace("_", "-"): value for name, value in changed.items()}


def test_hold_is_denied_by_the_pages_own_script(live: Page) -> None:
    hold = live.scene.open(volume_delete())
    assert live.request("POST", f"/api/holds/{hold.id}/deny", own(live), b"{}").status == 200
    assert live.scene.desk.hold(hold.id).state is HoldState.DENIED


OTHER_NAMES = (
    "127.0.0.1:{}",
    "[::1]:{}",
    "localhost",
    "localhost:1",
    "LOCALHOST:{}",
    "localhost.:{}",
    "rebound.example:{}",
    "localhost:{}@evil.example",
    "",
)


def test_other_names_get_nothing(live: Page) -> None:
    for host in OTHER_NAMES:
        for path in PAGES:
            answered = live.request("GET", path, {"host": host.format(live.port)})
            assert answered.status in (400, 421), (host, path)


def test_two_hosts_or_none_get_nothing(live: Page) -> None:
    for head in (
        f"GET / HTTP/1.1\r\nHost: localhost:{live.port}\r\nHost: evil.example\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.0\r\n\r\n",
        f"GET http://evil.example/ HTTP/1.1\r\nHost: evil.example:{live.port}\r\n\r\n",
    ):
        with socket.create_connection(("127.0.0.1", live.port), 5) as raw:
            raw.sendall(head.encode())
            raw.shutdown(socket.SHUT_WR)
            assert raw.recv(4096).split(b" ")[1] in (b"400", b"421")


_FOREIGN: dict[str, dict[str, str | None]] = {
    "no origin": {"origin": None},
    "another site": {"origin": "https://evil.example"},
    "the app on another port": {"origin": "http://localhost:3000"},
    "https": {"origin": "https://localhost:{}"},
    "by address": {"origin": "http://127.0.0.1:{}"},
    "null": {"origin": "null"},
    "cross-site by its own word": {"sec-fetch-site": "cross-site"},
    "same-site only": {"sec-fetch-site": "same-site"},
    "a form": {"content-type": "application/x-www-form-urlencoded"},
    "plain text": {"content-type": "text/plain"},
    "text that ends in json": {"content-type": "text/plain; application/json"},
    "without the mark": {"x-yett": None},
}


@pytest.mark.parametrize("change", _FOREIGN.values(), ids=_FOREIGN.keys())
def test_post_of_another_page_changes_nothing(live: Page, change: Mapping[str, str | None]) -> None:
    hold = live.scene.open(volume_delete())
    headers = own(live)
    for name, value in change.items():
        if value is None:
            del headers[name]
        else:
            headers[name] = value.format(live.port)
    answered = live.request("POST", f"/api/holds/{hold.id}/deny", headers, b"{}")
    assert answered.status == 403
    assert live.scene.desk.hold(hold.id).state is HoldState.WAITING


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "PATCH", "CONNECT", "TRACE"])
def test_other_methods_are_refused(live: Page, method: str) -> None:
    answered = live.request(method, "/api/lockdown", own(live), b"{}")
    assert answered.status in (400, 405)
    assert "access-control-allow-origin" not in answered.headers


def test_nothing_is_changed_by_reading(live: Page) -> None:
    hold = live.scene.open(volume_delete())
    for path in (f"/api/holds/{hold.id}/deny", f"/api/holds/{hold.id}/answer", "/api/lockdown", "/api/enrol"):
        assert live.request("GET", path).status in (404, 405)
    assert live.scene.desk.hold(hold.id).state is HoldState.WAITING


@pytest.mark.parametrize(
    "fetch",
    [
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "script"},
        {"sec-fetch-site": "same-site", "sec-fetch-mode": "cors", "sec-fetch-dest": "empty"},
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe"},
        {"sec-fetch-site": "same-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "embed"},
    ],
)
def test_other_sites_cannot_read_or_frame(live: Page, fetch: dict[str, str]) -> None:
    for path in PAGES:
        assert live.request("GET", path, fetch).status == 403


def test_link_from_a_chat_opens_a_page_and_no_endpoint(live: Page) -> None:
    link = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
    assert live.request("GET", "/", link).status == 200
    assert live.request("GET", "/api/holds", link).status == 403


def test_every_answer_is_hardened(live: Page) -> None:
    for path in (*PAGES, "/api/holds/none"):
        assert_hardened(live.request("GET", path).headers)


def assert_hardened(headers: Message) -> None:
    policy = headers["content-security-policy"]
    for rule in RULES:
        assert rule in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["cache-control"] == "no-store"
    assert "server" not in headers
    assert "set-cookie" not in headers


def test_bodies_have_a_limit_and_must_be_objects(live: Page) -> None:
    for body in (b"", b"[]", b"7", b"{", b"\xff", b'{"a":' * 30_000, b"{}" + b" " * 70_000):
        answered = live.request("POST", "/api/lockdown", own(live), body)
        assert answered.status == 400
    assert live.request("GET", "/").status == 200


def test_lockdown_takes_known_scopes_only(live: Page) -> None:
    for scope in ("", "all", "agent:", "session:", "agent:a\nb", "x:y", 7, None, "agent:" + "a" * 300):
        body = json.dumps({"scope": scope}).encode()
        assert live.request("POST", "/api/lockdown", own(live), body).status == 400, scope


def test_page_answers_on_both_loopback_families_and_nowhere_else(live: Page) -> None:
    assert live.request("GET", "/", address="127.0.0.1").status == 200
    if socket.has_ipv6:
        assert live.request("GET", "/", address="::1").status == 200
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))
        outside = probe.getsockname()[0]
    if not outside.startswith("127."):
        with pytest.raises(OSError):
            socket.create_connection((outside, live.port), 2)


@pytest.mark.parametrize(
    "path", ["/static/../app.py", "/static/%2e%2e/app.py", "/static//etc/passwd", "/static/../../x"]
)
def test_static_files_stay_in_their_folder(live: Page, path: str) -> None:
    assert live.request("GET", path).status in (400, 404)
