"""One request, from its head to the last byte of its answer: judge, ask the checkpoint, inject, send, scrub, relay.

The way is synchronous where nothing has to be waited for (a cached decision, an open upstream): no task is made.
"""

from __future__ import annotations

import asyncio
import logging
from enum import Enum, auto
from typing import TYPE_CHECKING

from yett.gateway import refusal
from yett.gateway.floors import Pass, Room
from yett.gateway.http.answer import Relay, Upload
from yett.gateway.http.coding import TooLarge
from yett.gateway.http.framing import NO_BODY, Malformed, RequestHead, ResponseHead
from yett.gateway.http.judge import Judged, Route, canonical_request, judge, with_body
from yett.gateway.http.serialise import CONTINUE, request_head
from yett.gateway.http.upstream import UpstreamConnection
from yett.model.decision import Refused
from yett.model.effects import Verdict
from yett.model.errors import UpstreamFailed, YettError
from yett.model.http import HttpRequest

if TYPE_CHECKING:
    from yett.gateway.http.client import ClientConnection

_log = logging.getLogger("yett.gateway")
_REPEATABLE = frozenset({"GET", "HEAD", "OPTIONS"})


class Phase(Enum):
    """Where an exchange stands."""

    COLLECTING = auto()
    DECIDING = auto()
    DIALLING = auto()
    WAITING = auto()
    RELAYING = auto()
    OVER = auto()


