"""One request, from its head until it has left: judge, ask the checkpoint, dial, inject, send. `Reply` does the rest.

The way is synchronous where nothing has to be waited for (a cached decision, an open upstream): no task is made.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from dataclasses import replace
from enum import Enum, auto
from typing import TYPE_CHECKING

from yett.gateway import refusal
from yett.gateway.floors import Answering, Pass
from yett.gateway.http.coding import TooLarge, decode
from yett.gateway.http.framing import NO_BODY, Malformed, RequestHead
from yett.gateway.http.judge import (
    Judged,
    Route,
    canonical_request,
    examine,
    judge,
    judge_upgrade,
    side_call,
    with_body,
)
from yett.gateway.http.reply import Reply
from yett.gateway.http.serialise import CONTINUE, request_head, response_head
from yett.gateway.http.upload import Outgoing, Upload
from yett.gateway.http.upstream import UpstreamConnection
from yett.gateway.http.websocket import Frames
from yett.gateway.refusal import Problem
from yett.model.decision import Refused
from yett.model.effects import Verdict
from yett.model.errors import UpstreamFailed, YettError
from yett.model.http import HttpRequest
from yett.providers.room import Room, Side, Wire

if TYPE_CHECKING:
    from yett.gateway.http.client import ClientConnection

_log = logging.getLogger("yett.gateway")
_REPEATABLE = frozenset({"GET", "HEAD", "OPTIONS"})
_BODY_EXPECTED = frozenset({"POST", "PUT", "PATCH"})
_WEBSOCKET = (("connection", "upgrade"), ("upgrade", "websocket"))


class Phase(Enum):
    """Where an exchange stands. RELAYING begins with the answer's head."""

    COLLECTING = auto()
    DECIDING = auto()
    DIALLING = auto()
    WAITING = auto()
    RELAYING = auto()
    OVER = auto()


