"""Law 8. A user id is not a human: whatever widens needs a person's security key, whatever narrows needs none."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest
from law_plane import PORT, LawPlane
from law_world import PROD_VOLUME, STAGING_VOLUME

from yett.approvals.acts import ActKind, ActState
from yett.approvals.errors import NotEntitled, NotOpen, NotSigned
from yett.approvals.hold import HoldState
from yett.daemon.inside import AgentDesk
from yett.daemon.lines import LineServer
from yett.daemon.operator import Operator
from yett.daemon.runs import _task
from yett.daemon.verbs import HELD, PROGRESS, VERBS
from yett.daemon.verbs import undo as undo_verbs
from yett.drills.authenticator import VirtualKey
from yett.model.errors import StoreUnavailable, YettError
from yett.model.identity import Session


def verb(laws: LawPlane, name: str, **words: object) -> dict[str, Any]:
    return laws.do(VERBS[name](laws.plane, words))  # type: ignore[arg-type]


def speak(path: Path, message: object) -> dict[str, Any]:
    """One line to a unix socket, one line back; empty when it hangs up."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(5)
        connection.connect(str(path))
        connection.sendall(message if isinstance(message, bytes) else json.dumps(message).encode() + b"\n")
        line = connection.makefile("rb").readline()
    found = json.loads(line) if line else {}
    assert isinstance(found, dict)
    return found


@pytest.fixture
def agent_socket(laws: LawPlane) -> Path:
    """The socket that is mounted into a sandbox."""
    session = laws.session()
    state = laws.checkpoint.state(session.id)
    assert state is not None
    path = laws.home / "agent.sock"
    laws.call(lambda: LineServer(path, AgentDesk(laws.plane, session, state).serve))
    return path


# ---- what widens waits for a signature


def test_the_lockdown_ends_only_by_a_signature(laws: LawPlane) -> None:
    session = laws.session()
    verb(laws, "lockdown.on", scope="*", why="drill")
    act = verb(laws, "lockdown.off", scope="*")["act"]
    assert laws.refused(laws.get(session)).code == "lockdown"
    laws.sign(act)
    laws.send(laws.get(session))


