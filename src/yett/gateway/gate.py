"""The gate: takes a session's listeners, makes a connection of every socket, and closes all of them within a second."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Literal

from yett.gateway.ca import UNRECOGNIZED_NAME, ServerContexts
from yett.gateway.dial import Dialer
from yett.gateway.floors import Broker, Checkpoint, Classify, Floors, Service, nothing_served
from yett.gateway.http.client import ClientConnection
from yett.gateway.http.coding import TooLarge
from yett.gateway.http.judge import Route
from yett.gateway.http.proxy import Entry, established
from yett.gateway.limits import Limits
from yett.gateway.listeners import Listeners
from yett.gateway.names import NameRefused, host_name
from yett.model.errors import ConfigurationError, YettError
from yett.model.identity import Session
from yett.providers.book import ProviderBook

Kind = Literal["proxy", "tls", "http"]

_log = logging.getLogger("yett.gateway")


class Gate:
    """Serves the sessions of one daemon on its event loop."""

    def __init__(
        self,
        checkpoint: Checkpoint,
        broker: Broker,
        book: ProviderBook,
        ca: ServerContexts,
        dialer: Dialer,
        settings: Limits,
        *,
        classify: Classify,
        service: Service = nothing_served,
    ) -> None:
        self._floors = Floors(checkpoint, broker, book, classify, dialer, settings, service)
        self._ca = ca
        self._sessions: dict[str, SessionTunnels] = {}
        self._sweep: asyncio.TimerHandle | None = None

    async def serve(
        self, session: Session, sock: socket.socket, kind: Kind, name: str | None = None, port: int | None = None
    ) -> None:
        """Take a listening socket of a session: everything that arrives on it is that session.

        `proxy` is an explicit proxy; `tls` and `http` are captured connections to `name`, at the listener's own port
        unless `port` says another.

        Raises:
            NameRefused, ConfigurationError: the name is missing or not one.
        """
        route = None if kind == "proxy" else _captured(kind, name, port or sock.getsockname()[1])
        tunnels = self._sessions.get(session.id)
        if tunnels is None:
            tunnels = self._sessions[session.id] = SessionTunnels(session, self._floors, self._ca)
        tunnels.listen(sock, route)
        if self._sweep is None:
            self._schedule()

    def close_session(self, session_id: str) -> None:
        """End of a session, or of its lease: its listeners and every tunnel, now."""
        tunnels = self._sessions.pop(session_id, None)
        if tunnels is not None:
            tunnels.close()

    def drop_tunnels(self, session_id: str | None = None) -> None:
        """Lockdown, or the end of a lease: every open connection ends now; the listeners stay (law 10)."""
        for name, tunnels in list(self._sessions.items()):
            if session_id in (None, name):
                tunnels.drop()

    def close_all(self) -> None:
        """Lockdown, or the daemon's end."""
        for session_id in list(self._sessions):
            self.close_session(session_id)
        if self._sweep is not None:
            self._sweep.cancel()
            self._sweep = None

    def open_tunnels(self, session_id: str) -> int:
        """How many sockets a session holds."""
        tunnels = self._sessions.get(session_id)
        return 0 if tunnels is None else tunnels.count

    async def settled(self) -> None:
        """Wait until every outcome is recorded."""
        await self._floors.settled()

    def _schedule(self) -> None:
        self._sweep = asyncio.get_running_loop().call_later(self._floors.limits.sweep_seconds, self._swept)

    def _swept(self) -> None:
        """One timer for all deadlines: setting a deadline on the hot path costs an assignment."""
        now = asyncio.get_running_loop().time()
        for tunnels in list(self._sessions.values()):
            tunnels.expire(now)
        self._schedule()


