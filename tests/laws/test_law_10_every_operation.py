"""Law 10. Every operation is decided, not every connection; lockdown and the end of task or lease close within 1 s."""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time
from collections.abc import Callable

import pytest
from law_plane import ELSEWHERE, RAILWAY, LawPlane
from law_world import PROD_VOLUME

from yett.daemon.verbs import VERBS
from yett.model.identity import Session

WEBSOCKET = {"upgrade": "websocket", "connection": "Upgrade", "sec_websocket_key": "x", "sec_websocket_version": "13"}
ME = b'{"query":"{ me { id } }"}'


def ask(connection: ssl.SSLSocket, host: str, body: bytes, token: str = "") -> int:
    """One request on a tunnel that stays open; its status."""
    authorization = f"Authorization: Bearer {token}\r\n" if token else ""
    head = f"POST /graphql/v2 HTTP/1.1\r\nHost: {host}\r\n{authorization}Content-Type: application/json\r\n"
    connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    answer = b""
    while b"\r\n\r\n" not in answer:
        piece = connection.recv(4096)
        if not piece:
            return 0
        answer += piece
    headers, _, rest = answer.partition(b"\r\n\r\n")
    length = next(int(line.partition(b":")[2]) for line in headers.lower().split(b"\r\n") if b"content-length" in line)
    while len(rest) < length:
        rest += connection.recv(4096)
    return int(answer.split()[1])


def closes(connection: socket.socket) -> float:
    """Seconds until the other side hangs up."""
    began = time.monotonic()
    connection.settimeout(3)
    try:
        while connection.recv(4096):
            pass
    except TimeoutError:
        return 99.0
    except OSError:
        pass
    return time.monotonic() - began


def test_a_tunnel_inherits_no_decision(laws: LawPlane) -> None:
    session = laws.session()
    port, token = laws.proxy(session), laws.lease(session)
    delete = json.dumps({"query": f'mutation {{ volumeDelete(volumeId: "{PROD_VOLUME}") }}'}).encode()
    with laws.tunnel(port) as tunnel:
        assert ask(tunnel, RAILWAY, ME, token) == 200
        assert ask(tunnel, RAILWAY, delete, token) == 403
        assert ask(tunnel, RAILWAY, ME, token) == 200
    assert len(laws.upstream.seen) == 2


def test_a_batch_is_decided_as_all_of_its_operations(laws: LawPlane) -> None:
    session = laws.session()
    port, token = laws.proxy(session), laws.lease(session)
    query = f'query {{ me {{ id }} }} mutation m {{ volumeDelete(volumeId: "{PROD_VOLUME}") }}'
    aliased = f'mutation {{ a: volumeDelete(volumeId: "{PROD_VOLUME}") b: volumeDelete(volumeId: "{PROD_VOLUME}") }}'
    batch = json.dumps([{"query": "{ me { id } }"}, {"query": aliased}]).encode()
    for body in (json.dumps({"query": query, "operationName": "m"}).encode(), batch):
        assert laws.over(port, "POST", "/graphql/v2", body, authorization=f"Bearer {token}").status == 403
    assert not laws.upstream.seen


def test_requests_sent_ahead_are_decided_one_by_one(laws: LawPlane) -> None:
    session = laws.session()
    port, token = laws.proxy(session), laws.lease(session)
    delete = json.dumps({"query": f'mutation {{ volumeDelete(volumeId: "{PROD_VOLUME}") }}'}).encode()
    head = f"Host: {RAILWAY}\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n"
    pipelined = b"".join(
        f"POST /graphql/v2 HTTP/1.1\r\n{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
        for body in (ME, delete)
    )
    with laws.tunnel(port) as tunnel:
        tunnel.sendall(pipelined)
        tunnel.settimeout(3)
        answers = b""
        while answers.count(b"HTTP/1.1 ") < 2:
            piece = tunnel.recv(4096)
            if not piece:
                break
            answers += piece
    assert b"HTTP/1.1 403" in answers
    assert not laws.upstream.bodies("volumeDelete")


