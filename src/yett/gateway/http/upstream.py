"""One connection to an upstream: write a request, report its answer, piece by piece, to one sink at a time."""

from __future__ import annotations

import asyncio
from typing import Protocol, cast

from yett.gateway.http.bodies import Body, UntilClose, body
from yett.gateway.http.framing import MAX_HEAD, UNTIL_CLOSE, Malformed, ResponseHead, parse_response
from yett.model.errors import UpstreamFailed

_END_OF_HEAD = b"\r\n\r\n"


class Sink(Protocol):
    """Who waits for the answer. Exactly one of `on_end` and `on_failure` is the last call."""

    def on_answer(self, head: ResponseHead, payload: bytes, ended: bool) -> None: ...
    def on_payload(self, payload: bytes) -> None: ...
    def on_end(self) -> None: ...
    def on_failure(self, error: UpstreamFailed, *, answered: bool) -> None:
        """`answered`: bytes of the answer had arrived. False means that the request may never have been read."""
        ...

    def on_pressure(self, full: bool) -> None: ...


class UpstreamConnection(asyncio.Protocol):
    """HTTP/1.1 towards one upstream. Whatever it says unasked, or after its answer's end, closes it.

    `wire` is the TCP transport below `transport`: see `Dialer.connect`.
    """

    __slots__ = (
        "_body",
        "_closes",
        "_held",
        "_method",
        "_sink",
        "_upgrades",
        "idle_since",
        "transport",
        "used",
        "wire",
    )

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.wire: asyncio.Transport | None = None
        self.used = False
        self.idle_since = 0.0
        self._sink: Sink | None = None
        self._method = ""
        self._upgrades = False
        self._held = b""
        self._body: Body | None = None
        self._closes = False

    @property
    def is_open(self) -> bool:
        return self.transport is not None and not self.transport.is_closing()

    def send(self, sink: Sink, method: str, head: bytes, *, upgrades: bool = False) -> None:
        """Begin an exchange on a free connection. Raises UpstreamFailed: it has closed meanwhile."""
        if self.transport is None or self.transport.is_closing():
            raise UpstreamFailed("The upstream closed the connection", "Try again.")
        self._sink = sink
        self._method = method
        self._upgrades = upgrades
        self._body = None
        self._held = b""
        self.transport.write(head)

    def write(self, data: bytes) -> None:
        """More of the request's body."""
        if data and self.transport is not None:
            self.transport.write(data)

    def throttle(self, full: bool) -> None:
        """Stop reading the answer while the agent takes no more."""
        if self.wire is None or self.wire.is_closing():
            return
        if full:
            self.wire.pause_reading()
        else:
            self.wire.resume_reading()

    def abort(self) -> None:
        """Drop the connection, and the sink without a word."""
        busy, self._sink = self._sink is not None, None
        if self.transport is None:
            return
        if busy:
            self.transport.abort()
        else:
            self.transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is one by shape only

    def data_received(self, data: bytes) -> None:
        if self._sink is None:
            self.abort()
            return
        try:
            if self._body is None:
                self._answer(self._held + data if self._held else data)
            else:
                self._payload(self._sink, self._body, data)
        except Malformed as error:
            self._fail(f"The upstream's answer is not HTTP/1.1: {error.what}", answered=True)

    def eof_received(self) -> None:
        return None

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport, lost = None, self.transport
        sink, self._sink = self._sink, None
        if sink is None or lost is None:
            return
        if exc is None and isinstance(self._body, UntilClose):
            sink.on_end()
            return
        answered = self._body is not None or bool(self._held)
        sink.on_failure(UpstreamFailed("The upstream closed the connection", "Try again."), answered=answered)

    def pause_writing(self) -> None:
        if self._sink is not None:
            self._sink.on_pressure(True)

    def resume_writing(self) -> None:
        if self._sink is not None:
            self._sink.on_pressure(False)

    def _answer(self, data: bytes) -> None:
        """Read heads until a final one; interim answers are dropped, ours is the only 100 (RFC 9110, 15.2)."""
        while True:
            end = data.find(_END_OF_HEAD)
            if end < 0:
                self._held = data
                if len(data) > MAX_HEAD:
                    raise Malformed("the head is too long")
                return
            head = parse_response(data[:end], self._method)
            data = data[end + 4 :]
            if head.status >= 200:
                break
            if head.status == 101:
                if not self._upgrades:
                    raise Malformed("it switches protocols unasked")
                head = head._replace(length=UNTIL_CLOSE, closes=True)
                break
        self._held = b""
        self._begin(head, data)

    def _begin(self, head: ResponseHead, data: bytes) -> None:
        sink, decoder = self._sink, body(head.length)
        assert sink is not None
        self._body = decoder
        self._closes = head.closes
        payload = b"" if decoder.done else decoder.feed(data)
        if not decoder.done:
            sink.on_answer(head, payload, False)
            return
        self._free(decoder.rest if decoder.rest or head.length else data)
        sink.on_answer(head, payload, True)

    def _payload(self, sink: Sink, decoder: Body, data: bytes) -> None:
        payload = decoder.feed(data)
        if payload:
            sink.on_payload(payload)
        if decoder.done and self._sink is sink:
            self._free(decoder.rest)
            sink.on_end()

    def _free(self, rest: bytes) -> None:
        """The answer is complete. Bytes behind it belong to no request: the connection is not used again."""
        self._sink = None
        self._body = None
        self.used = True
        if (rest or self._closes) and self.transport is not None:
            self.transport.close()

    def _fail(self, what: str, *, answered: bool) -> None:
        sink = self._sink
        self.abort()
        if sink is not None:
            sink.on_failure(UpstreamFailed(what, "The answer was withheld."), answered=answered)
