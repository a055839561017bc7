"""Law 5. A real credential never comes back in a form that can be recognised; what is minted becomes a placeholder."""

from __future__ import annotations

import base64
import json
import urllib.parse
import uuid

import pytest
from law_plane import REAL_TOKEN, LawPlane

ME = "{ me { id } }"

FORMS = {
    "plain": REAL_TOKEN,
    "base64": base64.b64encode(REAL_TOKEN.encode()).decode(),
    "hexadecimal": REAL_TOKEN.encode().hex(),
    "percent": urllib.parse.quote(REAL_TOKEN).replace("-", "%2D"),
    "json escapes": "".join(f"\\u{ord(letter):04x}" for letter in REAL_TOKEN),
    "html": "".join(f"&#{ord(letter)};" for letter in REAL_TOKEN),
}


def http(body: bytes, *headers: str, chunk: int = 0) -> bytes:
    """An answer of the upstream, in one piece or in chunks of a few bytes."""
    head = ["HTTP/1.1 200 OK", "content-type: application/json", *headers]
    if not chunk:
        return "\r\n".join([*head, f"content-length: {len(body)}", "", ""]).encode() + body
    pieces = [body[at : at + chunk] for at in range(0, len(body), chunk)]
    chunked = b"".join(f"{len(piece):x}\r\n".encode() + piece + b"\r\n" for piece in pieces) + b"0\r\n\r\n"
    return "\r\n".join([*head, "transfer-encoding: chunked", "", ""]).encode() + chunked


@pytest.mark.parametrize("chunk", [0, 5])
def test_a_real_credential_never_comes_back(laws: LawPlane, chunk: int) -> None:
    session = laws.session()
    port, token = laws.proxy(session), laws.lease(session)
    for form, value in FORMS.items():
        body = b'{"data": {"me": {"id": "' + value.encode() + b'", "name": "ada"}}}'
        laws.upstream.raw_answer = http(body, f"x-token: {REAL_TOKEN}", chunk=chunk)
        reply = laws.post(port, ME, token)
        assert reply.status == 200
        assert value.encode() not in reply.body, form
        assert REAL_TOKEN not in json.dumps(reply.headers)
        assert b"ada" in reply.body, "and nothing else is lost"


@pytest.mark.parametrize("form", FORMS)
def test_nor_does_it_come_back_in_pieces_that_arrive_one_after_the_other(laws: LawPlane, form: str) -> None:
    session = laws.session()
    port, token = laws.proxy(session), laws.lease(session)
    value = FORMS[form].encode()
    whole = http(b'{"data": "' + value + b'"}', chunk=7)
    laws.upstream.pieces = [whole[at : at + 11] for at in range(0, len(whole), 11)]
    reply = laws.post(port, ME, token)
    assert reply.status == 200
    assert value not in reply.body
    assert reply.body.startswith(b'{"data": "')


def test_an_upstream_that_repeats_the_authorization_gives_the_placeholder_back(laws: LawPlane) -> None:
    session = laws.session()
    port, token = laws.proxy(session), laws.lease(session)
    laws.upstream.raw_answer = http(json.dumps({"data": {"seen": f"Bearer {REAL_TOKEN}"}}).encode())
    assert json.loads(laws.post(port, ME, token).body)["data"]["seen"] == f"Bearer {token}"


def test_answers_on_credentialed_requests_come_whole_and_plain(laws: LawPlane) -> None:
    session = laws.session()
    port, token = laws.proxy(session), laws.lease(session)
    laws.post(port, ME, token, accept_encoding="gzip, br", range="bytes=0-10")
    asked = laws.upstream.seen[-1].lower()
    assert b"accept-encoding: identity" in asked
    assert b"gzip" not in asked
    assert b"\r\nrange:" not in asked


def test_cookies_of_a_governed_host_stay_outside(laws: LawPlane) -> None:
    session = laws.session()
    port, token = laws.proxy(session), laws.lease(session)
    laws.upstream.raw_answer = http(b'{"data":{}}', "set-cookie: login=abc; HttpOnly")
    assert "set-cookie" not in laws.post(port, ME, token).headers


MINT = 'mutation { apiTokenCreate(input: { name: "ci" }) }'


def minted(laws: LawPlane, answer: object) -> tuple[bytes, int]:
    """The answer to a minting act after a person let it pass."""
    session = laws.session()
    port, token = laws.proxy(session), laws.lease(session)
    held = laws.post(port, MINT, token).problem
    laws.approve_and_wait(held["hold"])
    laws.upstream.answer = answer  # type: ignore[assignment]
    reply = laws.post(port, MINT, token)
    return reply.body, reply.status


def test_a_minted_credential_becomes_a_placeholder(laws: LawPlane) -> None:
    new = str(uuid.uuid4())
    body, status = minted(laws, {"data": {"apiTokenCreate": new}})
    assert status == 200
    assert new.encode() not in body
    placeholder = json.loads(body)["data"]["apiTokenCreate"]
    assert placeholder
    assert any(kept.name.startswith("minted/") for kept in laws.plane.vault.list())


def test_an_undeclared_answer_to_a_minting_act_is_withheld(laws: LawPlane) -> None:
    new = str(uuid.uuid4())
    laws.upstream.raw_answer = None
    session = laws.session()
    port, token = laws.proxy(session), laws.lease(session)
    laws.approve_and_wait(laws.post(port, MINT, token).problem["hold"])
    laws.upstream.raw_answer = http(f"<html>{new}</html>".encode())
    reply = laws.post(port, MINT, token)
    assert reply.problem["code"] == "withheld"
    assert new.encode() not in reply.body
