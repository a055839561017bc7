"""A request that may leave: dial, inject, send, stream its payload, and record what became of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from yett.gateway.floors import Pass
from yett.gateway.http.framing import NO_BODY
from yett.gateway.http.judge import Judged, Route
from yett.gateway.http.reply import Reply
from yett.gateway.http.serialise import CONTINUE, request_head
from yett.gateway.http.upload import Outgoing, Upload
from yett.gateway.http.upstream import UpstreamConnection
from yett.gateway.http.websocket import Frames
from yett.model.errors import UpstreamFailed, YettError
from yett.model.http import HttpRequest
from yett.providers.room import Wire

if TYPE_CHECKING:
    from yett.gateway.http.exchange import Exchange

_REPEATABLE = frozenset({"GET", "HEAD", "OPTIONS"})
_BODY_EXPECTED = frozenset({"POST", "PUT", "PATCH"})
_WEBSOCKET = (("connection", "upgrade"), ("upgrade", "websocket"))


class Departure:
    """One request with the checkpoint's pass. `sent` turns True with the first byte that the upstream may have seen."""

    __slots__ = ("_exchange", "_granted", "_judged", "_recorded", "_retried", "_upload", "sent", "upstream")

    def __init__(self, exchange: Exchange, judged: Judged, granted: Pass) -> None:
        self.upstream: UpstreamConnection | None = None
        self.sent = False
        self._exchange = exchange
        self._judged = judged
        self._granted = granted
        self._recorded = False
        self._retried = False
        self._upload: Outgoing | None = None

    def start(self) -> None:
        """Send on the connection's own upstream, or on a new one."""
        upstream = self._reusable()
        if upstream is None:
            self._exchange.work(self._dial())
        else:
            self._send(upstream)

    def repeat(self) -> bool:
        """Send once more on a fresh connection, if nothing can have happened: without body or effect, lost unread.

        A write is never sent again (law 2), even on a connection that the upstream closed while it was idle.
        """
        exchange = self._exchange
        stale = self.upstream is not None and self.upstream.used and not self._retried
        if not stale or exchange.upgrades or exchange.head.length != NO_BODY or exchange.head.method not in _REPEATABLE:
            return False
        self._retried = True
        exchange.work(self._dial())
        return True

    def patience(self) -> float:
        """Seconds to wait for the answer: a model may think for minutes."""
        exchange, limits = self._exchange, self._exchange.client.floors.limits
        is_model = exchange.room is not None and exchange.room.wire is Wire.MODEL
        return limits.model_answer_seconds if is_model else limits.answer_seconds

    def record(self, outcome: str, status: int) -> None:
        """Tell the ledger what became of it, once."""
        if not self._recorded:
            self._recorded = True
            self._exchange.client.floors.finish(self._granted, outcome, status)

    def give_up(self) -> None:
        """It ends here, and nobody will know how: unless nothing had left."""
        self._upload = None
        self.record("unknown" if self.sent else "refused", 0)

    def throttle(self, full: bool) -> None:
        """The agent takes no more of the answer, or again."""
        if self.upstream is not None:
            self.upstream.throttle(full)

    # -- the connection

    def _reusable(self) -> UpstreamConnection | None:
        """The connection's upstream, if it leads there. A write never rides on one that may have gone stale."""
        client, request = self._exchange.client, self._judged.leaving
        upstream = client.upstream
        if upstream is None:
            return None
        if upstream.is_open and client.upstream_place == (request.scheme, request.host, request.port):
            if request.method in _REPEATABLE:
                return upstream
            if client.loop.time() - upstream.idle_since < client.floors.limits.stale_seconds:
                return upstream
        client.drop_upstream()
        return None

    async def _dial(self) -> None:
        client, request = self._exchange.client, self._judged.leaving
        upstream, wire = await client.floors.dialer.connect(
            UpstreamConnection, request.host, request.port, tls=request.scheme == "https", who=client.session.id
        )
        upstream.wire = wire
        client.upstream = upstream
        client.upstream_place = Route(request.scheme, request.host, request.port)
        self._send(upstream)

    # -- the request

    def _send(self, upstream: UpstreamConnection) -> None:
        """Inject and write. The real credential exists from here to the transport only."""
        exchange, judged = self._exchange, self._judged
        leaving, floors = judged.leaving, exchange.client.floors
        try:
            if judged.lease is not None:
                leaving = floors.broker.inject(leaving, judged.lease)
            head = request_head(leaving, self._length(leaving), _WEBSOCKET if exchange.upgrades else ())
            if exchange.streams:
                self._prepare_upload()
        except YettError as error:
            exchange.fail(error)
            return
        self.upstream = upstream
        self.sent = True
        exchange.begin_waiting(self.patience())
        reply = Reply(exchange, self, judged)
        try:
            upstream.send(
                reply, leaving.method, head + leaving.body if leaving.body else head, upgrades=exchange.upgrades
            )
        except UpstreamFailed as error:
            reply.on_failure(error, answered=False)
            return
        if exchange.streams:
            self._begin_upload()

    def _length(self, leaving: HttpRequest) -> int | None:
        if leaving.body is None:
            return self._exchange.head.length if self._exchange.streams else None
        return len(leaving.body) if leaving.body or leaving.method in _BODY_EXPECTED else None

    # -- the payload

    def _prepare_upload(self) -> None:
        exchange = self._exchange
        broker, session = exchange.client.floors.broker, exchange.client.session
        watch, decoded = broker.watch_stream(session), broker.watch_stream(session)
        self._upload = Upload(self._judged.leaving, exchange.head.length, watch, decoded)

    def _begin_upload(self) -> None:
        exchange = self._exchange
        held = exchange.take_held()
        if exchange.head.expects_continue and not held:
            exchange.client.write(CONTINUE)
        exchange.client.resume_reading()
        if held or exchange.ended:
            self.forward(held)

    def begin_frames(self) -> None:
        """The upstream has switched to WebSocket: the agent's frames follow."""
        client = self._exchange.client
        self._upload = Frames(client.floors.broker.watch_stream(client.session))
        client.switch()

    def forward(self, payload: bytes) -> None:
        """More of the payload; what the broker refuses cuts the request off."""
        exchange, upload = self._exchange, self._upload
        if upload is None or self.upstream is None:
            return
        try:
            data = upload.more(payload)
            if exchange.ended:
                data += upload.end()
                self._upload = None
        except YettError as error:
            exchange.fail(error)
            return
        self.upstream.write(data)
        exchange.moved(self.patience())