class SessionTunnels:
    """The listeners and sockets of one session."""

    def __init__(self, session: Session, floors: Floors, ca: ServerContexts) -> None:
        self._session = session
        self._floors = floors
        self._ca = ca
        self._loop = asyncio.get_running_loop()
        self._listeners = Listeners(self._is_full)
        self._entries: set[Entry] = set()
        self._starting: set[asyncio.Task[None]] = set()
        self._connections: set[ClientConnection] = set()
        self._held = 0
        self._waiting: deque[Callable[[], None]] = deque()
        self._closed = False

    @property
    def count(self) -> int:
        return len(self._entries) + len(self._starting) + len(self._connections)

    def listen(self, listener: socket.socket, route: Route | None) -> None:
        """Accept from `listener`; `route` None is an explicit proxy."""
        self._listeners.add(listener, lambda accepted: self._take(accepted, route))

    def add(self, connection: ClientConnection) -> None:
        """A connection has been made."""
        self._connections.add(connection)
        if self._closed:
            connection.abort()

    def discard(self, connection: ClientConnection) -> None:
        """A connection is gone."""
        self._connections.discard(connection)
        self._listeners.reopen()

    def hold(self, size: int) -> None:
        """Count bytes of bodies that are gathered. Raises TooLarge: one session must not take the daemon's memory."""
        if self._held + size > self._floors.limits.held_by_session:
            raise TooLarge("This session holds too many unfinished bodies at the gate", "Send fewer at once.")
        self._held += size

    def release(self, size: int) -> None:
        """They are gone."""
        self._held -= size

    def in_turn(self, size: int, work: Callable[[], None]) -> None:
        """Look into `size` bytes: at once if they are few, else one piece of work a turn of the loop.

        What is made to be searched slowly would else keep every other session, and lockdown, waiting (law 10).
        """
        if size <= self._floors.limits.at_once and not self._waiting:
            work()
            return
        self._waiting.append(work)
        if len(self._waiting) == 1:
            self._loop.call_soon(self._next)

    def _next(self) -> None:
        try:
            self._waiting[0]()
        finally:
            self._waiting.popleft()
            if self._waiting:
                self._loop.call_soon(self._next)

    def expire(self, now: float) -> None:
        """Call everything whose deadline has passed."""
        for entry in [entry for entry in self._entries if entry.deadline <= now]:
            entry.expire()
        for connection in [connection for connection in self._connections if connection.deadline <= now]:
            connection.expire()

    def close(self) -> None:
        """Close the listeners and drop every socket."""
        self._closed = True
        self._listeners.close()
        self.drop()

    def drop(self) -> None:
        """Drop every socket that is not a listener."""
        for entry in list(self._entries):
            entry.abort()
        for task in list(self._starting):
            task.cancel()
        for connection in list(self._connections):
            connection.abort()

    def _take(self, accepted: socket.socket, route: Route | None) -> None:
        if route is None:
            deadline = self._loop.time() + self._floors.limits.request_seconds
            self._entries.add(Entry(accepted, deadline, self._routed, self._ended, self._refused))
        else:
            self._start(accepted, route, b"")

    def _routed(self, entry: Entry, route: Route, held: bytes) -> None:
        self._entries.discard(entry)
        if route.name and not established(entry.socket):
            entry.socket.close()
            self._listeners.reopen()
            return
        self._start(entry.socket, route, held)

    def _ended(self, entry: Entry) -> None:
        self._entries.discard(entry)
        self._listeners.reopen()

    def _refused(self, error: YettError) -> None:
        self._floors.note_refusal(self._session, "a request to the proxy", error)

    def _start(self, accepted: socket.socket, route: Route, held: bytes) -> None:
        task = self._loop.create_task(self._connect(accepted, route, held))
        self._starting.add(task)
        task.add_done_callback(self._starting.discard)

    async def _connect(self, accepted: socket.socket, route: Route, held: bytes) -> None:
        """Give the socket a protocol, behind TLS if the route has it."""

        def make() -> ClientConnection:
            return ClientConnection(self._floors, self._session, route, self, held)

        try:
            if route.scheme == "https":
                await self._shake_hands(make, accepted, route.name)
            else:
                await self._loop.connect_accepted_socket(make, accepted)
        except OSError as error:
            _log.info("no connection with the client for %s: %s", route.name, error.strerror or type(error).__name__)
            accepted.close()
            self._listeners.reopen()

    async def _shake_hands(self, make: Callable[[], ClientConnection], accepted: socket.socket, name: str) -> None:
        """TLS with the agent. uvloop drops a failed handshake without its alert, so the gate sends it itself."""
        spare = accepted.dup()
        try:
            await self._loop.connect_accepted_socket(
                make,
                accepted,
                ssl=self._ca.context(name),
                ssl_handshake_timeout=self._floors.limits.handshake_seconds,
            )
        except ssl.SSLError as error:
            if error.reason == "CALLBACK_FAILED":
                self._refused(NameRefused(f"SNI is not {name}, the name that was connected to", "Connect to the host."))
                with suppress(OSError):
                    spare.send(UNRECOGNIZED_NAME)
            raise
        finally:
            spare.close()

    def _is_full(self) -> bool:
        return self._closed or self.count >= self._floors.limits.tunnels


def _captured(kind: Kind, name: str | None, port: int) -> Route:
    if name is None:
        raise ConfigurationError(f"A {kind} listener needs the name that it stands for")
    return Route("https" if kind == "tls" else "http", host_name(name), port)
