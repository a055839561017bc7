"""A client that sends the messages it is told to, and a relay that notes what really reaches the server."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading

import listening
from gateway.postgres.wire import PLACEHOLDER
from yett.gateway.postgres.logins.scram import Claiming
from yett.gateway.postgres.messages import message

PROTOCOL = 3 << 16


class Raw:
    """One connection. `log_in` goes through SCRAM; `said` are the messages since, type and body."""

    def __init__(self, port: int, timeout: float = 10) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.pid, self.secret = 0, b""
        self.negotiated = b""

    def startup(self, version: int = PROTOCOL, **settings: str) -> None:
        body = b"".join(f"{name}\0{value}\0".encode() for name, value in settings.items()) + b"\0"
        self.socket.sendall(struct.pack(">II", len(body) + 8, version) + body)

    def log_in(self, database: str, password: str = PLACEHOLDER, version: int = PROTOCOL, **settings: str) -> Raw:
        self.startup(version, user="agent", database=database, **settings)
        claiming = Claiming(password.encode(), None, tls=False, offered=["SCRAM-SHA-256"])
        while True:
            kind, body = self.message()
            code = struct.unpack(">I", body[:4])[0] if kind == b"R" else -1
            if code == 10:
                first = claiming.first()
                self.send(message(0x70, b"SCRAM-SHA-256\0" + struct.pack(">I", len(first)) + first))
            elif code == 11:
                self.send(message(0x70, claiming.answer(body[4:])))
            elif code == 12:
                claiming.check(body[4:])
            elif kind == b"K":
                self.pid, self.secret = struct.unpack(">I", body[:4])[0], body[4:]
            elif kind == b"v":
                self.negotiated = body
            elif kind == b"E":
                raise Refused(fields(body))
            elif kind == b"Z":
                return self

    def send(self, *messages: bytes) -> None:
        self.socket.sendall(b"".join(messages))

    def message(self) -> tuple[bytes, bytes]:
        kind = self.exactly(1)
        return kind, self.exactly(struct.unpack(">I", self.exactly(4))[0] - 4)

    def exactly(self, size: int) -> bytes:
        whole = b""
        while len(whole) < size:
            piece = self.socket.recv(size - len(whole))
            if not piece:
                raise EOFError
            whole += piece
        return whole

    def until_ready(self, times: int = 1) -> list[tuple[bytes, bytes]]:
        """Messages up to the n-th ReadyForQuery, that one included."""
        found: list[tuple[bytes, bytes]] = []
        while times:
            found.append(self.message())
            times -= found[-1][0] == b"Z"
        return found

    def kinds(self, times: int = 1) -> str:
        return b"".join(kind for kind, _ in self.until_ready(times)).decode()

    def ends(self) -> str:
        """The SQLSTATE that the connection ends with, "" if without a word."""
        state = ""
        with contextlib.suppress(EOFError, ConnectionError):
            while True:
                kind, body = self.message()
                if kind == b"E":
                    state = fields(body)["C"]
        return state

    def close(self) -> None:
        self.socket.close()


class Refused(Exception):
    def __init__(self, said: dict[str, str]) -> None:
        super().__init__(said.get("M"))
        self.said = said


def fields(body: bytes) -> dict[str, str]:
    return {chr(one[0]): one[1:].decode() for one in body.split(b"\0") if one}


def query(sql: str) -> bytes:
    return message(0x51, sql.encode() + b"\0")


def parse(name: str, sql: str) -> bytes:
    return message(0x50, f"{name}\0{sql}\0".encode() + b"\0\0")


def bind(portal: str, name: str, *values: bytes) -> bytes:
    body = f"{portal}\0{name}\0".encode() + b"\0\0" + struct.pack(">H", len(values))
    return message(0x42, body + b"".join(struct.pack(">I", len(one)) + one for one in values) + b"\0\0")


def describe(which: str, name: str) -> bytes:
    return message(0x44, f"{which}{name}\0".encode())


def execute(portal: str = "", rows: int = 0) -> bytes:
    return message(0x45, f"{portal}\0".encode() + struct.pack(">I", rows))


def close(which: str, name: str) -> bytes:
    return message(0x43, f"{which}{name}\0".encode())


SYNC, FLUSH = b"S\0\0\0\4", b"H\0\0\0\4"


class Recorder:
    """Between the wire and the server: every Query and Parse that got through, by its text."""

    def __init__(self, upstream: int) -> None:
        self._upstream = upstream
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.texts: list[bytes] = []
        self.queries: list[bytes] = []
        self.broken: list[str] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        listening.close(self._listener)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._upstream))
                threading.Thread(target=self._requests, args=(client, server), daemon=True).start()
                threading.Thread(target=self._answers, args=(client, server), daemon=True).start()

    def _answers(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(65536):
                client.sendall(data)
        with contextlib.suppress(OSError):
            client.shutdown(socket.SHUT_RDWR)

    def _requests(self, client: socket.socket, server: socket.socket) -> None:
        buffer, started = b"", False
        with contextlib.suppress(OSError):
            while data := client.recv(65536):
                buffer += data
                while True:
                    if not started:
                        size = struct.unpack(">I", buffer[:4])[0] if len(buffer) >= 4 else 0
                        if not size or len(buffer) < size:
                            break
                        started = size > 8  # not an SSLRequest
                        buffer = buffer[size:]
                        continue
                    if len(buffer) < 5:
                        break
                    kind, size = struct.unpack(">BI", buffer[:5])
                    if len(buffer) < size + 1:
                        break
                    self._note(bytes((kind,)), buffer[5 : size + 1])
                    buffer = buffer[size + 1 :]
                server.sendall(data)  # noted first: its answer may be here before this thread goes on
        with contextlib.suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)

    def _note(self, kind: bytes, body: bytes) -> None:
        if kind == b"Q":
            self.texts.append(body[:-1])
            self.queries.append(body[:-1])
        elif kind == b"P":
            self.texts.append(body.split(b"\0")[1])
        elif kind not in (b"B", b"D", b"E", b"C", b"S", b"H", b"X", b"d", b"c", b"f", b"p"):
            self.broken.append(f"{kind!r} {body[:50]!r}")
