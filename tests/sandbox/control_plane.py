"""A control plane small enough to read: what `yett run` needs of the daemon, with an echo where the gate would be.

Answers run.open and run.sockets, resolves every dotted name into the fake pool, asks the keeper for a listener on each
fake address at port 80, and answers HTTP on the proxy listener and there with what it was asked.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from yett.sandbox import dns

Message = dict[str, Any]


class ControlPlane:
    """Listens on `home`/operator.sock. Everything that arrives is kept for the test to look at."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.opened: list[Message] = []
        self.ended: list[Message] = []
        self.unmasked: list[Message] = []
        self.asked: list[Message] = []
        self.closed = threading.Event()
        self.requests: list[str] = []
        self.replace: dict[str, str] = {}
        self.masks: list[Message] = []
        self.copied: dict[str, str] = {}
        """Masked copies to be made in the session's own folder: name to content."""
        self.git: Message | None = None
        self.notices: list[str] = []
        self.refusal: Message | None = None
        self.on_unmask: Callable[[str, int], None] = lambda path, real: None
        self._names: dict[str, bytes] = {}
        self._lock = threading.Lock()
        self._sessions: list[_Session] = []
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._listener = _listening(home / "operator.sock")
        _thread(self._accept)

    def hang_up(self) -> None:
        """Close every session's connection, as a daemon that dies does."""
        for session in self._sessions:
            session.close()

    def stop(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            _thread(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        session = _Session(self, connection)
        self._sessions.append(session)
        with contextlib.suppress(OSError):
            session.serve()
        session.close()
        self.closed.set()

    def address_of(self, name: str) -> tuple[bytes, bool]:
        """The fake address, and whether it is new."""
        with self._lock:
            new = name not in self._names
            number = len(self._names) + 1
            return self._names.setdefault(name, bytes((198, 18, 1 + number // 250, 1 + number % 250))), new


class _Session:
    def __init__(self, plane: ControlPlane, connection: socket.socket) -> None:
        self._plane = plane
        self._connection = connection
        self._owned: list[socket.socket] = []
        self._keeper: socket.socket | None = None
        self._keeper_lock = threading.Lock()

    def serve(self) -> None:
        buffer = b""
        while True:
            data, descriptors, _, _ = socket.recv_fds(self._connection, 1 << 20, 8)
            if not data:
                return
            buffer += data
            while b"\n" in buffer:
                line, _, buffer = buffer.partition(b"\n")
                self._obey(json.loads(line), descriptors)
                descriptors = []

    def close(self) -> None:
        for sock in (*self._owned, self._connection):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()

    def _obey(self, message: Message, descriptors: list[int]) -> None:
        plane = self._plane
        match message["verb"]:
            case "run.open":
                plane.opened.append(message)
                self._say(plane.refusal or self._open(message))
            case "run.sockets":
                self._take(dict(zip(message["kinds"], descriptors, strict=True)))
                self._say({"ok": True})
            case "run.unmask":
                plane.unmasked.append(message)
                plane.on_unmask(message["path"], descriptors[0] if descriptors else -1)
                self._say({"ok": True})
            case "run.end":
                plane.ended.append(message)
                self._say({"ok": True, "summary": []})

    def _open(self, message: Message) -> Message:
        name = os.urandom(4).hex()
        folder = self._plane.home / "sessions" / name
        folder.mkdir(parents=True)
        bundle = folder / "ca.pem"
        system = Path("/etc/ssl/certs/ca-certificates.crt")
        bundle.write_bytes(system.read_bytes() if system.exists() else b"")
        self._agent_socket(folder / "agent.sock")
        environ = {key: self._plane.replace.get(key, value) for key, value in message["environ"].items()}
        for copy, content in self._plane.copied.items():
            (folder / copy).write_text(content)
        masks = [
            {**mask, "masked": str(folder / mask["masked"])} if mask["masked"] in self._plane.copied else mask
            for mask in self._plane.masks
        ]
        return {
            "session": name,
            "folder": str(folder),
            "ca": str(bundle),
            "environ": environ,
            "masks": masks,
            "git": self._plane.git,
            "notices": self._plane.notices,
        }

    def _say(self, message: Message) -> None:
        self._connection.sendall(json.dumps(message).encode() + b"\n")

    def _agent_socket(self, path: Path) -> None:
        listener = _listening(path)
        self._owned.append(listener)
        _thread(_accept_all, listener, self._answer_agent)

    def _answer_agent(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as lines:
            request = json.loads(lines.readline())
            self._plane.asked.append(request)
            connection.sendall(json.dumps({"lines": [f"heard {request['verb']}"]}).encode() + b"\n")

    def _take(self, given: dict[str, int]) -> None:
        sockets = {kind: socket.socket(fileno=descriptor) for kind, descriptor in given.items()}
        self._owned += sockets.values()
        self._keeper = sockets["keeper"]
        _thread(_accept_all, sockets["proxy"], self._echo)
        _thread(self._resolve, sockets["dns"])

    def _resolve(self, sock: socket.socket) -> None:
        while True:
            query, asker = sock.recvfrom(2048)
            if reply := dns.answer(query, self._fake):
                sock.sendto(reply, asker)
            elif not query:
                return

    def _fake(self, name: str) -> bytes:
        address, new = self._plane.address_of(name)
        if new:
            self._listen(socket.inet_ntoa(address), 80)
        return address

    def _listen(self, address: str, port: int) -> None:
        assert self._keeper is not None
        with self._keeper_lock:
            self._keeper.sendall(json.dumps({"listen": [address, port]}).encode() + b"\n")
            _, descriptors, _, _ = socket.recv_fds(self._keeper, 4096, 1)
        if descriptors:
            listener = socket.socket(fileno=descriptors[0])
            self._owned.append(listener)
            _thread(_accept_all, listener, self._echo)

    def _echo(self, connection: socket.socket) -> None:
        with connection:
            head = connection.recv(65536)
            line = head.partition(b"\r\n")[0].decode("latin-1")
            self._plane.requests.append(line)
            body = f"gate saw {line}\n".encode()
            connection.sendall(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(body) + body)


def _listening(path: Path) -> socket.socket:
    """Bound through its folder's descriptor: a unix address has 107 bytes, a test's folder may be longer."""
    listener = socket.socket(socket.AF_UNIX)
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        listener.bind(f"/proc/self/fd/{folder}/{path.name}")
    finally:
        os.close(folder)
    listener.listen(64)
    return listener


def _accept_all(listener: socket.socket, serve: Callable[[socket.socket], None]) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        _thread(serve, connection)


def _thread(target: Callable[..., None], *arguments: object) -> None:
    def guarded() -> None:
        with contextlib.suppress(OSError, ValueError):  # whoever connects may go away before they have said anything
            target(*arguments)

    threading.Thread(target=guarded, daemon=True).start()
