"""A whole control plane as the daemon builds it, on a loop of its own, with people who have keys and a clock.

Real: store, journal, desk, policies, broker, book, eyes, undos, checkpoint, gate. Outside of Yett, and played here: the
provider's facts (`World`), the provider's host (`Upstream`), people's security keys.
"""

from __future__ import annotations

import asyncio
import http.client
import itertools
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import uvloop
from law_world import PROD_VOLUME, Upstream, World
from sqlalchemy import select

from yett.approvals.challenge import Answer as Said
from yett.approvals.hold import Hold
from yett.checkpoint.pipeline import Checkpoint
from yett.checkpoint.record import Pass
from yett.daemon.plane import OWN, Plane, build
from yett.daemon.runs import _write_session
from yett.daemon.settings import Settings
from yett.drills.authenticator import VirtualKey
from yett.gateway.ca import Leaves, open_authority
from yett.gateway.http.digest import request_digest
from yett.model.canonical import Json
from yett.model.decision import Refused
from yett.model.errors import StoreUnavailable
from yett.model.http import HttpRequest
from yett.model.identity import Principal, Session, Task
from yett.model.operation import Attempt
from yett.operations.classify import classify
from yett.store import tables

T = TypeVar("T")

RAILWAY = "backboard.railway.com"
ELSEWHERE = "example.org"
PORT = 4663
REAL_TOKEN = "5f1c9e02-7d43-4b8a-9c55-0a1b2c3d4e5f"
OWN_TOKEN = "9d2a7c11-0b6e-4f3a-8d21-77aa10b2c3d4"

_numbers = itertools.count(1)


@dataclass
class Clock:
    """Nanoseconds since the epoch; a test moves it."""

    offset: int = 0

    def __call__(self) -> int:
        return time.time_ns() + self.offset

    def advance(self, seconds: float) -> None:
        self.offset += int(seconds * 1e9)


