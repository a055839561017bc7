"""A gate on loopback: real sockets, real TLS, real clients; policy and broker as small fakes of the floors below."""

from __future__ import annotations

import asyncio
import faulthandler
import http.client
import io
import json
import re
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import pytest
import uvloop

import listening
from yett.broker.minting import AnswerWithheld
from yett.gateway.ca import Leaves, open_authority
from yett.gateway.dial import Dialer, DialSettings, Mapped
from yett.gateway.gate import Gate
from yett.gateway.limits import Limits
from yett.model.credential import Lease
from yett.model.decision import Refused
from yett.model.effects import Effect, Recovery, Verdict
from yett.model.errors import CredentialRefused, LedgerUnavailable, Unreadable, YettError
from yett.model.http import Headers, HttpRequest
from yett.model.identity import Principal, Session, Task
from yett.model.operation import Attempt, Host, Operation
from yett.providers.actions import Actions
from yett.providers.book import ProviderBook
from yett.providers.room import Room, Side, SideCall, TokenEndpoint, Wire

PLACEHOLDER = "yett_ph_0000000001"
REAL = "sk-real-4f9d1c77aa20"
SESSION = Session(
    "s-1", Principal("agent", "ada", "scripted"), Task("t-1", "fix a bug", "staging", False, 0.0, 9e9), "/workspace"
)


_NONE = MappingProxyType({})
_ACTIONS = Actions(_NONE, _NONE, _NONE, (), (), frozenset())


def room(name: str, wire: Wire = Wire.REST, **more: object) -> Room:
    return Room(name, name.title(), wire, (f"{name}.test",), _ACTIONS, **more)  # type: ignore[arg-type]


BOOK = ProviderBook(
    [
        room(
            "api",
            side_calls=(
                SideCall(frozenset({"GET"}), "api.test", re.compile("/ping"), Side.ANSWER, 200, '{"ok":true}'),
                SideCall(frozenset({"GET"}), "api.test", re.compile("/telemetry"), Side.STRIP, 0, ""),
            ),
        ),
        room(
            "script", token_endpoints=(TokenEndpoint("script.test", "/token", ("refresh_token",), ("access_token",)),)
        ),
        room("model", Wire.MODEL, refusal_status=400, upgrade_status=426),
        room("registry", Wire.REGISTRY),
    ]
)


@dataclass(frozen=True)
class FakeClassified:
    operations: tuple[Operation, ...]
    body: bytes | None
    query: str
    summary: str
    confirmations_ignored: tuple[str, ...] = ()
    bulk: bool = False
    seal: tuple[str, ...] = ()


def classify(request: HttpRequest, book: ProviderBook, session: Session) -> FakeClassified:
    if request.body is not None and b"unreadable" in request.body:
        raise Unreadable("The body is not JSON", "Send JSON.")
    if request.path == "/crash":
        raise RuntimeError("a bug")
    effect = Effect.READ if request.method in ("GET", "HEAD") else Effect.WRITE
    operation = Operation(f"http:{request.method}", effect, Recovery.NONE, Host(request.host), "http")
    summary = f"{request.method} {request.host}{request.path}"
    return FakeClassified((operation,), request.body, request.query, summary, bulk=request.path.startswith("/bulk"))


class Replacing:
    """Replaces one byte string in a stream, holding back what could be its beginning."""

    def __init__(self, old: bytes, new: bytes | None) -> None:
        self.old, self.new, self.held = old, new, b""

    def feed(self, data: bytes) -> bytes:
        data = self.held + data
        if self.old in data:
            if self.new is None:
                raise CredentialRefused("A known secret is in the body", "Take it out.")
            data = data.replace(self.old, self.new)
        keep = next((n for n in range(len(self.old) - 1, 0, -1) if data.endswith(self.old[:n])), 0)
        self.held = data[len(data) - keep :]
        return data[: len(data) - keep]

    def finish(self) -> bytes:
        held, self.held = self.held, b""
        return held


class Scrubbing(Replacing):
    def clean(self, whole: bytes) -> bytes:
        return whole.replace(self.old, self.new or b"")

    def clean_headers(self, headers: Headers) -> Headers:
        return tuple((n, v.replace(REAL, PLACEHOLDER)) for n, v in headers if n != "set-cookie")


class FakeCapabilities:
    def __init__(self) -> None:
        self.urls: list[str] = []

    def register(self, session: str, url: str, expires: float, headers: object = None) -> None:
        self.urls.append(url)


