"""A Query (54.2.2) that does not simply pass: one transaction of the wire's own, the agent's, or none."""

from __future__ import annotations

from dataclasses import replace

from yett.gateway.postgres import replies
from yett.gateway.postgres.copying import Copying
from yett.gateway.postgres.desk import Bound, Look, Stopped, Told
from yett.gateway.postgres.framing import Requests
from yett.gateway.postgres.guarding import Guarding
from yett.gateway.postgres.lockstep import Group, Lockstep
from yett.gateway.postgres.looking import ENDS, Looking
from yett.gateway.postgres.messages import FAILED, IDLE, query
from yett.operations.sql.statement import Control, Way

_SCRIPT = Told(
    "yett: changes beside COMMIT or ROLLBACK in one text must stand between BEGIN and COMMIT",
    "send them as BEGIN; ...; COMMIT, or one by one",
)


class Simple:
    """Carries out one Query while the server is otherwise idle; ReadyForQuery is the caller's."""

    def __init__(
        self, requests: Requests, looking: Looking, guarding: Guarding, step: Lockstep, copying: Copying
    ) -> None:
        self._requests = requests
        self._looking = looking
        self._guarding = guarding
        self._step = step
        self._copying = copying

    async def run(self, look: Look, message: bytes) -> None:
        """Never raises Stopped: the client is told."""
        try:
            controls = any(one.control in ENDS for one in look.statements)
            if len(look.statements) > 1 and controls:
                await self._script(look)
            else:
                await self._one(look, message)
        except Stopped as stopped:
            await self._guarding.stop(stopped.told)

    async def _one(self, look: Look, message: bytes) -> bool:
        """One statement, or several without transaction control. Raises Stopped."""
        step, guarding = self._step, self._guarding
        control = look.statements[0].control if look.statements else Control.NONE
        if step.status == FAILED and not _leaves_failure(look):
            raise Stopped(FAILED_TRANSACTION)
        if look.way is Way.PASS:
            await self._looking.decide(look)
            if control in (Control.COMMIT, Control.ROLLBACK):
                ended = await guarding.end(control, message, chain=look.statements[0].chain)
                return ended is not None and not ended.failed
            group = await self._carried(message, look)
            self._looking.ran(look, ok=not group.failed)
            return not group.failed
        if look.way is Way.ALONE:
            await guarding.run_alone(look)
            group = await self._carried(message, look)
            await guarding.ran_alone(group, look.statements)
            return not group.failed
        await guarding.enter()
        await guarding.admit(look, Bound())
        group = await self._carried(message, look)
        self._looking.ran(look, ok=not group.failed)
        if group.failed and not guarding.own:
            await guarding.failed(group)
        await guarding.ran()
        if guarding.own:
            await (guarding.undo_own(group) if group.failed else guarding.finish_own())
        return not group.failed

    async def _carried(self, message: bytes, look: Look) -> Group:
        copies = any(one.copies == "in" for one in look.statements)
        group = self._step.send(message, copies=copies)
        await self._copying.finish(group, self._guarding.copies(look.statements))
        return group

    async def _script(self, look: Look) -> None:
        """Statement by statement, each looked at by itself: sound only where no block begins in the middle of a text.

        A server would put what stands before a BEGIN, or behind a COMMIT, into a block of its own (54.2.2.1); only
        reads may stand there, which it makes no difference to. Raises Stopped.
        """
        inside = self._step.status != IDLE
        for one in look.statements:
            if one.control is Control.BEGIN:
                inside = True
            elif one.control in (Control.COMMIT, Control.ROLLBACK):
                inside = one.chain
            elif one.way is not Way.PASS and not inside:
                raise Stopped(_SCRIPT)
        for one in look.statements:
            text = one.text.encode()
            if text not in look.sql:
                raise Stopped(_SCRIPT)
            alone = await self._looking.look(text)
            if len(alone.statements) != 1 or replace(alone.statements[0], text="") != replace(one, text=""):
                raise Stopped(_SCRIPT)
            if not await self._one(alone, query(text)):
                return


FAILED_TRANSACTION = Told(
    "current transaction is aborted, commands ignored until end of transaction block", "", replies.IN_FAILED_TRANSACTION
)


def _leaves_failure(look: Look) -> bool:
    return bool(look.statements) and look.statements[0].control in (
        Control.COMMIT,
        Control.ROLLBACK,
        Control.ROLLBACK_TO,
    )
