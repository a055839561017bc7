"""Services of the host that a person named with --host-port, as seen from inside: 127.0.0.1:PORT (law 11).

Yett does not read what they speak, so a connection is an opaque operation: held once a port and task, and relayed once
a person has signed it. Lockdown and the end of the session close what is open.
"""

from __future__ import annotations

import asyncio
import functools
import hashlib
import logging
from collections.abc import Iterable
from contextlib import suppress

from yett.checkpoint.pipeline import Checkpoint
from yett.daemon.addresses import Addresses
from yett.model.effects import Effect, Recovery
from yett.model.errors import YettError
from yett.model.identity import Session
from yett.model.operation import Attempt, Host, Operation

_log = logging.getLogger("yett.daemon")

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
        self._opening: asyncio.Task[None] | None = None

    def open_soon(self, addresses: Addresses, ports: Iterable[int]) -> None:
        """Listen on the ports inside the sandbox's network namespace, as soon as the supervisor serves requests."""
        self._opening = asyncio.get_running_loop().create_task(self._open_all(addresses, tuple(ports)))

    async def _open_all(self, addresses: Addresses, ports: tuple[int, ...]) -> None:
        for port in ports:
            try:
                listener = await addresses.listener(LOOPBACK, port)
            except (YettError, OSError) as error:
                _log.warning("port %d cannot be opened inside: %s", port, error)
                continue
            serve = functools.partial(self._connection, port)
            self._servers.append(await asyncio.start_server(serve, sock=listener))

    def drop(self) -> None:
        """Lockdown: every open connection ends now."""
        for writer in list(self._open):
            writer.transport.abort()

    def close(self) -> None:
        if self._opening is not None:
            self._opening.cancel()
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