@dataclass(frozen=True)
class Reply:
    """An HTTP answer through the gate; `problem` is its JSON."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def problem(self) -> dict[str, Any]:
        assert self.headers["content-type"] == "application/problem+json", (self.status, self.body)
        found = json.loads(self.body)
        assert isinstance(found, dict)
        return found


@dataclass
class LawPlane:
    """What the tests hold in their hands."""

    home: Path
    plane: Plane
    world: World
    upstream: Upstream
    loop: asyncio.AbstractEventLoop
    clock: Clock
    bundle: Path
    people: dict[str, VirtualKey] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)

    @property
    def checkpoint(self) -> Checkpoint:
        return self.plane.checkpoint

    def do(self, work: Coroutine[Any, Any, T], seconds: float = 20.0) -> T:
        """Run on the plane's loop, as everything of the daemon does."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(seconds)

    def call(self, function: Callable[[], T]) -> T:
        async def called() -> T:
            return function()

        return self.do(called())

    # -- people

    def enrol_first(self, name: str = "Ada") -> None:
        desk = self.plane.desk
        code = self.do(desk.first_code())
        assert code is not None
        key = self.people[name] = VirtualKey()
        options = desk.first_key_options(code, name)
        self.do(desk.enrol_first(code, name, key.create(options, desk.site.origin)))

    def enrol(self, name: str, *vouchers: str) -> None:
        desk, key = self.plane.desk, VirtualKey()
        ticket, options = desk.key_options(name)
        act = self.do(desk.propose_key(ticket, key.create(options, desk.site.origin)))
        for voucher in vouchers:
            self.sign(act.id, voucher)
        self.people[name] = key

    def team(self) -> None:
        """Bo and Cy beside Ada."""
        self.enrol("Bo", "Ada")
        self.enrol("Cy", "Ada", "Bo")

    def sign(self, act_id: str, name: str = "Ada") -> None:
        desk = self.plane.desk
        self.do(desk.sign(act_id, self.people[name].get(desk.act_options(act_id), desk.site.origin)))

    def approve(self, hold_id: str, name: str = "Ada") -> Hold:
        desk = self.plane.desk
        credential = self.people[name].get(desk.answer_options(hold_id, Said.APPROVE), desk.site.origin)
        return self.do(desk.answer(hold_id, Said.APPROVE, credential))

    def approve_and_wait(self, hold_id: str) -> None:
        """One person's approval, and the minute in which it can be called off."""
        self.approve(hold_id)
        self.clock.advance(61)

    # -- agents

    def session(
        self,
        environment: str | None = "staging",
        *,
        production: bool = False,
        observe: bool = False,
        seconds: float = 3600,
        agent: str = "scripted.ada",
    ) -> Session:
        number, now = next(_numbers), time.time()
        task = Task(f"t-{number}", "fix the staging login", environment, production, now, now + seconds)
        principal = Principal(agent, "ada", "scripted")
        session = Session(f"s-{number}", principal, task, str(self.home / "workspace"), observe)
        self.do(self.plane.journal.run(lambda tx: _write_session(tx, session)))
        self.call(lambda: self.checkpoint.open_session(session))
        self.sessions[session.id] = session
        return session

    def request(self, document: str, host: str = RAILWAY, **variables: Json) -> HttpRequest:
        """A GraphQL request as an agent's client would frame it."""
        body = json.dumps({"query": document, "variables": variables} if variables else {"query": document})
        headers = (("content-type", "application/json"),)
        return HttpRequest("POST", "https", host, 443, "/graphql/v2", "", headers, body.encode())

    def attempt(self, session: Session, request: HttpRequest, lease: str = "l-1") -> Attempt:
        """What the wire makes of it."""
        read = classify(request, self.plane.book, session)
        summary, ignored = read.summary, read.confirmations_ignored
        return Attempt(session, "http", read.operations, request_digest(request), lease, summary, ignored)

    def delete(self, session: Session, volume: str = PROD_VOLUME) -> Attempt:
        return self.attempt(session, self.request(f'mutation {{ volumeDelete(volumeId: "{volume}") }}'))

    def rename(self, session: Session, volume: str = PROD_VOLUME, name: str = "x") -> Attempt:
        """A plain write."""
        document = f'mutation {{ volumeUpdate(volumeId: "{volume}", input: {{ name: "{name}" }}) {{ id }} }}'
        return self.attempt(session, self.request(document))

    def get(self, session: Session, host: str = ELSEWHERE, method: str = "GET", path: str = "/") -> Attempt:
        return self.attempt(session, HttpRequest(method, "https", host, 443, path, "", (), b""), lease="")

    def send(self, attempt: Attempt) -> Pass:
        """Put it to the checkpoint as a wire does. Raises Refused."""
        return self.do(self.checkpoint.pass_(attempt))

    def refused(self, attempt: Attempt) -> Refused:
        """The refusal; a test that expects one reads as one."""
        try:
            granted = self.send(attempt)
        except Refused as error:
            return error
        raise AssertionError(f"it passed: {granted}")

    def asked_delete(self, session: Session, volume: str = PROD_VOLUME) -> str:
        """The founding call held, after the agent asked for it; the hold's id."""
        attempt = self.delete(session, volume)
        first = self.refused(attempt)
        if first.hold:
            return first.hold
        state = self.checkpoint.state(session.id)
        assert state is not None
        last = state.asks.last()
        assert last is not None
        state.asks.ask(last.id, "it is broken")
        held = self.refused(attempt)
        assert held.hold, held.what
        return held.hold

    # -- the wire

    def proxy(self, session: Session) -> int:
        """The session's proxy port at the real gate."""
        listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        port = int(listener.getsockname()[1])
        self.do(self.plane.gate.serve(session, listener, "proxy"))
        return port

    def lease(self, session: Session, value: str = REAL_TOKEN) -> str:
        """A placeholder for the platform's token, good in this session."""
        vault, room = self.plane.vault, self.plane.book.named("railway")
        assert room is not None
        vault.put("platform", "railway", "account", value, "manage domains", "ada", hosts=room.hosts)
        return self.plane.broker.lease(session, "platform").placeholder

    def tunnel(self, port: int, host: str = RAILWAY) -> ssl.SSLSocket:
        """CONNECT and TLS through a session's proxy."""
        raw = socket.create_connection(("127.0.0.1", port), timeout=10)
        raw.sendall(f"CONNECT {host}:443 HTTP/1.1\r\nHost: {host}:443\r\n\r\n".encode())
        answer = b""
        while not answer.endswith(b"\r\n\r\n"):
            piece = raw.recv(1)
            if not piece:
                break
            answer += piece
        assert b" 200 " in answer, answer
        context = ssl.create_default_context(cafile=str(self.bundle))
        return context.wrap_socket(raw, server_hostname=host)

    def post(self, port: int, document: str, token: str, host: str = RAILWAY, **headers: str) -> Reply:
        """One GraphQL request on a tunnel of its own."""
        body = json.dumps({"query": document}).encode()
        return self.over(port, "POST", "/graphql/v2", body, host, authorization=f"Bearer {token}", **headers)

    def over(self, port: int, method: str, path: str, body: bytes = b"", host: str = RAILWAY, **headers: str) -> Reply:
        named = {"content-type": "application/json", **{k.replace("_", "-"): v for k, v in headers.items()}}
        lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", *(f"{k}: {v}" for k, v in named.items())]
        if body or method == "POST":
            lines.append(f"Content-Length: {len(body)}")
        with self.tunnel(port, host) as connection:
            connection.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
            answer = http.client.HTTPResponse(connection, method=method)
            answer.begin()
            return Reply(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())

    # -- what is written

    def entries(self, kind: str = "") -> list[dict[str, Any]]:
        """The log as another process would read it, after all that was queued."""
        with suppress(StoreUnavailable):
            self.do(self.plane.journal.run(lambda tx: None))
        query = select(tables.ledger_entry.c.data).order_by(tables.ledger_entry.c.idx)
        found = [json.loads(row.data) for row in self.plane.store.read(lambda c: c.execute(query).all())]
        return [entry for entry in found if kind in ("", entry["kind"])]

    def hold(self, hold_id: str) -> Hold:
        return self.plane.desk.hold(hold_id)


