"""Services of the host that a person named with --host-port, as seen from inside: 127.0.0.1:PORT (law 11).

Yett does not read what they speak, so a connection is an opaque operation: held once a port and task, and relayed once
a person has signed it. Lockdown and the end of the session close what is open.
"""

from __future__ import annotations

import asyncio
import hashlib
import socket
from contextlib import suppress

from yett.checkpoint.pipeline import Checkpoint
from yett.daemon.channel import Channel
from yett.model.effects import Effect, Recovery
from yett.model.errors import YettError
from yett.model.identity import Session
from yett.model.operation import Attempt, Host, Operation

LOOPBACK = "127.0.0.1"
ACTION = "host-port:connect"
_CHUNK = 65_536


class HostPorts:
    """The relays of one session."""

    def __init__(self, session: Session, checkpoint: Checkpoint) -> None:
        self._session = session
        self._checkpoint = checkpoint
        self._servers: list[asyncio.Server] = []
        self._open: set[asyncio.StreamWriter] = set()

    async def open(self, keeper: Channel, port: int) -> None:
        """Listen on the port inside the sandbox's network namespace.

        Raises:
            YettError: the supervisor could not make the listener.
        """
        await keeper.send({"listen": [LOOPBACK, port]})
        answer = await keeper.receive()
        descriptors = keeper.take_descriptors()
        if not answer.get("ok") or len(descriptors) != 1:
            raise YettError(f"port {port} cannot be opened inside: {answer.get('error', '')}", "choose another port")
        listener = socket.socket(fileno=descriptors[0])

        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await self._connection(port, reader, writer)

        self._servers.append(await asyncio.start_server(accept, sock=listener))

    def drop(self) -> None:
        """Lockdown: every open connection ends now."""
        for writer in list(self._open):
            writer.transport.abort()

    def close(self) -> None:
        for server in self._servers:
            server.close()
        self.drop()

    async def _connection(self, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._checkpoint.pass_(self._attempt(port))
            inner, outer = await asyncio.open_connection(LOOPBACK, port)
        except (YettError, OSError):
            writer.transport.abort()  # the refusal stands in the ledger and in `yett why`; the port speaks no words
            return
        self._open |= {writer, outer}
        try:
            await asyncio.gather(_pump(reader, outer), _pump(inner, writer))
        finally:
            self._open -= {writer, outer}
            for end in (writer, outer):
                end.transport.abort()

    def _attempt(self, port: int) -> Attempt:
        name = f"{LOOPBACK}:{port}"
        operation = Operation(ACTION, Effect.READ, Recovery.AUTOMATIC, Host(name, opaque=True), "tcp")
        digest = hashlib.sha256(name.encode()).hexdigest()
        return Attempt(self._session, "tcp", (operation,), digest, "", f"connect to {name} on this machine (not read)")


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    """One direction, with the slower side's pace; its end is passed on."""
    with suppress(OSError):
        while data := await source.read(_CHUNK):
            sink.write(data)
            await sink.drain()
        if sink.can_write_eof():
            sink.write_eof()
