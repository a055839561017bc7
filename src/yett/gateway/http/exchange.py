"""One request, from its head to the end of its answer: judge it, ask the checkpoint, let it depart, or refuse.

The way is synchronous where nothing has to be waited for (a cached decision, an open upstream): no task is made.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from enum import Enum, auto
from typing import TYPE_CHECKING

from yett.gateway import refusal
from yett.gateway.floors import Answering, Pass
from yett.gateway.http import own
from yett.gateway.http.coding import TooLarge
from yett.gateway.http.departure import Departure
from yett.gateway.http.framing import NO_BODY, Malformed, RequestHead
from yett.gateway.http.judge import Judged, canonical_request, examine, judge, judge_upgrade, side_call, with_body
from yett.gateway.http.serialise import CONTINUE, response_head
from yett.gateway.refusal import Problem
from yett.model.decision import Refused
from yett.model.effects import Verdict
from yett.model.errors import StoreUnavailable, UpstreamFailed, YettError
from yett.model.http import HttpRequest
from yett.providers.room import Room, Side, SideCall

if TYPE_CHECKING:
    from yett.gateway.http.client import ClientConnection

_log = logging.getLogger("yett.gateway")
_LATE = Problem("Refused by Yett", 408, "The request did not arrive in time", "timeout")


class Phase(Enum):
    """Where an exchange stands. DEPARTING has a pass; WAITING has been sent; RELAYING begins with the answer's head."""

    COLLECTING = auto()
    DECIDING = auto()
    DEPARTING = auto()
    WAITING = auto()
    RELAYING = auto()
    OVER = auto()