class FakeBroker:
    def __init__(self) -> None:
        self.capabilities = FakeCapabilities()

    def examine(self, session: Session, request: HttpRequest, room: Room | None) -> Lease | None:
        if REAL in f"{request.path}{request.query}{request.headers}" or REAL.encode() in (request.body or b""):
            raise CredentialRefused(
                "A known secret was sent", "Use the placeholder.", fingerprint="f", position="header"
            )
        authorization = request.header("authorization")
        if room is None or authorization is None:
            return None
        if authorization != f"Bearer {PLACEHOLDER}":
            raise CredentialRefused("Not this session's placeholder", "Use the placeholder.")
        return Lease("l-1", session.id, "key", PLACEHOLDER, room.name, room.hosts, "header:authorization", 9e9)

    def inject(self, request: HttpRequest, lease: Lease) -> HttpRequest:
        headers = tuple((n, v.replace(PLACEHOLDER, REAL)) for n, v in request.headers)
        return replace(request, headers=headers)

    def scrubber(self, session: Session, room: Room | None = None) -> Scrubbing:
        return Scrubbing(REAL.encode(), PLACEHOLDER.encode())

    async def seal(self, session, room, paths, body, status, endpoint=None) -> bytes:  # type: ignore[no-untyped-def]
        if b"minted" not in body:
            raise AnswerWithheld("The answer does not look as declared", "Look at the provider.")
        return body.replace(b"minted", b"sealed")

    def watch_stream(self, session: Session) -> Replacing:
        return Replacing(REAL.encode(), None)


@dataclass
class FakeCheckpoint:
    attempts: list[Attempt] = field(default_factory=list)
    outcomes: list[tuple[str, str, int]] = field(default_factory=list)
    refusals: list[tuple[str, bool]] = field(default_factory=list)
    slow: float = 0.0
    fast: bool = False

    def pass_now(self, attempt: Attempt) -> str | None:
        return self._decide(attempt) if self.fast else None

    def finish_now(self, granted: object, outcome: str, status: int) -> bool:
        return False

    def note_refusal(self, session: Session, summary: str, error: YettError, *, alarm: bool) -> None:
        self.refusals.append((error.what, alarm))

    async def pass_(self, attempt: Attempt) -> str:
        await asyncio.sleep(self.slow)
        return self._decide(attempt)

    async def finish(self, granted: object, outcome: str, status: int) -> None:
        self.outcomes.append((str(granted), outcome, status))

    def _decide(self, attempt: Attempt) -> str:
        self.attempts.append(attempt)
        if "/held" in attempt.summary:
            raise Refused(Verdict.HOLD, "It deletes a volume", 'Run: yett ask h-7 "why"', hold="h-7", code="held")
        if "/denied" in attempt.summary:
            raise Refused(Verdict.DENY, "Out of the task", "Ask for another task.", code="denied")
        if "/no-ledger" in attempt.summary:
            raise LedgerUnavailable("The ledger cannot take an entry", "Free some disk space.")
        return attempt.summary


class Echo(BaseHTTPRequestHandler):
    """An ordinary upstream that says what reached it."""

    protocol_version = "HTTP/1.1"

    def _echo(self) -> None:
        if "chunked" in self.headers.get("transfer-encoding", ""):
            body = self._chunks()
        else:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
        said = {
            "method": self.command,
            "path": self.path,
            "headers": {name.lower(): value for name, value in self.headers.items()},
            "size": len(body),
            "body": body[:2000].decode("latin-1"),
        }
        answer = json.dumps(said).encode()
        self.server.seen.append(said)  # type: ignore[attr-defined]
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer)

    def _chunks(self) -> bytes:
        out = b""
        while size := int(self.rfile.readline(), 16):
            out += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return out

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_OPTIONS = _echo

    def log_message(self, *_: object) -> None: ...


class EchoServer(ThreadingHTTPServer):
    daemon_threads = True
    seen: list[dict[str, object]]

    def handle_error(self, *_: object) -> None: ...


Script = Callable[[socket.socket], None]


class ScriptedUpstream:
    """A TLS server that runs one script a connection: it answers what real servers never should."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.script: Script = lambda _: None
        self.connections = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def answers(self, *pieces: bytes) -> None:
        """Read one head, send the pieces, close."""

        def script(connection: socket.socket) -> None:
            read_head(connection)
            for piece in pieces:
                connection.sendall(piece)

        self.script = script

    def close(self) -> None:
        listening.close(self._listener)

    def _accept(self) -> None:
        while True:
            try:
                raw, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._run, args=(raw,), daemon=True).start()

    def _run(self, raw: socket.socket) -> None:
        with suppress(OSError), self._context.wrap_socket(raw, server_side=True) as connection:
            self.script(connection)


def read_head(connection: socket.socket) -> bytes:
    """Read up to the empty line, one byte at a time, so that a body stays unread."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        piece = connection.recv(1)
        if not piece:
            raise ConnectionError("closed within a head")
        head += piece
    return head


