"""A relay that does nothing but mask: between a real client and a real server, so that every byte can be looked at."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator

import listening
from yett.gateway.postgres.masks.masked_answers import MaskedAnswers
from yett.gateway.postgres.masks.masking import Unmaskable


class Relay:
    """Listens on `port`. `shown`: all that clients got after their login. `refused`: why sessions were ended."""

    def __init__(self, upstream: int, make: Callable[[], MaskedAnswers], chunk: int) -> None:
        self.shown = bytearray()
        self.refused: list[str] = []
        self.answers: list[MaskedAnswers] = []
        self._upstream, self._make, self._chunk = upstream, make, chunk
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        listening.close(self._listener)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, socket.create_connection(("127.0.0.1", self._upstream)) as server, contextlib.suppress(OSError):
            server.sendall(client.recv(10_000))
            for sock in (client, server):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            login = b""
            while not login.endswith(b"Z\0\0\0\5I"):
                if not (piece := server.recv(10_000)):
                    return
                login += piece
            client.sendall(login)
            answers = self._make()
            self.answers.append(answers)
            lock = threading.Lock()
            threading.Thread(target=self._requests, args=(client, server, answers, lock), daemon=True).start()
            while data := server.recv(self._chunk):
                try:
                    with lock:
                        masked = answers.feed(data)
                except Unmaskable as why:
                    self.refused.append(str(why))
                    client.shutdown(socket.SHUT_RDWR)
                    return
                self.shown += masked
                client.sendall(masked)

    def _requests(
        self, client: socket.socket, server: socket.socket, answers: MaskedAnswers, lock: threading.Lock
    ) -> None:
        with contextlib.suppress(OSError):
            while data := client.recv(65536):
                try:
                    with lock:
                        answers.sent(data)
                except Unmaskable as why:
                    self.refused.append(str(why))
                    client.shutdown(socket.SHUT_RDWR)
                    return
                server.sendall(data)
            server.shutdown(socket.SHUT_RDWR)


class Raw:
    """A client of the protocol's own messages, logged in as `postgres`."""

    def __init__(self, port: int, database: str) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        words = b"user\0postgres\0database\0" + database.encode() + b"\0\0"
        self._socket.sendall(struct.pack(">II", len(words) + 8, 3 << 16) + words)
        self.until_ready()

    def close(self) -> None:
        self._socket.close()

    def ask(self, *messages: bytes) -> list[tuple[bytes, bytes]]:
        """Send all at once, the last being one that makes the server ready; gives (type, body) of every answer."""
        self._socket.sendall(b"".join(messages))
        return self.until_ready()

    def until_ready(self) -> list[tuple[bytes, bytes]]:
        found: list[tuple[bytes, bytes]] = []
        while not found or found[-1][0] != b"Z":
            head = self._exactly(5)
            found.append((head[:1], self._exactly(struct.unpack(">I", head[1:])[0] - 4)))
        return found

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            more = self._socket.recv(size - len(data))
            if not more:
                raise ConnectionError
            data += more
        return data


def _message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack(">I", len(body) + 4) + body


def query(sql: str) -> bytes:
    return _message(b"Q", sql.encode() + b"\0")


def parse(name: str, sql: str) -> bytes:
    return _message(b"P", name.encode() + b"\0" + sql.encode() + b"\0\0\0")


def bind(portal: str, statement: str, *, binary: bool = False) -> bytes:
    formats = struct.pack(">HH", 1, 1) if binary else struct.pack(">H", 0)
    return _message(b"B", portal.encode() + b"\0" + statement.encode() + b"\0" + b"\0\0\0\0" + formats)


def describe(kind: str, name: str) -> bytes:
    return _message(b"D", kind.encode() + name.encode() + b"\0")


def execute(portal: str, rows: int = 0) -> bytes:
    return _message(b"E", portal.encode() + b"\0" + struct.pack(">I", rows))


SYNC = _message(b"S", b"")


@contextlib.contextmanager
def relaying(upstream: int, make: Callable[[], MaskedAnswers], chunk: int) -> Iterator[Relay]:
    relay = Relay(upstream, make, chunk)
    try:
        yield relay
    finally:
        relay.close()