class Exchange:
    """The life of one request. Its connection tells it what the agent sends, its departure what the upstream does.

    `ended`: the request has arrived whole. `streams`: its payload goes on as it comes, not gathered first.
    """

    __slots__ = (
        "_held",
        "_held_size",
        "_own",
        "_task",
        "client",
        "departure",
        "ended",
        "head",
        "judged",
        "phase",
        "request",
        "room",
        "streams",
        "upgrades",
    )

    def __init__(self, client: ClientConnection, head: RequestHead) -> None:
        self.client = client
        self.head = head
        self.phase = Phase.COLLECTING
        self.request: HttpRequest | None = None
        self.room: Room | None = None
        self.judged: Judged | None = None
        self.departure: Departure | None = None
        self.ended = head.length == NO_BODY
        self.streams = False
        self.upgrades = False
        self._held: list[bytes] = []
        self._held_size = 0
        self._own: Answering | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def closes(self) -> bool:
        """Whether the agent's connection ends with this exchange: it asked for that, or its request is unfinished."""
        return self.head.closes or not self.ended

    # -- the request arrives

    def begin(self, *, waiting: bool = False) -> None:
        """Judge the head. `waiting`: nothing of the body has come, the client may wait for 100 Continue."""
        client = self.client
        try:
            self.request, self.room = canonical_request(self.head, client.route, client.floors, self._payload())
            self._own = client.floors.service(client.session, self.request)
            if self.head.upgrade == "websocket" and not self._may_upgrade(self.room):
                return
        except YettError as error:
            self.refuse(error)
            return
        if self.ended:
            self._decide_in_turn(0)
        elif self._must_stream():
            self.streams = True
            self._decide(None)
        elif self.head.expects_continue and waiting:
            client.write(CONTINUE)

    def on_request_payload(self, payload: bytes, ended: bool) -> None:
        """More of the body, already out of its framing."""
        self.ended = ended
        if self.phase is Phase.COLLECTING:
            self._collect(payload)
        elif self.departure is not None and self.departure.sent:
            self.departure.forward(payload)
        elif self.phase is not Phase.OVER:
            self._hold(payload)

    def on_broken_body(self, error: Malformed) -> None:
        """The body's framing is broken: nothing behind it can be read."""
        self.fail(error)

    def take_held(self) -> bytes:
        """What has been gathered of the body; it is given once."""
        held, self._held = b"".join(self._held), []
        self.client.registry.release(self._held_size)
        self._held_size = 0
        return held

    def _payload(self) -> bytes | None:
        return b"" if self.ended else None

    def _may_upgrade(self, room: Room | None) -> bool:
        """Governed hosts speak no sub-protocol that the gate can read yet (law 10); codex goes on after a 426.

        Raises:
            Malformed: the upgrade has a body or is no GET (RFC 6455, 4.1).
        """
        if not self.ended or self.head.method != "GET":
            raise Malformed("A WebSocket upgrade is a GET without a body")
        self.upgrades = room is None
        if room is not None:
            status = room.upgrade_status or room.refusal_status
            detail, ask = "The gate does not read WebSocket here", "Use plain HTTPS requests."
            self._over()
            self.client.refuse(Problem("Refused by Yett", status, detail, "upgrade", "deny", ask=ask), head_only=False)
        return room is None

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
        limits = self.client.floors.limits
        if self.phase is Phase.OVER:
            return
        if self._held_size > limits.governed_body and self._own is None:
            self.streams = True
            self._decide(None)
        elif self.ended:
            self._decide_in_turn(self._held_size)
        else:
            self.client.wait(limits.request_seconds)

    def _hold(self, payload: bytes) -> None:
        try:
            self.client.registry.hold(len(payload))
        except TooLarge as error:
            self.fail(error)
            return
        self._held.append(payload)
        self._held_size += len(payload)
        if self.phase is not Phase.COLLECTING and self._held_size > self.client.floors.limits.pipelined:
            self.client.pause_reading()

    # -- the decision

    def _decide_in_turn(self, size: int) -> None:
        """The request is whole, its body of that size: judge it, a large one when its session has its turn."""
        self.phase = Phase.DECIDING
        head = len(self.head.target) + sum(len(value) for _, value in self.head.headers)
        self.client.registry.in_turn(size + head, self._decide_held)

    def _decide_held(self) -> None:
        if self.phase is Phase.DECIDING:
            self._decide(self.take_held())

    def _decide(self, body: bytes | None) -> None:
        """Put the request to the checkpoint, at once if it can answer at once."""
        self.phase = Phase.DECIDING
        if self._own is not None:
            self.client.wait(self.client.floors.limits.decision_seconds)
            self.work(own.answer(self, self._own, body or b""))
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
            self._release(judged, granted)
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
            self._answer_side_call(side)
            return None
        judged = self.judged = judge(request, room, lease, side, session, floors)
        if self.streams and room is not None and not judged.bulk:
            most = floors.limits.governed_body
            raise TooLarge(f"The body is over {most} bytes, more than the gate reads here", "Send less at once.")
        return judged

    def _answer_side_call(self, side: SideCall) -> None:
        body = side.body.encode()
        self.client.write(response_head(side.status, _JSON, len(body), closes=self.closes) + body)
        self.finished()

    async def _await_decision(self, judged: Judged) -> None:
        self._release(judged, await self.client.floors.checkpoint.pass_(judged.attempt))

    def _release(self, judged: Judged, granted: Pass) -> None:
        self.phase = Phase.DEPARTING
        self.departure = Departure(self, judged, granted)
        self.departure.start()

    # -- the departure's and the reply's calls

    def begin_waiting(self, seconds: float) -> None:
        """The request is on its way."""
        self.phase = Phase.WAITING
        self.client.wait(seconds)

    def begin_relaying(self) -> None:
        """The answer's head is on its way: from here on a failure can only cut it off."""
        self.phase = Phase.RELAYING
        self.client.wait(self.client.floors.limits.silence_seconds)

    def moved(self, patience: float) -> None:
        """Something went on: the wait begins anew."""
        relaying = self.phase is Phase.RELAYING
        self.client.wait(self.client.floors.limits.silence_seconds if relaying else patience)

    def work(self, doing: Coroutine[object, object, None]) -> None:
        """Do what has to be waited for; whatever it raises refuses the request."""
        self._task = self.client.loop.create_task(self._guarded(doing))

    async def _guarded(self, doing: Coroutine[object, object, None]) -> None:
        try:
            await doing
        except YettError as error:
            self.fail(error)
        except Exception:  # noqa: BLE001 - law 1: whatever breaks on the enforcement path refuses
            _log.exception("a request failed inside")
            self.fail(_broken())

    def finished(self) -> None:
        """The answer has been written."""
        self._over()
        client = self.client
        upstream = client.upstream
        if upstream is not None:
            upstream.idle_since = client.loop.time()
            if not self.ended or not upstream.is_open:
                client.drop_upstream()
        client.finished(closes=self.closes)

    def fail(self, error: YettError) -> None:
        """It cannot go on: let the upstream go, record what is known, refuse."""
        self.client.drop_upstream()
        if self.departure is not None:
            self.departure.give_up()
        self.refuse(error)

    def refuse(self, error: YettError) -> None:
        """Answer with a refusal, once; an answer that has begun is cut off instead."""
        phase, client = self.phase, self.client
        if phase is Phase.OVER:
            return
        self._over()
        if phase is Phase.RELAYING:
            client.drop_upstream()
            client.abort()
            return
        status = 403 if self.room is None else self.room.refusal_status
        operation = f"{self.head.method} {client.route.name}" if self.judged is None else self.judged.attempt.summary
        if self._is_ours(error):
            client.floors.note_refusal(client.session, operation, error)
        client.refuse(refusal.problem(error, status, operation), head_only=self.head.method == "HEAD")

    # -- pressure, loss, time

    def on_client_pressure(self, full: bool) -> None:
        """The agent takes no more, or again."""
        if self.departure is not None:
            self.departure.throttle(full)

    def lingers(self) -> bool:
        """Whether the answer is still wanted though the agent has gone: of a write, to know what became of it."""
        judged = self.judged
        return self.phase is Phase.WAITING and self.ended and judged is not None and not judged.only_reads

    def on_client_lost(self) -> None:
        """The agent has gone: what is decided but not sent is dropped, what was sent has an unknown end."""
        self._over()
        self.client.drop_upstream()
        if self.departure is not None:
            self.departure.give_up()

    def on_deadline(self) -> None:
        """It took too long."""
        if self.ended or self.phase in (Phase.DECIDING, Phase.DEPARTING, Phase.RELAYING):
            self.fail(UpstreamFailed("No answer came in time", "Find out whether it was done before you repeat it."))
            return
        self._over()
        if self.departure is not None:
            self.departure.give_up()
        self.client.refuse(_LATE, head_only=False)

    # -- inside

    def _over(self) -> None:
        self.phase = Phase.OVER
        task, self._task = self._task, None
        if task is not None and task is not asyncio.current_task():
            task.cancel()
        if self._held_size:
            self.take_held()

    def _is_ours(self, error: YettError) -> bool:
        """Whether the wire itself says no. What the checkpoint refused, it has written down."""
        if isinstance(error, UpstreamFailed | StoreUnavailable):
            return False
        return not isinstance(error, Refused) or error.code in _OWN_CODES


_JSON = (("content-type", "application/json"),)
_OWN_CODES = frozenset({"method", "http", "internal"})


def _broken() -> Refused:
    return Refused(Verdict.DENY, "Yett failed inside and refuses", "Tell the person who runs Yett.", code="internal")
