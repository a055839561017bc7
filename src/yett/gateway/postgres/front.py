"""The listeners of the PostgreSQL wire: each belongs to one session and leads to one database (law 8)."""

from __future__ import annotations

import asyncio
import logging
import secrets
import socket

from yett.gateway.listeners import Listeners
from yett.gateway.postgres.connection import Connection
from yett.gateway.postgres.desk import Door
from yett.gateway.postgres.limits import WireLimits
from yett.gateway.postgres.lingering import Linger
from yett.gateway.postgres.logins.tls import Leaf
from yett.gateway.postgres.sides import AgentSide

_log = logging.getLogger("yett.gateway")


class Front:
    """Serves the PostgreSQL clients of one daemon on its event loop."""

    def __init__(self, limits: WireLimits | None = None) -> None:
        self._limits = limits or WireLimits()
        self._linger = Linger()
        self._sessions: dict[str, SessionConnections] = {}

    def listen(self, session: str, sock: socket.socket, door: Door, leaf: Leaf | None = None) -> None:
        """Take a listening socket: everything that arrives on it is that session, and goes through that door.

        Without a `leaf` TLS is answered N: right for a socket that only the session's own sandbox reaches.
        """
        self._sessions.setdefault(session, SessionConnections(self._limits, self._linger)).listen(sock, door, leaf)

    def drop(self, session: str | None = None) -> None:
        """Lockdown, or the end of a lease: every open connection ends now; the listeners stay (law 10)."""
        for name, connections in self._sessions.items():
            if session in (None, name):
                connections.drop()

    def close_session(self, session: str) -> None:
        """End of a session: its listeners and every connection, now."""
        connections = self._sessions.pop(session, None)
        if connections is not None:
            connections.close()

    def count(self, session: str) -> int:
        """How many connections a session has open."""
        connections = self._sessions.get(session)
        return 0 if connections is None else connections.count

    async def close(self) -> None:
        """End of the daemon. Waits until the end of every open transaction is recorded."""
        waiting = []
        for session in list(self._sessions):
            connections = self._sessions[session]
            self.close_session(session)
            waiting.append(connections.settled())
        await asyncio.gather(*waiting)


class SessionConnections:
    """The listeners and connections of one session; cancel requests reach no other session's."""

    def __init__(self, limits: WireLimits, linger: Linger) -> None:
        self._limits = limits
        self._linger = linger
        self._loop = asyncio.get_running_loop()
        self._listeners = Listeners(self._is_full)
        self._connections: dict[int, Connection] = {}
        self._opening: set[asyncio.Task[None]] = set()
        self._ending: set[asyncio.Task[None]] = set()

    @property
    def count(self) -> int:
        return len(self._connections)

    def listen(self, listener: socket.socket, door: Door, leaf: Leaf | None) -> None:
        self._listeners.add(listener, lambda accepted: self._take(accepted, door, leaf))

    def drop(self) -> None:
        for connection in list(self._connections.values()):
            connection.drop()
        for task in list(self._opening):
            task.cancel()

    def close(self) -> None:
        self._listeners.close()
        self.drop()

    async def settled(self) -> None:
        """Wait for what ends."""
        while waiting := self._opening | self._ending:
            await asyncio.wait(waiting)

    def _take(self, accepted: socket.socket, door: Door, leaf: Leaf | None) -> None:
        task = self._loop.create_task(self._open(accepted, door, leaf))
        self._opening.add(task)
        task.add_done_callback(self._opened)

    async def _open(self, accepted: socket.socket, door: Door, leaf: Leaf | None) -> None:
        agent = AgentSide(self._limits.startup)
        connection = Connection(agent, door, leaf, self._limits, self._connections.get, self._over, self._linger)
        connection.pid = self._free_pid()
        self._connections[connection.pid] = connection
        try:
            await self._loop.connect_accepted_socket(lambda: agent, accepted)
        except OSError as error:
            _log.info("no connection with a client: %s", error.strerror)
            accepted.close()
            self._over(connection)
            return
        await connection.open()

    def _free_pid(self) -> int:
        while True:
            pid = secrets.randbelow(0x7FFFFFFE) + 1
            if pid not in self._connections:
                return pid

    def _opened(self, task: asyncio.Task[None]) -> None:
        self._opening.discard(task)
        self._listeners.reopen()

    def _over(self, connection: Connection) -> None:
        self._connections.pop(connection.pid, None)
        if connection.ending is not None:
            self._ending.add(connection.ending)
            connection.ending.add_done_callback(self._ending.discard)
        self._listeners.reopen()

    def _is_full(self) -> bool:
        return len(self._connections) >= self._limits.connections or len(self._opening) >= self._limits.unauthenticated