class Exchange:
    """The life of one request."""

    __slots__ = (
        "_client",
        "_collected",
        "_collected_size",
        "_ended",
        "_granted",
        "_head",
        "_judged",
        "_phase",
        "_recorded",
        "_relay",
        "_request",
        "_retried",
        "_room",
        "_streams",
        "_task",
        "_upload",
        "_upstream",
    )

    def __init__(self, client: ClientConnection, head: RequestHead) -> None:
        self._client = client
        self._head = head
        self._phase = Phase.COLLECTING
        self._request: HttpRequest | None = None
        self._room: Room | None = None
        self._judged: Judged | None = None
        self._granted: Pass | None = None
        self._recorded = False
        self._retried = False
        self._streams = False
        self._ended = head.length == NO_BODY
        self._collected: list[bytes] = []
        self._collected_size = 0
        self._task: asyncio.Task[None] | None = None
        self._upstream: UpstreamConnection | None = None
        self._upload: Upload | None = None
        self._relay: Relay | None = None

    # -- the request arrives

    def begin(self, *, waiting: bool = False) -> None:
        """Judge the head. `waiting`: the client may be waiting for 100 Continue."""
        try:
            self._request, self._room = canonical_request(self._head, self._client.route, self._client.floors)
        except YettError as error:
            self._refuse(error)
            return
        if self._ended:
            self._decide(b"")
        elif self._must_stream():
            self._streams = True
            self._decide(None)
        elif self._head.expects_continue and waiting:
            self._client.write(CONTINUE)

    def on_request_payload(self, payload: bytes, ended: bool) -> None:
        """More of the body, already out of its framing."""
        self._ended = ended
        if self._phase is Phase.COLLECTING:
            self._collect(payload)
        elif self._upload is not None:
            self._forward(payload)
        elif self._phase is not Phase.OVER:
            self._hold(payload)

    def on_broken_body(self, error: Malformed) -> None:
        """The body's framing is broken: nothing behind it can be read."""
        self._drop_upstream()
        self._refuse(error)

    def _must_stream(self) -> bool:
        """Small bodies are read before anything leaves; large ones stream where the host is not governed."""
        limits = self._client.floors.limits
        if self._room is None:
            return not 0 <= self._head.length <= limits.small_body
        return self._head.length > limits.governed_body

    def _collect(self, payload: bytes) -> None:
        self._hold(payload)
        if self._collected_size > self._client.floors.limits.governed_body:
            self._streams = True
            self._decide(None)
        elif self._ended:
            body, self._collected = b"".join(self._collected), []
            self._decide(body)

    def _hold(self, payload: bytes) -> None:
        self._collected.append(payload)
        self._collected_size += len(payload)
        if self._phase is not Phase.COLLECTING and self._collected_size > self._client.floors.limits.pipelined:
            self._client.pause_reading()

    # -- the decision

    def _decide(self, body: bytes | None) -> None:
        """Put the request to the checkpoint, at once if it can answer at once."""
        self._phase = Phase.DECIDING
        client = self._client
        floors = client.floors
        assert self._request is not None
        try:
            request = self._request
            if body is not None:
                request = with_body(request, body, self._room, floors.limits.governed_body)
            judged = self._judged = judge(request, self._room, client.session, floors)
            if self._streams and self._room is not None and not judged.classified.bulk:
                raise TooLarge(
                    f"The body is over {floors.limits.governed_body} bytes, more than the gate reads here",
                    "Send less at once.",
                )
            granted = floors.pass_now(judged.attempt)
        except YettError as error:
            self._refuse(error)
            return
        except Exception:  # noqa: BLE001 - law 1: whatever breaks on the enforcement path refuses
            _log.exception("a request could not be judged")
            self._refuse(_broken())
            return
        if granted is not None:
            self._release(granted)
            return
        client.wait(floors.limits.decision_seconds)
        self._task = asyncio.get_running_loop().create_task(self._await_decision(judged))

    async def _await_decision(self, judged: Judged) -> None:
        try:
            granted = await self._client.floors.checkpoint.pass_(judged.attempt)
        except YettError as error:
            self._task = None
            self._refuse(error)
        except Exception:  # noqa: BLE001 - law 1: whatever breaks on the enforcement path refuses
            self._task = None
            _log.exception("the checkpoint failed")
            self._refuse(_broken())
        else:
            self._task = None
            self._release(granted)

    # -- to the upstream

    def _release(self, granted: Pass) -> None:
        self._granted = granted
        if self._phase is Phase.OVER:
            self._record("refused", 0)
            return
        upstream = self._reusable()
        if upstream is not None:
            self._send(upstream)
            return
        self._phase = Phase.DIALLING
        self._task = asyncio.get_running_loop().create_task(self._dial())

    def _reusable(self) -> UpstreamConnection | None:
        """The connection's upstream, if it leads there. A write never rides on one that may have gone stale."""
        client, request = self._client, self._request
        upstream = client.upstream
        assert request is not None
        if upstream is None:
            return None
        if upstream.is_open and client.upstream_place == (request.scheme, request.host, request.port):
            if request.method in _REPEATABLE:
                return upstream
            if asyncio.get_running_loop().time() - upstream.idle_since < client.floors.limits.stale_seconds:
                return upstream
        client.drop_upstream()
        return None

    async def _dial(self) -> None:
        client, request = self._client, self._request
        assert request is not None
        try:
            tls = request.scheme == "https"
            upstream = await client.floors.dialer.connect(UpstreamConnection, request.host, request.port, tls=tls)
        except YettError as error:
            self._task = None
            self._record("refused", 0)
            self._refuse(error)
            return
        except Exception:  # noqa: BLE001 - law 1
            self._task = None
            _log.exception("the dialer failed")
            self._record("refused", 0)
            self._refuse(_broken())
            return
        self._task = None
        if self._phase is Phase.OVER:
            upstream.abort()
            return
        client.upstream = upstream
        client.upstream_place = Route(request.scheme, request.host, request.port)
        self._send(upstream)

    def _send(self, upstream: UpstreamConnection) -> None:
        """Inject and write. The real credential exists from here to the transport only."""
        judged, floors = self._judged, self._client.floors
        assert judged is not None
        leaving = judged.leaving
        try:
            if judged.lease is not None:
                leaving = floors.broker.inject(leaving, judged.lease)
            head = request_head(leaving, self._leaving_length(leaving))
        except YettError as error:
            self._record("refused", 0)
            self._refuse(error)
            return
        self._upstream = upstream
        self._phase = Phase.WAITING
        self._client.wait(self._patience())
        try:
            upstream.send(self, leaving.method, head + leaving.body if leaving.body else head)
        except UpstreamFailed as error:
            self.on_failure(error, answered=False)
            return
        if self._streams:
            self._begin_upload()

    def _leaving_length(self, leaving: HttpRequest) -> int | None:
        if leaving.body is None:
            return self._head.length if self._streams else None
        return len(leaving.body) if leaving.body or self._request_has_body() else None

    def _request_has_body(self) -> bool:
        return self._head.method in ("POST", "PUT", "PATCH") or self._head.length != NO_BODY

    def _patience(self) -> float:
        limits = self._client.floors.limits
        is_model = self._room is not None and self._room.wire == "model"
        return limits.model_answer_seconds if is_model else limits.answer_seconds

    # -- the payload streams

    def _begin_upload(self) -> None:
        client = self._client
        self._upload = Upload(self._head.length, client.floors.broker.watch_stream(client.session))
        if self._head.expects_continue and not self._collected:
            client.write(CONTINUE)
        held, self._collected = b"".join(self._collected), []
        client.resume_reading()
        if held or self._ended:
            self._forward(held)

    def _forward(self, payload: bytes) -> None:
        upload, upstream = self._upload, self._upstream
        assert upload is not None
        assert upstream is not None
        try:
            data = upload.more(payload)
            if self._ended:
                data += upload.end()
                self._upload = None
        except YettError as error:
            self._drop_upstream()
            self._record("unknown", 0)
            self._refuse(error)
            return
        upstream.write(data)
        self._client.wait(self._patience())

    # -- the answer

    def on_answer(self, head: ResponseHead, payload: bytes, ended: bool) -> None:
        """The upstream's head, with what came behind it."""
        judged, client = self._judged, self._client
        assert judged is not None
        self._phase = Phase.RELAYING
        self._record(_outcome(head.status), head.status)
        try:
            scrub = client.floors.broker.scrubber(client.session) if self._must_scrub() else None
            relay = self._relay = Relay(head, head.headers, self._head.method, scrub)
            data = relay.start(payload, ended, closes=self._head.closes)
        except YettError as error:
            self._drop_upstream()
            self._refuse(error)
            return
        client.write(data)
        if ended:
            self._over()
        else:
            client.wait(client.floors.limits.silence_seconds)

    def on_payload(self, payload: bytes) -> None:
        """More of the answer."""
        assert self._relay is not None
        self._client.write(self._relay.more(payload))
        self._client.wait(self._client.floors.limits.silence_seconds)

    def on_end(self) -> None:
        """The answer is complete."""
        assert self._relay is not None
        self._client.write(self._relay.end())
        self._over()

    def on_failure(self, error: UpstreamFailed, *, answered: bool) -> None:
        """The upstream broke. A repeatable request that a kept connection lost unread is sent once more."""
        client, upstream = self._client, self._upstream
        client.drop_upstream()
        if self._phase is Phase.RELAYING:
            self._phase = Phase.OVER
            client.abort()
            return
        stale = upstream is not None and upstream.used and not answered and not self._retried
        if stale and self._head.method in _REPEATABLE and self._head.length == NO_BODY:
            self._retried = True
            self._phase = Phase.DIALLING
            self._task = asyncio.get_running_loop().create_task(self._dial())
            return
        self._record("unknown", 0)
        self._refuse(error)

    def on_pressure(self, full: bool) -> None:
        """The upstream takes no more, or again."""
        if full:
            self._client.pause_reading()
        else:
            self._client.resume_reading()

    def on_client_pressure(self, full: bool) -> None:
        """The agent takes no more, or again."""
        transport = None if self._upstream is None else self._upstream.transport
        if transport is None or transport.is_closing():
            return
        if full:
            transport.pause_reading()
        else:
            transport.resume_reading()

    def on_client_lost(self) -> None:
        """The agent has gone: what is decided but not sent is dropped, what was sent has an unknown end."""
        phase, self._phase = self._phase, Phase.OVER
        if self._task is not None:
            self._task.cancel()
            self._task = None
        self._drop_upstream()
        if self._granted is not None:
            self._record("refused" if phase in (Phase.DECIDING, Phase.DIALLING) else "unknown", 0)

    def on_deadline(self) -> None:
        """It took too long."""
        if self._phase is Phase.RELAYING:
            self._drop_upstream()
            self._phase = Phase.OVER
            self._client.abort()
            return
        if self._task is not None:
            self._task.cancel()
            self._task = None
        self._drop_upstream()
        if self._granted is not None:
            self._record("unknown", 0)
        self._refuse(UpstreamFailed("No answer came in time", "Ask whether it was done before you send it again."))

    # -- the end

    def _over(self) -> None:
        self._phase = Phase.OVER
        client = self._client
        upstream = client.upstream
        if upstream is not None:
            if upstream.is_open:
                upstream.idle_since = asyncio.get_running_loop().time()
            else:
                client.upstream = None
        unsent = not self._ended
        if unsent:
            client.drop_upstream()
        client.finished(closes=self._head.closes or unsent)

    def _refuse(self, error: YettError) -> None:
        if self._phase is Phase.OVER:
            return
        self._phase = Phase.OVER
        status = 403 if self._room is None else self._room.refusal_status
        operation = "" if self._judged is None else self._judged.attempt.summary
        said = refusal.problem(error, status, operation)
        self._client.refuse(said, head_only=self._head.method == "HEAD")

    def _record(self, outcome: str, status: int) -> None:
        if self._granted is None or self._recorded:
            return
        self._recorded = True
        self._client.floors.finish(self._granted, outcome, status)

    def _must_scrub(self) -> bool:
        """Every answer of a governed host, but for a registry's public files (law 5)."""
        judged = self._judged
        return self._room is not None and (
            self._room.wire != "registry" or (judged is not None and judged.lease is not None)
        )

    def _drop_upstream(self) -> None:
        self._upload = None
        self._client.drop_upstream()


def _outcome(status: int) -> str:
    """What is known of an act from its answer: a server's error may come after the deed."""
    if status < 400:
        return "done"
    return "refused" if status < 500 else "unknown"


def _broken() -> Refused:
    return Refused(Verdict.DENY, "Yett failed inside and refuses", "Tell the person who runs Yett.", code="internal")
