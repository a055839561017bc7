"""The listeners of the PostgreSQL wire: each belongs to one session and leads to one database (law 8)."""

from __future__ import annotations

import asyncio
import logging
import secrets
import socket
from collections.abc import Callable
from contextlib import suppress

from yett.gateway.postgres.connection import Connection
from yett.gateway.postgres.desk import Door
from yett.gateway.postgres.limits import WireLimits
from yett.gateway.postgres.sides import AgentSide
from yett.gateway.postgres.tls import Leaf

_log = logging.getLogger("yett.gateway")
_ACCEPTS_A_TURN = 16
_ACCEPT_AGAIN_S = 0.5


class Front:
    """Serves the PostgreSQL clients of one daemon on its event loop."""

    def __init__(self, limits: WireLimits | None = None) -> None:
        self._limits = limits or WireLimits()
        self._sessions: dict[str, SessionConnections] = {}

    def listen(self, session: str, sock: socket.socket, door: Door, leaf: Leaf | None = None) -> None:
        """Take a listening socket: everything that arrives on it is that session, and goes through that door.

        Without a `leaf` TLS is answered N: right for a socket that only the session's own sandbox reaches.
        """
        self._sessions.setdefault(session, SessionConnections(self._limits)).listen(sock, door, leaf)

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

    def __init__(self, limits: WireLimits) -> None:
        self._limits = limits
        self._loop = asyncio.get_running_loop()
        self._listeners: dict[socket.socket, Callable[[], None]] = {}
        self._connections: dict[int, Connection] = {}
        self._opening: set[asyncio.Task[None]] = set()
        self._ending: set[asyncio.Task[None]] = set()
        self._full = False

    @property
    def count(self) -> int:
        return len(self._connections)

    def listen(self, listener: socket.socket, door: Door, leaf: Leaf | None) -> None:
        listener.setblocking(False)

        def accept() -> None:
            self._accept(listener, door, leaf)

        self._listeners[listener] = accept
        self._loop.add_reader(listener, accept)

    def drop(self) -> None:
        for connection in list(self._connections.values()):
            connection.drop()
        for task in list(self._opening):
            task.cancel()

    def close(self) -> None:
        for listener in self._listeners:
            self._loop.remove_reader(listener)
            listener.close()
        self._listeners.clear()
        self.drop()

    async def settled(self) -> None:
        """Wait for what ends."""
        while waiting := self._opening | self._ending:
            await asyncio.wait(waiting)

    def _accept(self, listener: socket.socket, door: Door, leaf: Leaf | None) -> None:
        for _ in range(_ACCEPTS_A_TURN):
            if self._is_full():
                self._stop_accepting()
                return
            try:
                accepted, _ = listener.accept()
            except BlockingIOError:
                return
            except OSError as error:
                _log.error("a connection could not be accepted: %s", error.strerror)
                self._stop_accepting()
                self._loop.call_later(_ACCEPT_AGAIN_S, self._reopen)
                return
            accepted.setblocking(False)
            with suppress(OSError):
                accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            task = self._loop.create_task(self._open(accepted, door, leaf))
            self._opening.add(task)
            task.add_done_callback(self._opened)

    async def _open(self, accepted: socket.socket, door: Door, leaf: Leaf | None) -> None:
        agent = AgentSide(self._limits.startup)
        connection = Connection(agent, door, leaf, self._limits, self._connections.get, self._over)
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
        self._reopen()

    def _over(self, connection: Connection) -> None:
        self._connections.pop(connection.pid, None)
        if connection.ending is not None:
            self._ending.add(connection.ending)
            connection.ending.add_done_callback(self._ending.discard)
        self._reopen()

    def _is_full(self) -> bool:
        return len(self._connections) >= self._limits.connections or len(self._opening) >= self._limits.unauthenticated

    def _stop_accepting(self) -> None:
        self._full = True
        for listener in self._listeners:
            self._loop.remove_reader(listener)

    def _reopen(self) -> None:
        if not self._full or self._is_full():
            return
        self._full = False
        for listener, accept in self._listeners.items():
            self._loop.add_reader(listener, accept)