@contextmanager
def law_plane(home: Path, roots: Path, upstream: Upstream, world: World) -> Iterator[LawPlane]:
    """Build the plane of `home` on its own uvloop, with one person enrolled and the environments signed."""
    loop = uvloop.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        plane = asyncio.run_coroutine_threadsafe(_built(home, roots, upstream), loop).result(30)
        clock = Clock()
        plane.desk.clock = clock
        laws = LawPlane(home, plane, world, upstream, loop, clock, home / "ca" / "bundle.pem")
        try:
            yield laws
        finally:
            laws.do(plane.close())
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()


def settle(laws: LawPlane) -> None:
    """What an owner does once: a first key, Yett's own credential, which environment is production."""
    laws.enrol_first()
    plane = laws.plane
    room = plane.book.named("railway")
    assert room is not None
    plane.vault.put("railway-own", "railway", "workspace", OWN_TOKEN, OWN, "ada", hosts=room.hosts)
    from yett.daemon.verbs.places import set_

    act = laws.do(set_(plane, {"production": ["production"]}))
    laws.sign(str(act["act"]))


async def _built(home: Path, roots: Path, upstream: Upstream) -> Plane:
    (home / "workspace").mkdir(parents=True, exist_ok=True)
    names = (RAILWAY, "backboard.railway.app", ELSEWHERE, "other.example.org")
    resolve = {(name, 443): ("127.0.0.1", upstream.port) for name in names}
    return await build(Settings(home, PORT, "drill", resolve, str(roots / "certificate.pem")), PORT)


def upstream_context(roots: Path) -> ssl.SSLContext:
    """A server's context for every name that the tests use."""
    leaves = Leaves(open_authority(roots))
    names = (RAILWAY, "backboard.railway.app", ELSEWHERE, "other.example.org")
    by_name = {name: leaves.context(name) for name in names}
    first = by_name[RAILWAY]

    def choose(connection: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        connection.context = by_name.get(name or "", first)

    first.sni_callback = choose
    return first
