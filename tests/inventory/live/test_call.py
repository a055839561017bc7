"""A value stands in its place of the request and nowhere else."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yett.inventory.kinds import LiveCall
from yett.inventory.live.call import Unsendable, request_of

URL = "https://api.issuer.example/v1/me"


def octets(auth: str, value: str = "tok/en+1", url: str = URL, **more: object) -> bytes:
    return request_of(LiveCall(url, auth, **more), value).octets  # type: ignore[arg-type]  # one dict for all fields


def basic(login: str) -> bytes:
    return b"\r\nauthorization: Basic " + base64.b64encode(login.encode()) + b"\r\n"


def test_as_a_header() -> None:
    assert b"\r\nauthorization: Bearer tok/en+1\r\n" in octets("bearer")
    assert b"\r\nx-key: tok/en+1\r\n" in octets("header:X-Key")
    assert b"\r\nauthorization: Token tok/en+1\r\n" in octets("header:Authorization:Token")


def test_as_a_login() -> None:
    assert basic("tok/en+1:") in octets("basic-user")
    assert basic("api:to:ken") in octets("basic-password:api", "to:ken")
    with pytest.raises(Unsendable):
        octets("basic-user", "to:ken")


def test_in_the_url() -> None:
    assert octets("query:key").startswith(b"GET /v1/me?key=tok%2Fen%2B1 HTTP/1.1\r\n")
    assert octets("query:key", url=f"{URL}?limit=1").startswith(b"GET /v1/me?limit=1&key=tok%2Fen%2B1 HTTP/1.1\r\n")
    at = "https://api.issuer.example/bot{value}/me"
    assert octets("path", "1:a/b", at).startswith(b"GET /bot1:a%2Fb/me HTTP/1.1\r\n")
    at = "https://api.issuer.example/hooks/{value/}"
    assert octets("path", "1/a?b", at).startswith(b"GET /hooks/1/a%3Fb HTTP/1.1\r\n")


@pytest.mark.parametrize("value", ["1/../../admin", "1/./a", "/1", "1//2", "..", "1/"])
def test_slashes_lead_to_no_other_call(value: str) -> None:
    with pytest.raises(Unsendable):
        octets("path", value, "https://api.issuer.example/hooks/{value/}")


def test_in_the_body() -> None:
    sent = octets("body", 'a"b\\c', method="POST", body='{"key":"{value}"}')
    assert sent.endswith(b'\r\ncontent-type: application/json\r\ncontent-length: 17\r\n\r\n{"key":"a\\"b\\\\c"}')
    form = (("Content-Type", "application/x-www-form-urlencoded"),)
    sent = octets("body", "a&b=c", method="POST", body="key={value}", headers=form)
    assert sent.endswith(b"\r\n\r\nkey=a%26b%3Dc")
    assert sent.count(b"content-type") == 1


def test_post_without_a_body_has_no_content_type() -> None:
    sent = octets("bearer", method="POST")
    assert b"content-type" not in sent
    assert sent.endswith(b"\r\ncontent-length: 0\r\n\r\n")


def test_fixed_headers_are_sent_besides() -> None:
    assert b"\r\nnotion-version: 2022-06-28\r\n" in octets("bearer", headers=(("Notion-Version", "2022-06-28"),))


@pytest.mark.parametrize("value", ["", "a b", "a\r\nhost: evil.example", "a\x00b", "schlüssel", "a\tb", "x" * 8193])
def test_what_would_break_out_is_not_sent(value: str) -> None:
    for auth in ("bearer", "basic-user", "query:key"):
        with pytest.raises(Unsendable) as refused:
            octets(auth, value)
        assert not value or value not in str(refused.value)


@given(st.text(max_size=40))
def test_no_value_adds_a_line_or_leaves_the_host(value: str) -> None:
    for auth, url in (
        ("bearer", URL),
        ("query:key", URL),
        ("basic-password:api", URL),
        ("path", "https://api.issuer.example/{value/}"),
    ):
        try:
            request = request_of(LiveCall(url, auth), value)
        except Unsendable:
            continue
        assert request.host == "api.issuer.example"
        head, _, rest = request.octets.partition(b"\r\n\r\n")
        lines = head.split(b"\r\n")
        assert rest == b""
        assert lines[0].count(b" ") == 2
        assert [line for line in lines if line.startswith(b"host:")] == [b"host: api.issuer.example"]
        assert len(lines) == 6 + (auth in ("bearer", "basic-password:api"))
