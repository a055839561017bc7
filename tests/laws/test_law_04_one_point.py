"""Law 4. A placeholder works for one session, at its room's hosts, in one position. Elsewhere it is dead text."""

from __future__ import annotations

import json

import pytest
from law_plane import ELSEWHERE, REAL_TOKEN, LawPlane
from law_world import STAGING_VOLUME

ME = "{ me { id } }"


def left(laws: LawPlane) -> bytes:
    return b"\n".join(laws.upstream.seen)


def test_at_its_point_it_becomes_the_real_credential(laws: LawPlane) -> None:
    session = laws.session()
    port, token = laws.proxy(session), laws.lease(session)
    assert laws.post(port, ME, token).status == 200
    assert f"Bearer {REAL_TOKEN}".encode() in left(laws)
    assert token.encode() not in left(laws)


def test_at_another_host_it_is_refused_with_an_alarm(laws: LawPlane) -> None:
    session = laws.session()
    port, token = laws.proxy(session), laws.lease(session)
    assert laws.over(port, "GET", "/", host=ELSEWHERE, authorization=f"Bearer {token}").status == 403
    assert not laws.upstream.seen
    assert laws.entries("alarm")


def test_at_another_governed_host_it_is_refused(laws: LawPlane) -> None:
    session = laws.session()
    port, token = laws.proxy(session), laws.lease(session)
    reply = laws.over(port, "GET", "/v1/models", host="api.openai.com", authorization=f"Bearer {token}")
    assert reply.problem["code"] == "credential"
    assert laws.entries("alarm")


@pytest.mark.parametrize("header", ["project-access-token", "x-api-key", "cookie"])
def test_in_another_position_it_is_refused(laws: LawPlane, header: str) -> None:
    session = laws.session()
    port, token = laws.proxy(session), laws.lease(session)
    said = f"t={token}" if header == "cookie" else token
    reply = laws.over(port, "POST", "/graphql/v2", json.dumps({"query": ME}).encode(), **{header: said})
    assert reply.status == 403
    assert not laws.upstream.seen


def test_in_free_text_it_stays_what_it_is(laws: LawPlane) -> None:
    session = laws.session()
    port, token = laws.proxy(session), laws.lease(session)
    document = f'mutation {{ volumeUpdate(volumeId: "{STAGING_VOLUME}", input: {{ name: "{token}" }}) {{ id }} }}'
    assert laws.post(port, document, token, x_note=token).status == 200
    arrived = left(laws)
    assert arrived.count(REAL_TOKEN.encode()) == 1, "in the one position, and nowhere else"
    assert token.encode() in arrived


def test_it_works_no_longer_once_it_is_revoked_or_its_task_is_over(laws: LawPlane) -> None:
    session = laws.session()
    port, token = laws.proxy(session), laws.lease(session)
    laws.plane.broker.revoke(session.id)
    assert laws.post(port, ME, token).problem["code"] == "credential"
    short = laws.session(seconds=0.0)
    token = laws.plane.broker.lease(short, "platform").placeholder
    assert laws.post(laws.proxy(short), ME, token).status == 403
    assert not laws.upstream.seen


def test_a_placeholder_is_not_made_of_its_secret(laws: LawPlane) -> None:
    token = laws.lease(laws.session())
    assert token != REAL_TOKEN
    assert REAL_TOKEN[-4:] not in token[-4:]


def test_the_real_credential_never_leaves_in_the_clear(laws: LawPlane) -> None:
    import socket

    session = laws.session()
    port, token = laws.proxy(session), laws.lease(session)
    request = (
        "POST http://backboard.railway.com/graphql/v2 HTTP/1.1\r\nHost: backboard.railway.com\r\n"
        f"Authorization: Bearer {token}\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{{}}"
    )
    with socket.create_connection(("127.0.0.1", port), timeout=5) as raw:
        raw.sendall(request.encode())
        assert raw.recv(64).startswith(b"HTTP/1.1 403")
    assert not laws.upstream.seen