class Answer(NamedTuple):
    """One HTTP answer as it stood on the wire, its chunks joined."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def problem(self) -> dict[str, object]:
        assert self.headers["content-type"] == "application/problem+json"
        return json.loads(self.body)  # type: ignore[no-any-return]


class Unbuffered:
    """What `HTTPResponse` reads from, one byte ahead at most: a buffered file would swallow the next answer."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def makefile(self, _mode: str) -> socket.SocketIO:
        return self._connection.makefile("rb", buffering=0)


def open_answer(connection: socket.socket, method: str = "GET") -> http.client.HTTPResponse:
    """Read an answer's head; the body is read from what comes back."""
    answer = http.client.HTTPResponse(connection, method=method)
    answer.begin()
    return answer


def read_answer(connection: socket.socket, method: str = "GET") -> Answer:
    """Read exactly one answer, with the standard library's client."""
    answer = open_answer(Unbuffered(connection), method)  # type: ignore[arg-type]
    return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())


class GateThread:
    """A gate on its own uvloop thread, as the daemon runs it."""

    PLACEHOLDER = PLACEHOLDER
    REAL = REAL
    SESSION = SESSION
    read_answer = staticmethod(read_answer)
    read_head = staticmethod(read_head)
    open_answer = staticmethod(open_answer)

    def __init__(
        self, folder: Path, mapped: tuple[Mapped, ...], roots: Path, limits: Limits, dialer: Dialer | None = None
    ) -> None:
        self.authority = open_authority(folder)
        self.bundle = folder / "bundle.pem"
        self.bundle.write_bytes(self.authority.bundle(b""))
        self.checkpoint = FakeCheckpoint()
        self.broker = FakeBroker()
        self.loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()
        settings = DialSettings("drill", mapped, extra_roots=roots, connect_seconds=2 * limits.answer_seconds)
        self.dialer = dialer or Dialer(settings)
        self.gate = Gate(
            self.checkpoint, self.broker, BOOK, Leaves(self.authority), self.dialer, limits, classify=classify
        )
        self.port = self.listen("proxy")

    def listen(self, kind: str, name: str | None = None, port: int | None = None, session: Session = SESSION) -> int:
        """Open a listener of the session, and give its port."""
        listener = socket.create_server(("127.0.0.1", 0))
        self.run(self.gate.serve(session, listener, kind, name, port))  # type: ignore[arg-type]
        return int(listener.getsockname()[1])

    def run(self, coroutine):  # type: ignore[no-untyped-def]
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(10)

    def call(self, function: Callable[[], object]) -> object:
        async def called() -> object:
            return function()

        return self.run(called())

    def settled(self) -> list[tuple[str, str, int]]:
        self.run(self.gate.settled())
        return self.checkpoint.outcomes

    def close(self) -> None:
        self.call(self.gate.close_all)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(5)
        self.loop.close()

    # -- clients

    def curl(self, *arguments: str, data: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        proxy = f"http://127.0.0.1:{self.port}"
        command = ["curl", "-sS", "--max-time", "10", "--proxy", proxy, "--cacert", str(self.bundle), *arguments]
        waiting = threading.Timer(6, lambda: print(self.standing(), file=sys.stderr))
        waiting.start()
        try:
            return subprocess.run(command, capture_output=True, input=data, check=False)
        finally:
            waiting.cancel()

    def standing(self) -> str:
        """What waits for what, for a request that takes too long: threads, tasks, connections, sockets."""
        with tempfile.TemporaryFile("w+") as threads:
            faulthandler.dump_traceback(threads, all_threads=True)
            threads.seek(0)
            said = [threads.read()]

        def look() -> None:
            for task in asyncio.all_tasks(self.loop):
                stack = io.StringIO()
                task.print_stack(file=stack)
                said.append(f"{task!r}\n{stack.getvalue()}")
            for tunnels in self.gate._sessions.values():
                said.append(f"{len(tunnels._entries)} entries, {len(tunnels._starting)} starting")
                for one in tunnels._connections:
                    phase = None if one._exchange is None else one._exchange.phase
                    said.append(f"{one.transport!r} {phase} {one._held!r} upstream {one.upstream!r}")

        try:
            self.call(look)
        except TimeoutError:
            said.append("the loop does not answer")
        sockets = subprocess.run(["ss", "-tanpi"], capture_output=True, text=True, check=False)
        return "\n".join([*said, str(self.checkpoint.attempts), sockets.stdout])

    def plain(self) -> socket.socket:
        """A raw connection to the proxy's port."""
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=5)
        return connection

    def tunnel(self, name: str = "api.test", port: int = 443) -> ssl.SSLSocket:
        """CONNECT and TLS, then raw bytes."""
        raw = self.plain()
        raw.sendall(f"CONNECT {name}:{port} HTTP/1.1\r\nHost: {name}:{port}\r\n\r\n".encode())
        assert b" 200 " in read_head(raw)
        return self.trusting().wrap_socket(raw, server_hostname=name)

    def second_session(self) -> int:
        """A proxy port of another session."""
        return self.listen("proxy", session=replace(SESSION, id="s-2"))

    def ask(self, request: bytes, name: str = "api.test", *, read: bool = True) -> Answer | None:
        """Send raw bytes in a tunnel and read one answer, or only its head."""
        with self.tunnel(name) as connection:
            connection.sendall(request)
            if read:
                return read_answer(connection)
            read_head(connection)
            return None

    def trusting(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.bundle))


