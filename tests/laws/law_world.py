"""What stands outside Yett in these tests: a provider whose facts a test changes, and an upstream that counts."""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import listening
from yett.model.credential import Authority
from yett.model.errors import UpstreamFailed, YettError
from yett.model.operation import Operation
from yett.model.provider import ApiClient
from yett.model.resource import Backup, Environment, Resource, ResourceRef
from yett.model.undo import UndoPlan, UndoRecord

PRODUCTION = Environment("railway", "env-prod", "production")
STAGING = Environment("railway", "env-stag", "staging")

PROD_VOLUME = "3d2c42fb-9b7e-4a1c-8f52-6f1f0c8f7a11"
STAGING_VOLUME = "8a1e0c52-1111-4a1c-8f52-6f1f0c8f7a22"
STRANGE_VOLUME = "77777777-2222-4a1c-8f52-6f1f0c8f7a33"

SAFE_BACKUP = Backup("b-away", "2026-04-01T03:00Z", 1_000, dies_with_resource=False)
DYING_BACKUP = Backup("b-here", "2026-04-01T03:00Z", 1_000, dies_with_resource=True)


@dataclass
class World:
    """A provider's own view of its volumes, and how it undoes: both kinds of code that a room's folder holds."""

    volumes: dict[str, Resource] = field(default_factory=dict)
    down: bool = False
    looks: int = 0
    undo_possible: bool = True
    undo_fails: bool = False
    captures: int = 0
    restored: list[str] = field(default_factory=list)
    on_capture: Callable[[], None] = lambda: None

    def __post_init__(self) -> None:
        self.put(PROD_VOLUME, PRODUCTION, backups=(DYING_BACKUP,))
        self.put(STAGING_VOLUME, STAGING, backups=(SAFE_BACKUP,))

    def put(self, volume: str, *environments: Environment, backups: tuple[Backup, ...] = ()) -> None:
        ref = ResourceRef("railway", "volume", volume)
        self.volumes[volume] = Resource(ref, f"volume-{volume[:4]}", environments, backups)

    def change(self, volume: str, **facts: object) -> None:
        self.volumes[volume] = replace(self.volumes[volume], **facts)  # type: ignore[arg-type]

    async def environments(self, api: ApiClient, secret: str) -> tuple[Environment, ...]:
        return (PRODUCTION, STAGING)

    async def resolve(self, api: ApiClient, secret: str, refs: tuple[ResourceRef, ...]) -> tuple[Resource, ...]:
        self.looks += 1
        if self.down:
            raise UpstreamFailed("the provider cannot be reached")
        return tuple(self.volumes.get(ref.id) or Resource(ref, "", ()) for ref in refs)

    async def authority(self, api: ApiClient, secret: str) -> Authority:
        return Authority(False, "", "", False)

    async def plan(self, api: ApiClient, secret: str, operation: Operation) -> UndoPlan:
        return UndoPlan(self.undo_possible, "a dump" if self.undo_possible else "", ())

    async def capture(self, api: ApiClient, secret: str, operation: Operation, folder: Path) -> UndoRecord:
        self.captures += 1
        self.on_capture()
        if self.undo_fails:
            raise YettError("the dump did not restore to the same")
        target = operation.target
        return UndoRecord(f"u-{self.captures}", "railway", target.resources[0], "a dump", str(folder), {}, ())  # type: ignore[union-attr]

    async def restore(self, api: ApiClient, secret: str, record: UndoRecord) -> AsyncIterator[str]:
        self.restored.append(record.id)
        yield "restored"


class Upstream:
    """A TLS server that keeps what arrived and answers JSON, or does with a connection what a test says."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = int(self._listener.getsockname()[1])
        self.seen: list[bytes] = []
        self.before_answer: Callable[[], None] = lambda: None
        self.answer: dict[str, object] = {"data": {"volumeDelete": True}}
        self.raw_answer: bytes | None = None
        self.pieces: list[bytes] = []
        self._hangs_up = False
        threading.Thread(target=self._accept, daemon=True).start()

    def hang_up_after(self, answer: bytes) -> None:
        """From here on say this and close."""
        self.raw_answer, self._hangs_up = answer, True

    def bodies(self, words: str) -> list[bytes]:
        return [request for request in self.seen if words.encode() in request]

    def close(self) -> None:
        listening.close(self._listener)

    def _accept(self) -> None:
        while True:
            try:
                raw, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(raw,), daemon=True).start()

    def _serve(self, raw: socket.socket) -> None:
        with suppress(OSError), self._context.wrap_socket(raw, server_side=True) as connection:
            stream = connection.makefile("rb")
            while (request := read_request(stream)) is not None:
                self.seen.append(request)
                self.before_answer()
                for piece in self.pieces or [self.raw_answer or self._json()]:
                    connection.sendall(piece)
                    time.sleep(0.02 if self.pieces else 0)
                if self._hangs_up:
                    return

    def _json(self) -> bytes:
        body = json.dumps(self.answer).encode()
        head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        return head.encode() + body


def read_request(stream) -> bytes | None:  # type: ignore[no-untyped-def]  # a binary file of a socket
    """One request with its body, None at the end of the connection."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        line = stream.readline()
        if not line:
            return None
        head += line
    length = 0
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            length = int(line.partition(b":")[2])
    return head + stream.read(length)
