"""One connection from the agent: frame its requests, run them one after another, write what the exchange says."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol, cast

from yett.gateway import refusal
from yett.gateway.floors import Floors
from yett.gateway.http.bodies import Body, UntilClose, body
from yett.gateway.http.exchange import Exchange
from yett.gateway.http.framing import MAX_HEAD, NO_BODY, Malformed, RequestHead, parse_request
from yett.gateway.http.judge import Route
from yett.gateway.http.preface import PREFACE, http2_refusal
from yett.gateway.http.upstream import UpstreamConnection
from yett.gateway.refusal import Problem
from yett.model.errors import YettError
from yett.model.identity import Session

_END_OF_HEAD = b"\r\n\r\n"


class Registry(Protocol):
    """Where open connections are known, so that they can be closed and timed."""

    def add(self, connection: ClientConnection) -> None: ...
    def discard(self, connection: ClientConnection) -> None: ...
    def hold(self, size: int) -> None:
        """Count bytes that are held for the session. Raises TooLarge: it has too many."""
        ...

    def release(self, size: int) -> None: ...
    def in_turn(self, size: int, work: Callable[[], None]) -> None:
        """Look into `size` bytes: at once if they are few, else when the session has its turn."""
        ...


class ClientConnection(asyncio.Protocol):
    """HTTP/1.1 from an agent. Requests that arrive early wait their turn: one exchange at a time.

    `deadline` is the loop time at which `expire` is called; every step sets the next one.
    """

    __slots__ = (
        "_advancing",
        "_body",
        "_closing",
        "_exchange",
        "_held",
        "deadline",
        "floors",
        "loop",
        "registry",
        "route",
        "session",
        "transport",
        "upstream",
        "upstream_place",
    )

    def __init__(self, floors: Floors, session: Session, route: Route, registry: Registry, held: bytes = b"") -> None:
        self.floors = floors
        self.session = session
        self.route = route
        self.transport: asyncio.Transport | None = None
        self.upstream: UpstreamConnection | None = None
        self.upstream_place: Route | None = None
        self.deadline = 0.0
        self.registry = registry
        self._held = held
        self._body: Body | None = None
        self._exchange: Exchange | None = None
        self._advancing = False
        self._closing = False
        self.loop = asyncio.get_running_loop()

    # -- the transport's calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is one by shape only
        self.registry.add(self)
        self.wait(self.floors.limits.idle_seconds)
        if self._held:
            self._advance(self._held)

    def data_received(self, data: bytes) -> None:
        if self._closing:
            return
        if self._body is not None:
            self._feed(data)
        elif self._exchange is not None:
            self._held += data
            if len(self._held) > self.floors.limits.pipelined:
                self.pause_reading()
        else:
            self._advance(self._held + data if self._held else data)

    def eof_received(self) -> None:
        return None

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        exchange = self._exchange
        if exchange is None or self._closing or not exchange.lingers():
            self._leave()

    def pause_writing(self) -> None:
        if self._exchange is not None:
            self._exchange.on_client_pressure(True)

    def resume_writing(self) -> None:
        if self._exchange is not None:
            self._exchange.on_client_pressure(False)

    # -- the exchange's calls

    def write(self, data: bytes) -> None:
        """Send to the agent; nothing if it has gone."""
        if data and self.transport is not None:
            self.transport.write(data)

    def wait(self, seconds: float) -> None:
        """Set the deadline."""
        self.deadline = self.loop.time() + seconds

    def refuse(self, said: Problem, *, head_only: bool) -> None:
        """Answer the current request with a refusal. An unread rest of it costs the connection."""
        self.write(refusal.response(said, closes=self._body is not None, head_only=head_only))
        self.finished()

    def switch(self) -> None:
        """Everything that comes from now on is the current exchange's: it has switched protocols."""
        self._body = UntilClose()
        held, self._held = self._held, b""
        if held:
            self._feed(held)

    def finished(self, *, closes: bool = False) -> None:
        """The current exchange is over; the next request that has arrived begins."""
        self._exchange = None
        if self._closing:
            return
        if self.transport is None:
            self._leave()
            return
        if self._body is not None:
            self.drain()
            return
        if closes:
            self.close()
            return
        self.wait(self.floors.limits.idle_seconds)
        if not self._advancing:
            held, self._held = self._held, b""
            self.resume_reading()
            if held:
                self._advance(held)

    def drain(self) -> None:
        """Close when the agent has read the answer: reset at once and it may never see it (RFC 9112, 9.6)."""
        self._closing = True
        self._held = b""
        self._body = None
        self.drop_upstream()
        self.resume_reading()
        self.wait(self.floors.limits.drain_seconds)

    def close(self) -> None:
        """Close behind what has been written; the agent has a while to read it."""
        self._closing = True
        self.wait(self.floors.limits.drain_seconds)
        self.drop_upstream()
        if self.transport is not None:
            self.transport.close()

    def abort(self) -> None:
        """Drop everything now."""
        self._closing = True
        if self.transport is not None:
            self.transport.abort()
        else:
            self._leave()

    def drop_upstream(self) -> None:
        """Let go of the upstream connection."""
        upstream, self.upstream = self.upstream, None
        if upstream is not None:
            upstream.abort()

    def pause_reading(self) -> None:
        """Stop taking bytes from the agent."""
        if self.transport is not None and not self.transport.is_closing():
            self.transport.pause_reading()

    def resume_reading(self) -> None:
        """Take bytes again."""
        if self.transport is not None and not self.transport.is_closing():
            self.transport.resume_reading()

    def expire(self) -> None:
        """The deadline has passed: the agent is slow or has no more to say, or the exchange takes too long."""
        if self._closing:
            self.abort()
        elif self._exchange is not None:
            self._exchange.on_deadline()
        elif self._held:
            self._break(Problem("Refused by Yett", 408, "The request did not arrive in time", "timeout"))
        else:
            self.close()

    def _leave(self) -> None:
        """Nothing is left to be done for this connection."""
        self._closing = True
        self.registry.discard(self)
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            exchange.on_client_lost()
        self.drop_upstream()

    # -- framing

    def _advance(self, data: bytes) -> None:
        """Begin the requests in `data` until one has to wait."""
        self._advancing = True
        while data and self._exchange is None and not self._closing:
            end = data.find(_END_OF_HEAD)
            if end < 0:
                self._incomplete(data)
                break
            try:
                head = parse_request(data[:end])
            except Malformed as error:
                self._malformed(error, data)
                break
            data = self._begin(head, data[end + 4 :])
        self._held = b"" if self._closing else data
        self._advancing = False

    def _begin(self, head: RequestHead, rest: bytes) -> bytes:
        """Start an exchange; give the bytes behind its request."""
        exchange = self._exchange = Exchange(self, head)
        if head.length == NO_BODY:
            exchange.begin()
            return rest
        decoder = self._body = body(head.length)
        self.wait(self.floors.limits.request_seconds)
        exchange.begin(waiting=not rest)
        if self._body is None:
            return b""
        if rest:
            self._feed(rest)
        return decoder.rest if decoder.done else b""

    def _feed(self, data: bytes) -> None:
        exchange, decoder = self._exchange, self._body
        assert exchange is not None
        assert decoder is not None
        try:
            payload = decoder.feed(data)
        except Malformed as error:
            exchange.on_broken_body(error)
            return
        if decoder.done:
            self._body = None
            if not self._advancing:
                self._held = decoder.rest
        exchange.on_request_payload(payload, decoder.done)

    def _incomplete(self, data: bytes) -> None:
        """Wait for the rest of a head that can still become one."""
        if len(data) > MAX_HEAD or b"\n\n" in data:
            self._malformed(Malformed("The head is too long, or its lines do not end in CRLF"), data)
        else:
            self.wait(self.floors.limits.request_seconds)

    def _malformed(self, error: YettError, data: bytes) -> None:
        if data.startswith(PREFACE[:18]):
            self.write(http2_refusal())
            self.drain()
        else:
            self.floors.note_refusal(self.session, f"a request to {self.route.name or 'the proxy'}", error)
            self._break(refusal.problem(error, 403, ""))

    def _break(self, said: Problem) -> None:
        """Answer what cannot be framed any further, and close."""
        self.write(refusal.response(said, closes=True))
        self.drain()
