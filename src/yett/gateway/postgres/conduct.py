"""Carries out what does not pass at once, message by message, and gives the flow back when nothing hangs on it."""

from __future__ import annotations

from collections.abc import Callable

from yett.gateway.postgres import replies
from yett.gateway.postgres.copying import Copying
from yett.gateway.postgres.desk import Desk, Stopped, Told
from yett.gateway.postgres.extended import Extended
from yett.gateway.postgres.fields import Malformed, query_text
from yett.gateway.postgres.framing import Requests
from yett.gateway.postgres.guarding import Guarding
from yett.gateway.postgres.limits import WireLimits
from yett.gateway.postgres.lockstep import Lockstep
from yett.gateway.postgres.looking import Looking
from yett.gateway.postgres.messages import FUNCTION_CALL, QUERY, TERMINATE
from yett.gateway.postgres.names import Prepared
from yett.gateway.postgres.simple import Simple

_FUNCTION_CALL = Told(
    "yett: the FunctionCall message is never let through",
    "call the function in a SELECT",
    replies.FEATURE_NOT_SUPPORTED,
)


class Conductor:
    """One connection's. `more` lets the client be read again, `left`: it has said goodbye."""

    def __init__(
        self,
        desk: Desk,
        requests: Requests,
        step: Lockstep,
        copying: Copying,
        limits: WireLimits,
        more: Callable[[], None],
        left: Callable[[], None],
    ) -> None:
        self.guarding = Guarding(desk, requests, step, limits)
        self._desk = desk
        self._requests = requests
        self._step = step
        self._copying = copying
        self._more = more
        self._left = left
        self._looking = Looking(desk, requests, self.guarding, Prepared(requests, limits.named_bytes))
        requests.clean = desk.clean
        requests.anew = self._looking.passes_anew
        requests.alike = desk.alike_now
        self._simple = Simple(requests, self._looking, self.guarding, step, copying)
        self._extended = Extended(requests, self._looking, self.guarding, step, copying)

    def forget(self) -> None:
        """The connection has ended."""
        self._requests.forget()
        self._looking.prepared.forget()

    async def run(self) -> None:
        """Until the flow may go on by itself. Raises Malformed: the session ends."""
        requests, extended = self._requests, self._extended
        while requests.held:
            message = requests.take()
            if message is not None:
                await self._take(message)
            elif extended.exact:
                self._more()
                self.guarding.waits = True
                await self._step.news()
                self.guarding.waits = False
                continue
            if extended.at_rest:
                extended.exact = False
                self._flow()

    def _flow(self) -> None:
        self._step.listening = False
        requests = self._requests
        requests.held = False
        if out := requests.feed(b""):
            self._copying.forward(out)
        if requests.closing:
            self._left()

    async def _take(self, message: bytes) -> None:
        kind = message[0]
        if kind == TERMINATE:
            self._left()
        elif kind == QUERY:
            await self._query(message)
        elif kind == FUNCTION_CALL:
            await self._function_call()
        else:
            await self._extended.take(kind, message)

    async def _query(self, message: bytes) -> None:
        requests, step, looking = self._requests, self._step, self._looking
        sql = query_text(message)
        if self._extended.skipping:
            return  # the server, too, would skip it: there was an ERROR, and no Sync yet
        if self._extended.exact:
            raise Malformed("a Query before the Sync of what went before it")
        if requests.open and await step.quiet():
            self._extended.exact = self._extended.skipping = True
            return
        try:
            if self._desk.uncommitted:  # it is asked for over the agent's own connection
                await step.quiet()
            look = await looking.look(sql)
            if looking.plain(look) and not (looking.controls(look) and requests.guarding):
                await looking.decide(look)
                requests.learn(sql, looking.controls(look))
                step.listening = False
                requests.due += 1
                self._copying.forward(message)
                return
            requests.plain.pop(sql, None)
        except Stopped as stopped:
            await step.quiet()
            await self.guarding.stop(stopped.told)
        else:
            await step.quiet()
            if any(one.executes for one in look.statements):
                # What it runs hangs on what was still under way when it was looked at.
                await self._look_again(sql, message)
            else:
                await self._simple.run(look, message)
        self._copying.say(replies.ready(step.status))

    async def _look_again(self, sql: bytes, message: bytes) -> None:
        try:
            look = await self._looking.look(sql)
        except Stopped as stopped:
            await self.guarding.stop(stopped.told)
        else:
            await self._simple.run(look, message)

    async def _function_call(self) -> None:
        if self._extended.exact or self._requests.open:
            raise Malformed("a FunctionCall before the Sync of what went before it")
        await self._step.quiet()
        self._desk.refused(_FUNCTION_CALL, "a FunctionCall")
        await self.guarding.stop(_FUNCTION_CALL)
        self._copying.say(replies.ready(self._step.status))
