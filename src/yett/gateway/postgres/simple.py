"""A Query (54.2.2) that does not simply pass: one transaction of the wire's own, the agent's, or none."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile

from yett.gateway.postgres import replies
from yett.gateway.postgres.copying import Copying
from yett.gateway.postgres.desk import Bound, Look, Stopped, Told
from yett.gateway.postgres.framing import Requests
from yett.gateway.postgres.guarding import Guarding
from yett.gateway.postgres.lockstep import Group, Lockstep
from yett.gateway.postgres.looking import ENDS, Looking
from yett.gateway.postgres.messages import FAILED, IDLE, IN_TRANSACTION, query
from yett.operations.sql.statement import Control, Statement, Way

_SCRIPT = Told(
    "yett: changes beside COMMIT or ROLLBACK in one text must stand between BEGIN and COMMIT",
    "send them as BEGIN; ...; COMMIT, or one by one",
)
_ACTIVE = replies.ACTIVE_TRANSACTION


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
            several = len(look.statements) > 1
            if several and any(one.control in ENDS for one in look.statements):
                await self._script(look)
            elif several and any(one.defines or one.instead for one in look.statements):
                await self._one_by_one(look.statements)
            else:
                await self._one(look, message)
        except Stopped as stopped:
            await self._guarding.stop(stopped.told)

    async def _one(self, look: Look, message: bytes) -> bool:
        """One statement, or several that are sent as they are. Raises Stopped."""
        group = await self._run(look, message)
        if group is not None and self._guarding.own and look.way is not Way.PASS:
            await (self._guarding.undo_own(group) if group.failed else self._guarding.finish_own())
        return group is not None and not group.failed

    async def _run(self, look: Look, message: bytes) -> Group | None:
        """What the server said to it; None: a COMMIT that was a ROLLBACK instead. Raises Stopped."""
        step, guarding = self._step, self._guarding
        control = look.statements[0].control if look.statements else Control.NONE
        if step.status == FAILED and not _leaves_failure(look):
            raise Stopped(FAILED_TRANSACTION)
        if look.way is Way.PASS:
            await self._looking.decide(look)
            if step.status == IN_TRANSACTION and any(one.defines for one in look.statements):
                await guarding.enter()  # what comes behind it is read with what it makes
            if control in (Control.COMMIT, Control.ROLLBACK):
                return await guarding.end(control, message, chain=look.statements[0].chain)
            group = await self._carried(message, look)
            await self._looking.ran(look, ok=not group.failed)
            return group
        if await guarding.skip(look):
            return Group(done=True)
        if look.way is Way.ALONE:
            return Group(done=True, failed=not await guarding.run_alone(look))
        await guarding.enter()
        if (misnamed := await self._misnamed(look.statements)) is not None:
            return misnamed
        await guarding.admit(look, Bound())
        group = await self._carried(message, look)
        await self._looking.ran(look, ok=not group.failed)
        if group.failed and not guarding.own:
            await guarding.failed(group)
        await guarding.ran()
        return group

    async def _misnamed(self, statements: Sequence[Statement]) -> Group | None:
        """The server's own error to a name that is not there: nobody is asked about a slip of the pen. None: it reads
        the text. What the extended protocol brings has been parsed when it is asked about."""
        first = next((one for one in statements if one.way is not Way.PASS), None)
        if first is None or not first.misnamed:
            return None
        group = await self._step.parsed(first.text)
        if not group.failed:
            return None
        self._step.emit(self._step.error_of(group))
        return group

    async def _carried(self, message: bytes, look: Look) -> Group:
        copies = any(one.copies == "in" for one in look.statements)
        group = self._step.send(message, copies=copies)
        await self._copying.finish(group, self._guarding.copies(look.statements))
        return group

    async def _one_by_one(self, statements: Sequence[Statement]) -> None:
        """A text that defines: each statement is looked at again in its turn, for it may mean something else by then.

        The server would run such a text as one transaction, too (54.2.2.1). What a person has to say is asked of all of
        them before the first runs. Raises Stopped.
        """
        guarding = self._guarding
        _none_alone(statements)
        await guarding.enter()
        try:
            await guarding.begin_text(statements)
            for one in statements:
                group = await self._run(*await self._again(one))
                if group is None or group.failed:
                    if group is not None and guarding.own:
                        await guarding.undo_own(group)
                    return
        finally:
            guarding.end_text()
        if guarding.own:
            await guarding.finish_own()

    async def _script(self, look: Look) -> None:
        """Statement by statement: sound only where no block begins in the middle of a text.

        A server would put what stands before a BEGIN, or behind a COMMIT, into a block of its own (54.2.2.1); only
        reads may stand there, which it makes no difference to. Raises Stopped.
        """
        _none_alone(look.statements)
        inside = self._step.status != IDLE
        for one in look.statements:
            if one.control is Control.BEGIN:
                inside = True
            elif one.control in (Control.COMMIT, Control.ROLLBACK):
                inside = one.chain
            elif (one.way is not Way.PASS or one.defines) and not (inside or one.instead):
                raise Stopped(_SCRIPT)
        guarding = self._guarding
        try:
            for n, one in enumerate(look.statements):
                if not await self._one(*await self._again(one)):
                    return
                if one.control is Control.BEGIN and any(each.defines for each in _block(look.statements[n + 1 :])):
                    await guarding.enter()
                    await guarding.begin_text(_block(look.statements[n + 1 :]))
        finally:
            guarding.end_text()

    async def _again(self, one: Statement) -> tuple[Look, bytes]:
        """A statement of a text by itself, as it is read now, and its message. Raises Stopped."""
        text = one.text.encode()
        alone = await self._looking.look(text)
        _none_alone(alone.statements)
        if len(alone.statements) != 1 or _form(alone.statements[0]) != _form(one):
            raise Stopped(_SCRIPT)
        return alone, query(text)


def _none_alone(statements: Sequence[Statement]) -> None:
    """Raises Stopped, as the server would fail."""
    for one in statements:
        if one.way is Way.ALONE:
            raise Stopped(Told(f"{one.tag} cannot run inside a transaction block", "send it by itself", _ACTIVE))


def _form(one: Statement) -> tuple[object, ...]:
    """What its text alone says, whatever the names in it stand for."""
    return one.text, one.control, one.chain, one.copies, one.prepares, one.executes, one.deallocates


def _block(statements: Sequence[Statement]) -> tuple[Statement, ...]:
    """Those up to the end of the transaction."""
    return tuple(takewhile(lambda one: one.control not in ENDS, statements))


FAILED_TRANSACTION = Told(
    "current transaction is aborted, commands ignored until end of transaction block", "", replies.IN_FAILED_TRANSACTION
)


def _leaves_failure(look: Look) -> bool:
    return bool(look.statements) and look.statements[0].control in (
        Control.COMMIT,
        Control.ROLLBACK,
        Control.ROLLBACK_TO,
    )