class Exchange:
    """The life of one request. Its connection tells it what the agent sends, its `Reply` what the upstream does."""

    __slots__ = (
        "_collected",
        "_collected_size",
        "_ended",
        "_granted",
        "_own",
        "_recorded",
        "_retried",
        "_streams",
        "_task",
        "_upload",
        "client",
        "head",
        "judged",
        "phase",
        "request",
        "room",
        "upgrades",
        "upstream",
    )

    def __init__(self, client: ClientConnection, head: RequestHead) -> None:
        self.client = client
        self.head = head
        self.phase = Phase.COLLECTING
        self.request: HttpRequest | None = None
        self.room: Room | None = None
        self.judged: Judged | None = None
        self.upstream: UpstreamConnection | None = None
        self.upgrades = False
        self._granted: Pass | None = None
        self._own: Answering | None = None
        self._recorded = False
        self._retried = False
        self._streams = False
        self._ended = head.length == NO_BODY
        self._collected: list[bytes] = []
        self._collected_size = 0
        self._task: asyncio.Task[None] | None = None
        self._upload: Outgoing | None = None

    @property
    def closes(self) -> bool:
        """Whether the agent's connection ends with this exchange: it asked for that, or its request is unfinished."""
        return self.head.closes or not self._ended

    # -- the request arrives

    def begin(self, *, waiting: bool = False) -> None:
        """Judge the head. `waiting`: nothing of the body has come, the client may wait for 100 Continue."""
        client = self.client
        try:
            self.request, self.room = canonical_request(
                self.head, client.route, client.floors, b"" if self._ended else None
            )
            self._own = client.floors.service(client.session, self.request)
            if self.head.upgrade == "websocket":
                self._upgrade(self.room)
        except YettError as error:
            self.refuse(error)
            return
        if self.phase is Phase.OVER:
            return
        if self._ended:
            self._decide(b"")
        elif self._must_stream():
            self._streams = True
            self._decide(None)
        elif self.head.expects_continue and waiting:
            client.write(CONTINUE)

    def on_request_payload(self, payload: bytes, ended: bool) -> None:
        """More of the body, already out of its framing."""
        self._ended = ended
        if self.phase is Phase.COLLECTING:
            self._collect(payload)
        elif self._upload is not None:
            self._forward(payload)
        elif self.phase is not Phase.OVER:
            self._hold(payload)

    def on_broken_body(self, error: Malformed) -> None:
        """The body's framing is broken: nothing behind it can be read."""
        self.drop_upstream()
        if self._granted is not None:
            self.record("unknown", 0)
        self.refuse(error)

    def _upgrade(self, room: Room | None) -> None:
        """Governed hosts speak no sub-protocol that the gate can read yet (law 10); codex goes on after a 426."""
        if room is None:
            self.upgrades = True
            return
        status = room.upgrade_status or room.refusal_status
        detail = "The gate does not read WebSocket here"
        self._over()
        self.client.refuse(
            Problem("Refused by Yett", status, detail, "upgrade", "deny", ask="Use plain HTTPS requests."),
            head_only=False,
        )

    def _must_stream(self) -> bool:
        """Small bodies are read before anything leaves; large ones stream where the host is not governed."""
        limits = self.client.floors.limits
        if self._own is not None:
            return False
        if self.room is None:
            return not 0 <= self.head.length <= limits.small_body
        return self.head.length > limits.governed_body

    def _collect(self, payload: bytes) -> None:
        self._hold(payload)
        self.client.wait(self.client.floors.limits.request_seconds)
        limits = self.client.floors.limits
        if self._own is not None and self._collected_size > limits.own_body:
            self.refuse(TooLarge(f"The body is over {limits.own_body >> 20} MB", "Push in smaller steps."))
        elif self._own is None and self._collected_size > limits.governed_body:
            self._streams = True
            self._decide(None)
        elif self._ended:
            body, self._collected = b"".join(self._collected), []
            self._decide(body)

    def _hold(self, payload: bytes) -> None:
        self._collected.append(payload)
        self._collected_size += len(payload)
        if self.phase is not Phase.COLLECTING and self._collected_size > self.client.floors.limits.pipelined:
            self.client.pause_reading()

    # -- the decision

    def _decide(self, body: bytes | None) -> None:
        """Put the request to the checkpoint, at once if it can answer at once."""
        self.phase = Phase.DECIDING
        if self._own is not None:
            self.client.wait(self.client.floors.limits.decision_seconds)
            self.work(self._answer_ourselves(self._own, body or b""))
            return
        try:
            judged = self._judge(body)
            if judged is None:
                return
            granted = self.client.floors.checkpoint.pass_now(judged.attempt)
        except YettError as error:
            self.refuse(error)
            return
        except Exception:  # noqa: BLE001 - law 1: whatever breaks on the enforcement path refuses
            _log.exception("a request could not be judged")
            self.refuse(_broken())
            return
        if granted is not None:
            self._release(granted)
            return
        self.client.wait(self.client.floors.limits.decision_seconds)
        self.work(self._await_decision(judged))

    def _judge(self, body: bytes | None) -> Judged | None:
        """What the request would do; None if its room has answered it."""
        client, request, room = self.client, self.request, self.room
        assert request is not None
        floors, session = client.floors, client.session
        if body is not None and request.body is None:
            request = self.request = with_body(request, body, room, floors.limits.governed_body)
        lease = examine(request, room, session, floors)
        if self.upgrades:
            self.judged = judge_upgrade(request, session)
            return self.judged
        side = side_call(request, room)
        if side is not None and side.do is Side.ANSWER:
            self._over()
            client.answer(response_head(side.status, _JSON, len(side.body.encode())) + side.body.encode())
            return None
        judged = self.judged = judge(request, room, lease, side, session, floors)
        if self._streams and room is not None and not judged.bulk:
            most = floors.limits.governed_body
            raise TooLarge(f"The body is over {most} bytes, more than the gate reads here", "Send less at once.")
        return judged

    async def _answer_ourselves(self, own: Answering, body: bytes) -> None:
        """A request that a service of Yett's own answers: nothing leaves here, the service asks the checkpoint."""
        request = self.request
        assert request is not None
        coding = request.header("content-encoding") if body else None
        limit = self.client.floors.limits.own_body
        said = await own(replace(request, body=body if coding is None else decode(coding, body, limit)))
        self._task = None
        self._over()
        headers = (("content-type", said.content_type), ("cache-control", "no-cache"))
        content = b"" if self.head.method == "HEAD" else said.body
        self.client.answer(response_head(said.status, headers, len(said.body)) + content)

    async def _await_decision(self, judged: Judged) -> None:
        granted = await self.client.floors.checkpoint.pass_(judged.attempt)
        self._task = None
        self._release(granted)

    # -- to the upstream

    def _release(self, granted: Pass) -> None:
        self._granted = granted
        upstream = self._reusable()
        if upstream is not None:
            self._send(upstream)
            return
        self.dial()

    def dial(self) -> None:
        """Open a connection to the upstream, then send."""
        self.phase = Phase.DIALLING
        self.work(self._dial())

    def may_repeat(self) -> bool:
        """Once, on a fresh connection: what has no body and no effect, and was lost unread on a kept connection."""
        stale = self.upstream is not None and self.upstream.used and not self._retried
        self._retried = True
        return stale and self.head.method in _REPEATABLE and self.head.length == NO_BODY and not self.upgrades

    def _reusable(self) -> UpstreamConnection | None:
        """The connection's upstream, if it leads there. A write never rides on one that may have gone stale."""
        client, request = self.client, self.request
        upstream = client.upstream
        assert request is not None
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
        client, request = self.client, self.request
        assert request is not None
        try:
            tls = request.scheme == "https"
            upstream = await client.floors.dialer.connect(UpstreamConnection, request.host, request.port, tls=tls)
        except YettError:
            self.record("refused", 0)
            raise
        self._task = None
        client.upstream = upstream
        client.upstream_place = Route(request.scheme, request.host, request.port)
        self._send(upstream)

    def _send(self, upstream: UpstreamConnection) -> None:
        """Inject and write. The real credential exists from here to the transport only."""
        judged, floors = self.judged, self.client.floors
        assert judged is not None
        leaving = judged.leaving
        try:
            if judged.lease is not None:
                leaving = floors.broker.inject(leaving, judged.lease)
            head = request_head(leaving, self._leaving_length(leaving), _WEBSOCKET if self.upgrades else ())
            if self._streams:
                self._prepare_upload()
        except YettError as error:
            self.record("refused", 0)
            self.refuse(error)
            return
        self.upstream = upstream
        self.phase = Phase.WAITING
        self.client.wait(self._patience())
        reply = Reply(self)
        try:
            upstream.send(reply, leaving.method, head + leaving.body if leaving.body else head, upgrades=self.upgrades)
        except UpstreamFailed as error:
            reply.on_failure(error, answered=False)
            return
        if self._streams:
            self._begin_upload()

    def _leaving_length(self, leaving: HttpRequest) -> int | None:
        if leaving.body is None:
            return self.head.length if self._streams else None
        return len(leaving.body) if leaving.body or leaving.method in _BODY_EXPECTED else None

    def _patience(self) -> float:
        limits = self.client.floors.limits
        is_model = self.room is not None and self.room.wire is Wire.MODEL
        return limits.model_answer_seconds if is_model else limits.answer_seconds

    # -- the payload streams

    def _prepare_upload(self) -> None:
        client, request = self.client, self.request
        assert request is not None
        broker = client.floors.broker
        watch, decoded = broker.watch_stream(client.session), broker.watch_stream(client.session)
        self._upload = Upload(request, self.head.length, watch, decoded)

    def _begin_upload(self) -> None:
        client = self.client
        if self.head.expects_continue and not self._collected:
            client.write(CONTINUE)
        held, self._collected = b"".join(self._collected), []
        client.resume_reading()
        if held or self._ended:
            self._forward(held)

    def begin_frames(self) -> None:
        """The upstream has switched to WebSocket: the agent's frames follow."""
        self._ended = False
        self._upload = Frames(self.client.floors.broker.watch_stream(self.client.session))
        self.client.switch()

    def _forward(self, payload: bytes) -> None:
        upload, upstream = self._upload, self.upstream
        assert upload is not None
        assert upstream is not None
        try:
            data = upload.more(payload)
            if self._ended:
                data += upload.end()
                self._upload = None
        except YettError as error:
            self.drop_upstream()
            self.record("unknown", 0)
            self.refuse(error)
            return
        upstream.write(data)
        self.client.wait(self._patience())

    # -- pressure, loss, time

    def on_client_pressure(self, full: bool) -> None:
        """The agent takes no more, or again."""
        if self.upstream is not None:
            self.upstream.throttle(full)

    def lingers(self) -> bool:
        """Whether the answer is still wanted though the agent has gone: of a write, to know what became of it."""
        judged = self.judged
        return self.phase is Phase.WAITING and self._ended and judged is not None and not judged.only_reads

    def on_client_lost(self) -> None:
        """The agent has gone: what is decided but not sent is dropped, what was sent has an unknown end."""
        phase = self.phase
        self._over()
        self.drop_upstream()
        if self._granted is not None:
            self.record("refused" if phase in (Phase.DECIDING, Phase.DIALLING) else "unknown", 0)

    def on_deadline(self) -> None:
        """It took too long."""
        phase = self.phase
        self.drop_upstream()
        if phase is Phase.RELAYING:
            self._over()
            self.client.abort()
            return
        if self._granted is not None:
            self.record("refused" if phase is Phase.DIALLING else "unknown", 0)
        if self._ended or phase in (Phase.DECIDING, Phase.DIALLING):
            self.refuse(UpstreamFailed("No answer came in time", "Find out whether it was done before you repeat it."))
        else:
            self._over()
            self.client.refuse(
                Problem("Refused by Yett", 408, "The request did not arrive in time", "timeout"), head_only=False
            )

    # -- the end

    def begin_relaying(self) -> None:
        """The answer's head is on its way: from here on a failure can only cut it off."""
        self.phase = Phase.RELAYING
        self.client.wait(self.client.floors.limits.silence_seconds)

    def work(self, doing: Coroutine[object, object, None]) -> None:
        """Do what has to be waited for; whatever it raises refuses the request."""
        self._task = self.client.loop.create_task(self._guarded(doing))

    async def _guarded(self, doing: Coroutine[object, object, None]) -> None:
        try:
            await doing
        except YettError as error:
            self._task = None
            self.refuse(error)
        except Exception:  # noqa: BLE001 - law 1: whatever breaks on the enforcement path refuses
            self._task = None
            _log.exception("a request failed inside")
            self.drop_upstream()
            self.record("unknown", 0)
            self.refuse(_broken())

    def finished(self) -> None:
        """The answer has been written."""
        self._over()
        client = self.client
        upstream = client.upstream
        if upstream is not None:
            upstream.idle_since = client.loop.time()
            if not self._ended or not upstream.is_open:
                client.drop_upstream()
        client.finished(closes=self.closes)

    def refuse(self, error: YettError) -> None:
        """Answer with a refusal, once."""
        if self.phase is Phase.OVER:
            return
        if self.phase is Phase.RELAYING:
            self._over()
            self.drop_upstream()
            self.client.abort()
            return
        self._over()
        client = self.client
        status = 403 if self.room is None else self.room.refusal_status
        operation = f"{self.head.method} {client.route.name}" if self.judged is None else self.judged.attempt.summary
        if not isinstance(error, UpstreamFailed) and self._granted is None and not _is_noted(error):
            client.floors.note_refusal(client.session, operation, error)
        client.refuse(refusal.problem(error, status, operation), head_only=self.head.method == "HEAD")

    def record(self, outcome: str, status: int) -> None:
        """Tell the ledger what became of it, once."""
        if self._granted is None or self._recorded:
            return
        self._recorded = True
        self.client.floors.finish(self._granted, outcome, status)

    def drop_upstream(self) -> None:
        """Let go of the upstream: what it still says belongs to nobody."""
        self._upload = None
        self.client.drop_upstream()

    def _over(self) -> None:
        self.phase = Phase.OVER
        task, self._task = self._task, None
        if task is not None and task is not asyncio.current_task():
            task.cancel()


_JSON = (("content-type", "application/json"),)


def _is_noted(error: YettError) -> bool:
    """Whether the checkpoint itself said no: it has written that down."""
    return isinstance(error, Refused) and error.code not in ("method", "http", "internal")


def _broken() -> Refused:
    return Refused(Verdict.DENY, "Yett failed inside and refuses", "Tell the person who runs Yett.", code="internal")