def test_the_lockdown_that_could_not_be_written_holds_and_no_signature_of_something_else_ends_it(
    laws: LawPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = laws.session()
    act = verb(laws, "environments.set", production=["production"])["act"]

    async def no_disk(_work: object) -> None:
        raise StoreUnavailable("The store is full.", "Make room.")

    with monkeypatch.context() as broken:
        broken.setattr(laws.plane.journal, "run", no_disk)
        with pytest.raises(StoreUnavailable):
            laws.do(laws.plane.lockdown.lock("*", "ada", "now"))
    laws.sign(act)
    assert laws.refused(laws.get(session)).code == "lockdown"


def test_the_environment_map_changes_only_by_a_signature(laws: LawPlane) -> None:
    session = laws.session("production", production=False)
    act = verb(laws, "environments.set", production=[])["act"]
    assert laws.refused(laws.rename(session, PROD_VOLUME)).verdict.value == "deny"
    laws.sign(act)
    assert laws.send(laws.rename(session, PROD_VOLUME)).intent >= 0


def test_an_undo_is_applied_only_by_a_signature_for_it(laws: LawPlane) -> None:
    laws.send(laws.delete(laws.session(), STAGING_VOLUME))
    record = laws.plane.undos.records()[0].id

    async def told(verb_: Any, **words: object) -> list[dict[str, Any]]:
        return [message async for message in verb_(laws.plane, words)]

    act = laws.do(told(undo_verbs.apply, undo=record))[0]["act"]
    applying = asyncio.run_coroutine_threadsafe(told(undo_verbs.wait, undo=record, act=act), laws.loop)
    with pytest.raises(TimeoutError):
        applying.result(0.4)
    assert not laws.world.restored
    laws.sign(act)
    applying.result(10)
    assert laws.world.restored == [record]
    with pytest.raises(YettError):
        laws.do(told(undo_verbs.wait, undo=record, act=act))
    assert laws.world.restored == [record], "a signature is used once"


def test_a_signature_for_one_undo_applies_no_other(laws: LawPlane) -> None:
    session = laws.session()
    laws.send(laws.delete(session, STAGING_VOLUME))
    laws.world.put(STAGING_VOLUME, *laws.world.volumes[STAGING_VOLUME].environments)
    one, body = (
        laws.plane.undos.records()[0].id,
        {"undo": "u-other", "provider": "railway", "resource": ["volume", "x"]},
    )
    act = laws.do(laws.plane.desk.propose(ActKind.UNDO_APPLY, body, "ada"))
    laws.sign(act.id)

    async def told() -> list[object]:
        return [message async for message in undo_verbs.wait(laws.plane, {"undo": one, "act": act.id})]

    with pytest.raises((NotSigned, NotOpen)):
        laws.do(told())
    assert not laws.world.restored


def test_a_task_in_production_starts_only_by_a_signature(laws: LawPlane) -> None:
    said: list[str] = []

    async def say(line: str) -> None:
        said.append(line)

    opening = asyncio.run_coroutine_threadsafe(_task(laws.plane, {"environment": "production"}, say), laws.loop)
    with pytest.raises(TimeoutError):
        opening.result(0.4)
    laws.sign(said[0].rpartition("/acts/")[2])
    assert opening.result(10).production
    staging: Coroutine[Any, Any, Any] = _task(laws.plane, {"environment": "staging"}, say)
    assert not laws.do(staging).production


def test_a_grant_begins_only_by_a_signature(laws: LawPlane) -> None:
    session = laws.session("production", production=True)
    assert laws.refused(laws.rename(session, PROD_VOLUME)).hold
    body = {
        "session": session.id,
        "owner": "ada",
        "actions": ["railway:volumeUpdate"],
        "resources": [["railway", "volume", PROD_VOLUME]],
        "count": 2,
        "expires": laws.clock() + 3600 * 10**9,
    }
    act = laws.do(laws.plane.desk.propose(ActKind.GRANT, body, "ada"))  # type: ignore[arg-type]
    assert laws.refused(laws.rename(session, PROD_VOLUME, "a")).hold
    laws.sign(act.id)
    laws.send(laws.rename(session, PROD_VOLUME, "b"))
    laws.send(laws.rename(session, PROD_VOLUME, "c"))
    assert laws.refused(laws.rename(session, PROD_VOLUME, "d")).hold, "a grant is for so many, and no more"


def test_a_second_key_needs_the_first(laws: LawPlane) -> None:
    desk = laws.plane.desk
    assert laws.do(desk.first_code()) is None, "no code is shown while someone is enrolled"
    ticket, options = desk.key_options("Mallory")
    act = laws.do(desk.propose_key(ticket, VirtualKey().create(options, desk.site.origin)))
    stranger = VirtualKey()
    with pytest.raises((NotSigned, NotEntitled)):
        laws.do(desk.sign(act.id, stranger.get(desk.act_options(act.id), desk.site.origin)))
    assert desk.act(act.id).state is ActState.WAITING


def test_every_operator_verb_that_opens_something_only_proposes(laws: LawPlane) -> None:
    """Nothing changed in the store but an act that waits."""
    verb(laws, "lockdown.on", scope="*")
    for name, words in {"lockdown.off": {"scope": "*"}, "environments.set": {"production": []}}.items():
        answer = verb(laws, name, **words)
        assert laws.plane.desk.act(answer["act"]).state is ActState.WAITING
        assert "/acts/" in answer["sign"]


# ---- what narrows needs none


def test_narrowing_needs_no_key(laws: LawPlane) -> None:
    session = laws.session()
    hold = laws.asked_delete(session)
    laws.approve(hold)
    verb(laws, "holds.deny", hold=hold, why="no")
    assert laws.hold(hold).state is HoldState.DENIED
    verb(laws, "lockdown.on", scope=f"session:{session.id}")
    assert laws.refused(laws.get(session)).code == "lockdown"
    assert laws.plane.lockdown.scopes == {f"session:{session.id}"}


# ---- two sockets


@pytest.mark.parametrize("name", sorted({*VERBS, *PROGRESS, *HELD, "", "run.end", "run.unmask"}))
def test_the_agents_socket_knows_no_verb_of_the_owner(laws: LawPlane, agent_socket: Path, name: str) -> None:
    before = len(laws.entries())
    answer = speak(agent_socket, {"verb": name, "scope": "*", "hold": "h-x", "session": "s-1"})
    if name in ("why", "status"):  # the agent has verbs of these names, about its own session
        assert set(answer) == {"lines"}
    else:
        assert "not for agents" in answer["error"]
    assert len(laws.entries()) == before


def test_an_agent_sees_and_asks_for_its_own_holds_only(laws: LawPlane, agent_socket: Path) -> None:
    other = laws.asked_delete(laws.session())
    assert speak(agent_socket, {"verb": "holds"}) == {"lines": ["nothing waits"]}
    assert (
        "no waiting hold of this session" in speak(agent_socket, {"verb": "ask", "hold": other, "reason": "x"})["error"]
    )
    assert laws.hold(other).reason != "x"


NO_REQUESTS = (b"\n", b"[]\n", b"nonsense\n", b"[" * 100_000 + b"\n", b'{"verb": ["ask"]}\n', b"\xff\n")


@pytest.mark.parametrize("line", NO_REQUESTS, ids=range(6))
def test_a_line_that_is_no_request_ends_the_connection_and_nothing_else(
    laws: LawPlane, agent_socket: Path, line: bytes
) -> None:
    assert "lines" not in speak(agent_socket, line)
    assert "lines" in speak(agent_socket, {"verb": "status"})


def test_an_agent_cannot_use_up_the_sockets_of_its_daemon(laws: LawPlane, agent_socket: Path) -> None:
    held = []
    for _ in range(160):
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(str(agent_socket))
        held.append(connection)
    threading.Event().wait(0.2)
    closed = 0
    for connection in held:
        connection.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            closed += connection.recv(1) == b""
        connection.close()
    assert closed == 32
    threading.Event().wait(0.2)
    assert "lines" in speak(agent_socket, {"verb": "status"})


CLIENT = """
import os, socket, sys
if os.geteuid() == 0:
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
s = socket.socket(socket.AF_UNIX); s.settimeout(5)
s.connect(sys.argv[1])
print(s.recv(65536).decode())
"""


def test_the_operators_socket_answers_its_own_user_only(
    laws: LawPlane, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even where its mode let others connect: the kernel says who is there."""
    import tempfile

    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        Path(name).chmod(0o755)
        path = Path(name) / "operator.sock"
        if os.geteuid() != 0:  # nobody here can become someone else: the daemon does
            monkeypatch.setattr("yett.daemon.operator.os.geteuid", lambda: 1)
        server = laws.call(lambda: LineServer(path, Operator(laws.plane, VERBS, PROGRESS, HELD).serve, mode=0o666))
        other = subprocess.run([sys.executable, "-c", CLIENT, str(path)], capture_output=True, text=True, check=True)
        assert "belongs to another user" in json.loads(other.stdout)["error"]
        if os.geteuid() == 0:
            assert speak(path, {"verb": "status"})["pid"]
        laws.call(server.close)


def test_the_operators_socket_is_made_for_its_owner_alone(laws: LawPlane) -> None:
    path = laws.home / "operator.sock"
    server = laws.call(lambda: LineServer(path, Operator(laws.plane, VERBS, PROGRESS, HELD).serve))
    assert path.stat().st_mode & 0o777 == 0o600
    assert "error" in speak(path, {"verb": "no.such.verb"})
    laws.call(server.close)


def test_the_gate_leads_to_no_socket_of_the_daemon(laws: LawPlane) -> None:
    session: Session = laws.session()
    port = laws.proxy(session)
    for host in ("localhost", "127.0.0.1", "[::1]"):
        with socket.create_connection(("127.0.0.1", port), timeout=5) as raw:
            raw.sendall(f"CONNECT {host}:{PORT} HTTP/1.1\r\nHost: {host}:{PORT}\r\n\r\n".encode())
            assert raw.recv(64).split()[1] in (b"400", b"403")