def test_an_upgrade_at_a_governed_host_is_refused(laws: LawPlane) -> None:
    session = laws.session()
    port, token = laws.proxy(session), laws.lease(session)
    assert laws.over(port, "GET", "/graphql/v2", authorization=f"Bearer {token}", **WEBSOCKET).status in (400, 403, 426)
    assert not laws.upstream.seen


def test_an_upgrade_elsewhere_is_an_unknown_operation_and_waits(laws: LawPlane) -> None:
    port = laws.proxy(laws.session())
    assert laws.over(port, "GET", "/", host=ELSEWHERE, **WEBSOCKET).problem["hold"]
    assert not laws.upstream.seen


def lockdown(laws: LawPlane, session: Session) -> None:
    laws.do(VERBS["lockdown.on"](laws.plane, {"scope": "*"}))


def lockdown_of_the_session(laws: LawPlane, session: Session) -> None:
    laws.do(VERBS["lockdown.on"](laws.plane, {"scope": f"session:{session.id}"}))


def end(laws: LawPlane, session: Session) -> None:
    laws.call(lambda: laws.plane.gate.close_session(session.id))


def revoke(laws: LawPlane, session: Session) -> None:
    row = laws.plane.broker.lease(session, "platform")
    laws.do(VERBS["lease.revoke"](laws.plane, {"lease": row.id}))


ENDS: list[Callable[[LawPlane, Session], None]] = [lockdown, lockdown_of_the_session, end, revoke]


@pytest.mark.parametrize("ending", ENDS)
def test_open_tunnels_close_within_a_second(laws: LawPlane, ending: Callable[[LawPlane, Session], None]) -> None:
    session = laws.session()
    port, token = laws.proxy(session), laws.lease(session)
    with laws.tunnel(port) as tunnel:
        assert ask(tunnel, RAILWAY, ME, token) == 200
        ending(laws, session)
        assert closes(tunnel) < 1.0
    seen = len(laws.upstream.seen)
    if ending is end:
        with pytest.raises(OSError):
            laws.post(port, ME.decode(), token)
    else:
        assert laws.post(port, ME.decode(), token).status == 403
    assert len(laws.upstream.seen) == seen


def test_an_answer_that_is_under_way_is_cut_off(laws: LawPlane) -> None:
    session = laws.session()
    port, token = laws.proxy(session), laws.lease(session)
    asked, go_on = threading.Event(), threading.Event()
    laws.upstream.before_answer = lambda: (asked.set(), go_on.wait(5))[0]  # type: ignore[return-value,func-returns-value]
    with laws.tunnel(port) as tunnel:
        head = f"POST /graphql/v2 HTTP/1.1\r\nHost: {RAILWAY}\r\nAuthorization: Bearer {token}\r\n"
        head += f"Content-Type: application/json\r\nContent-Length: {len(ME)}\r\n\r\n"
        tunnel.sendall(head.encode() + ME)
        assert asked.wait(5)
        lockdown(laws, session)
        assert closes(tunnel) < 1.0
        go_on.set()


def test_a_lockdown_survives_a_restart(laws: LawPlane) -> None:
    from yett.checkpoint.lockdown import Lockdown

    session = laws.session()
    lockdown(laws, session)
    assert Lockdown(laws.plane.store, laws.plane.journal).stops(session)


def test_the_lockdown_of_one_agent_leaves_the_others_alone(laws: LawPlane) -> None:
    one, other = laws.session(agent="one.ada"), laws.session(agent="other.ada")
    laws.do(VERBS["lockdown.on"](laws.plane, {"scope": "agent:one.ada"}))
    assert laws.refused(laws.get(one)).code == "lockdown"
    laws.send(laws.get(other))


def test_what_was_decided_before_a_lockdown_does_not_leave_after_it(laws: LawPlane) -> None:
    session = laws.session()
    hold = laws.asked_delete(session)
    laws.approve_and_wait(hold)

    def closing() -> None:
        laws.loop.create_task(laws.plane.lockdown.lock("*", "ada", "stop"))
        laws.plane.lockdown._scopes |= {"*"}  # as the first step of that task does

    laws.world.on_capture = closing
    assert laws.refused(laws.delete(session)).code == "lockdown"
    assert not laws.entries("intent")
