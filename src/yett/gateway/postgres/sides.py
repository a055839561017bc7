"""The two ends of a connection as the event loop sees them. The hot path of the wire is here: keep it short."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from yett.gateway.postgres.answers import Answers
from yett.gateway.postgres.fields import Malformed
from yett.gateway.postgres.framing import Requests
from yett.gateway.postgres.messages import IDLE
from yett.gateway.postgres.talk import Talk

if TYPE_CHECKING:
    from yett.gateway.postgres.connection import Connection

FULL, WAITING = 1, 2
"""Why a side is not read: the other one takes no more, or too much waits for a decision."""


class Side(asyncio.Protocol):
    """What both have in common: a transport above and one below TLS, and a brake.

    `wire` is the transport that is paused: uvloop drops what it holds of a paused TLS transport when the peer closes.
    """

    def __init__(self, most: int) -> None:
        self.talk: Talk | None = Talk(most)
        self.transport: asyncio.Transport
        self.wire: asyncio.Transport
        self.connected = False
        self.full = False
        self._brakes = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is one by shape only
        if not self.connected:
            self.wire = self.transport
            self.connected = True

    def brake(self, reason: int) -> None:
        if not self._brakes:
            self.wire.pause_reading()
        self._brakes |= reason

    def release(self, reason: int) -> None:
        if self._brakes and not (left := self._brakes & ~reason):
            self._brakes = left
            if not self.wire.is_closing():
                self.wire.resume_reading()
        else:
            self._brakes &= ~reason

    def abort(self) -> None:
        if self.connected:
            self.transport.abort()


class AgentSide(Side):
    """The agent's client."""

    connection: Connection
    requests: Requests
    came: Callable[[int, int], None]

    def data_received(self, data: bytes) -> None:
        if self.talk is not None:
            self.talk.feed(data)
            return
        self.came(self.connection.pid, len(data))
        requests = self.requests
        if requests.held:
            self.connection.more(data)
            return
        try:
            out = requests.feed(data)
            if out:
                self.connection.to_server(out)
        except Malformed as error:
            self.connection.broken(error)
            return
        if requests.held:
            self.connection.decide()
        elif requests.closing:
            self.connection.goodbye()

    def connection_lost(self, error: Exception | None) -> None:
        if self.talk is not None:
            self.talk.end()
        self.connection.ended()

    def pause_writing(self) -> None:
        self.connection.agent_full(True)

    def resume_writing(self) -> None:
        self.connection.agent_full(False)


class ServerSide(Side):
    """The upstream."""

    connection: Connection
    answers: Answers
    seen: Callable[[bytes], bytes] | None = None
    feed: Callable[[bytes], bytes]
    came: Callable[[int, int], None]

    def data_received(self, data: bytes) -> None:
        if self.talk is not None:
            self.talk.feed(data)
            return
        connection = self.connection
        self.came(connection.pid, len(data))
        try:
            if connection.conducted:
                connection.heard(data)
                return
            out = self.feed(data)
        except Malformed as error:
            connection.broken(error)
            return
        if connection.requests.guarding and self.answers.status == IDLE:
            connection.broken(Malformed("a transaction ended without being asked to"))
        elif out:
            connection.to_agent(out)

    def connection_lost(self, error: Exception | None) -> None:
        if self.talk is not None:
            self.talk.end()
        if hasattr(self, "connection"):
            self.connection.ended()

    def pause_writing(self) -> None:
        self.connection.server_full(True)

    def resume_writing(self) -> None:
        self.connection.server_full(False)