@pytest.fixture(scope="session")
def roots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The authority of the upstreams, as a company's own would be."""
    folder = tmp_path_factory.mktemp("upstream-ca")
    open_authority(folder)
    return folder


def contexts(roots: Path, *names: str) -> ssl.SSLContext:
    """A server's context that has a certificate for each name, and shows the first to everybody else."""
    leaves = Leaves(open_authority(roots))
    by_name = {name: leaves.context(name) for name in names}
    first = by_name[names[0]]

    def choose(connection: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        connection.context = by_name.get(name or "", first)

    first.sni_callback = choose
    return first


@pytest.fixture(scope="session")
def echo(roots: Path) -> Iterator[EchoServer]:
    server = EchoServer(("127.0.0.1", 0), Echo)
    server.seen = []
    context = contexts(roots, "api.test", "other.test", "registry.test")
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()


@pytest.fixture(scope="session")
def plain_echo() -> Iterator[EchoServer]:
    server = EchoServer(("127.0.0.1", 0), Echo)
    server.seen = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()


@pytest.fixture
def scripted(roots: Path) -> Iterator[ScriptedUpstream]:
    """Governed as script.test and model.test, ungoverned as raw.test."""
    upstream = ScriptedUpstream(
        contexts(roots, "script.test", "raw.test", "model.test", "api.anthropic.com", "platform.claude.com")
    )
    yield upstream
    upstream.close()


QUICK = Limits(
    governed_body=256 << 10,
    held_by_session=1 << 20,
    request_seconds=0.6,
    answer_seconds=1.0,
    model_answer_seconds=1.0,
    silence_seconds=1.0,
    idle_seconds=30.0,
    drain_seconds=0.5,
    sweep_seconds=0.05,
    tunnels=32,
)


PATIENT = replace(
    QUICK,
    request_seconds=60.0,
    answer_seconds=60.0,
    model_answer_seconds=60.0,
    silence_seconds=60.0,
    drain_seconds=60.0,
    idle_seconds=300.0,
)
"""For what is not about deadlines: a loaded machine may stand still for longer than QUICK allows."""

in_haste = pytest.mark.parametrize("gate", [QUICK], indirect=True, ids=["quick"])
soon_closed = pytest.mark.parametrize("gate", [replace(PATIENT, drain_seconds=0.5)], indirect=True, ids=["soon closed"])


@pytest.fixture
def gate(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    roots: Path,
    echo: EchoServer,
    plain_echo: EchoServer,
    scripted: ScriptedUpstream,
) -> Iterator[GateThread]:
    """With PATIENT's deadlines, or with those that a test gives as a parameter."""
    echo.seen.clear()
    secure, plain = echo.server_address[1], plain_echo.server_address[1]
    names = ("api.test", "other.test", "registry.test", "wrong.test")
    mapped = (
        *(Mapped(name, 443, "127.0.0.1", secure) for name in names),
        Mapped("other.test", 80, "127.0.0.1", plain),
        Mapped("api.test", 80, "127.0.0.1", plain),
        Mapped("registry.test", 80, "127.0.0.1", plain),
        *(Mapped(name, 443, "127.0.0.1", scripted.port) for name in ("script.test", "raw.test", "model.test")),
        Mapped("dead.test", 443, "127.0.0.1", 9),
    )
    thread = GateThread(tmp_path / "ca", mapped, roots / "certificate.pem", getattr(request, "param", PATIENT))
    yield thread
    thread.close()


@pytest.fixture
def gate_through(tmp_path: Path, roots: Path) -> Iterator[Callable[[Dialer], GateThread]]:
    """Make a gate that goes out as its dialer says."""
    made: list[GateThread] = []

    def make(dialer: Dialer) -> GateThread:
        made.append(GateThread(tmp_path / "ca", (), roots, PATIENT, dialer))
        return made[-1]

    yield make
    for gate in made:
        gate.close()
