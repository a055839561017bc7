"""`yett up` as a process that can be killed, and an agent on its wires: what `yett run` does, without the sandbox."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from law_plane import ELSEWHERE, RAILWAY
from law_world import Upstream

from listening import free_port
from yett.drills.authenticator import VirtualKey
from yett.drills.person import VirtualPerson

UP_S = 30.0


@dataclass
class Daemon:
    """One life of the process."""

    process: subprocess.Popen[str]
    port: int

    def kill(self) -> None:
        """As the kernel does when memory runs out: nothing is flushed, nothing is said."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


@dataclass
class Home:
    """A state directory, with whatever serves it now."""

    path: Path
    workspace: Path
    upstream: Upstream
    key: VirtualKey = field(default_factory=VirtualKey)
    daemon: Daemon | None = None

    def command(self, port: int) -> list[str]:
        return [sys.executable, "-m", "yett.cli", "up", "--home", str(self.path), "--port", str(port)]

    def start(self) -> Daemon:
        """Start it, and return once its socket answers."""
        port = free_port()
        log = (self.path / "daemon.log").open("a")
        process = subprocess.Popen(
            self.command(port), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log, text=True
        )
        log.close()
        self.daemon = Daemon(process, port)
        end = time.monotonic() + UP_S
        while time.monotonic() < end:
            if process.poll() is not None:
                raise AssertionError(f"it did not start: {(self.path / 'daemon.log').read_text()[-800:]}")
            try:
                self.tell({"verb": "status"})
            except OSError:
                time.sleep(0.02)
                continue
            return self.daemon
        raise AssertionError("it did not start in time")

    def fails_to_start(self, *before: str, timeout: float = 30.0) -> str:
        """What it says when it cannot."""
        done = subprocess.run(
            [*before, *self.command(free_port())], capture_output=True, text=True, timeout=timeout, check=False
        )
        assert done.returncode != 0, "it started"
        assert not (self.path / "operator.sock").exists(), "and serves"
        return done.stderr

    def tell(self, message: dict[str, Any]) -> dict[str, Any]:
        """One verb of the owner."""
        with operator(self.path) as connection:
            return said(connection, message)

    def person(self) -> VirtualPerson:
        assert self.daemon is not None
        return VirtualPerson("Ada", f"http://localhost:{self.daemon.port}", self.key)

    def enrol(self) -> None:
        self.person().enrol_first(str(self.tell({"verb": "keys.code"})["code"]))

    def end(self) -> None:
        if self.daemon is not None and self.daemon.process.poll() is None:
            self.daemon.kill()

    # -- what lies there, read as a stranger

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with sqlite3.connect(f"file:{self.path / 'yett.db'}?mode=ro", uri=True) as connection:
            return connection.execute(query).fetchall()

    def entries(self, kind: str) -> list[dict[str, Any]]:
        found = [json.loads(data) for (data,) in self.rows("SELECT data FROM ledger_entry ORDER BY idx")]
        return [entry["body"] for entry in found if entry["kind"] == kind]


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes

    @property
    def problem(self) -> dict[str, Any]:
        found = json.loads(self.body)
        assert isinstance(found, dict)
        return found


class Agent:
    """One session, opened over the operator's socket; its wires are this process's own sockets."""

    def __init__(self, home: Home, client: str = "scripted") -> None:
        self.home = home
        self._control = operator(home.path)
        asked = {
            "verb": "run.open",
            "task": "fix the staging login",
            "cwd": str(home.workspace),
            "argv": [client],
            "environ": {"HOME": str(home.workspace)},
        }
        opened = said(self._control, asked)
        while "progress" in opened:
            opened = received(self._control)
        assert "session" in opened, opened
        self.session, self.ca = str(opened["session"]), str(opened["ca"])
        self.port = self._hand_over_sockets()

    def _hand_over_sockets(self) -> int:
        proxy = socket.create_server(("127.0.0.1", 0), backlog=64)
        dns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        dns.bind(("127.0.0.1", 0))
        self._keeper, theirs = socket.socketpair()
        line = json.dumps({"verb": "run.sockets", "session": self.session, "kinds": ["proxy", "dns", "keeper"]})
        socket.send_fds(self._control, [line.encode() + b"\n"], [proxy.fileno(), dns.fileno(), theirs.fileno()])
        port = int(proxy.getsockname()[1])
        for sock in (proxy, dns, theirs):
            sock.close()
        answer = received(self._control)
        assert answer == {"ok": True}, answer
        return port

    def send(self, method: str, host: str, path: str, body: bytes = b"", timeout: float = 15.0) -> Answer:
        """One request through the gate. Raises OSError when the daemon is gone."""
        raw = socket.create_connection(("127.0.0.1", self.port), timeout=timeout)
        with raw:
            raw.sendall(f"CONNECT {host}:443 HTTP/1.1\r\nHost: {host}:443\r\n\r\n".encode())
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                piece = raw.recv(1)
                if not piece:
                    raise ConnectionError("gone")
                head += piece
            context = ssl.create_default_context(cafile=self.ca)
            with context.wrap_socket(raw, server_hostname=host) as tls:
                lines = f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
                tls.sendall(f"{lines}Content-Length: {len(body)}\r\n\r\n".encode() + body)
                answer = http.client.HTTPResponse(tls)
                try:
                    answer.begin()
                    return Answer(answer.status, answer.read())
                except http.client.HTTPException as error:
                    raise ConnectionError("cut off") from error

    def act(self, number: int) -> Answer:
        """An operation that nobody knows: it waits for a person each time. The upstream sees its number."""
        document = f'mutation {{ act(n: "n{number}n") }}'
        return self.send("POST", RAILWAY, "/graphql/v2", json.dumps({"query": document}).encode())

    def read(self) -> Answer:
        return self.send("GET", ELSEWHERE, "/")

    def close(self) -> None:
        self._control.close()
        self._keeper.close()


def made_home(folder: Path, roots: Path, upstream: Upstream) -> Home:
    path, workspace = folder / "home", folder / "workspace"
    path.mkdir(mode=0o700)
    workspace.mkdir()
    lines = ['realm = "drill"', f"extra_ca = {json.dumps(str(roots / 'certificate.pem'))}"]
    for name in (RAILWAY, ELSEWHERE):
        lines += ["[[resolve]]", f'name = "{name}"', f'address = "127.0.0.1:{upstream.port}"']
    (path / "config.toml").write_text("\n".join(lines) + "\n")
    return Home(path, workspace, upstream)


def operator(home: Path) -> socket.socket:
    """A connection to the operator's socket, through the folder's descriptor: an address has 107 bytes."""
    folder = os.open(home, os.O_PATH | os.O_DIRECTORY)
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(20)
    try:
        connection.connect(f"/proc/self/fd/{folder}/operator.sock")
    except OSError:
        connection.close()
        raise
    finally:
        os.close(folder)
    return connection


def said(connection: socket.socket, message: dict[str, Any]) -> dict[str, Any]:
    connection.sendall(json.dumps(message).encode() + b"\n")
    return received(connection)


def received(connection: socket.socket) -> dict[str, Any]:
    line = b""
    while not line.endswith(b"\n"):
        piece = connection.recv(1)
        if not piece:
            raise ConnectionError("the daemon hung up")
        line += piece
    found = json.loads(line)
    assert isinstance(found, dict)
    return found
