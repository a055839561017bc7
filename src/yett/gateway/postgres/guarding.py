"""The guarded transaction of one connection: the wire's own, or the agent's from its first write on.

Everything here happens while the server is idle between two groups of messages.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator, Sequence
from typing import Any, TypeVar

from yett.gateway.postgres import replies
from yett.gateway.postgres.desk import Alone, Answer, Bound, Copy, Desk, Look, Notice, Stopped, Told, Transaction
from yett.gateway.postgres.fields import Malformed
from yett.gateway.postgres.framing import Requests
from yett.gateway.postgres.held import Held
from yett.gateway.postgres.idleness import Idleness
from yett.gateway.postgres.limits import WireLimits
from yett.gateway.postgres.lockstep import Group, Lockstep
from yett.gateway.postgres.logins.login import said
from yett.gateway.postgres.meaning import ASKED, Meaning
from yett.gateway.postgres.messages import FAILED, IDLE, IN_TRANSACTION
from yett.operations.sql.statement import Control, Statement, Way

T = TypeVar("T")

# What is logged as done is on disk, whatever the database, the role, a trigger or a block has set: right before COMMIT.
_DURABLE = (
    "SELECT pg_catalog.set_config('synchronous_commit', 'on', true)"
    " WHERE pg_catalog.current_setting('synchronous_commit') OPERATOR(pg_catalog.=) 'off'"
)
_ENDED = (b"COMMIT", b"ROLLBACK")
# The server refuses it and fails the transaction, whatever rights the role has; the client reads the gate's own words.
_FAIL = "RELEASE SAVEPOINT _yett_refused_this_statement"


class Guarding:
    """`own`: the wire has begun the transaction and ends it, and answers are held. `transaction`: the desk watches.
    `waits`: a unit of messages has begun, and the client is to send its rest.
    """

    def __init__(self, desk: Desk, requests: Requests, step: Lockstep, limits: WireLimits) -> None:
        self.desk = desk
        self.own = False
        self.committing = False
        self.waits = False
        self.meaning = Meaning()
        self.idleness = Idleness(limits.idle_seconds, lambda: requests.heard, self._busy)
        self.transaction: Transaction | None = None
        self.alone: Alone | None = None
        self._requests = requests
        self._step = step
        self._limits = limits
        self._defines = False
        self._holds_back = False
        self._asked: asyncio.Task[Any] | None = None
        self._noting: asyncio.Task[None] | None = None
        self._canceled = False

    # ---- asking

    async def asking(self, work: Coroutine[Any, Any, T]) -> T:
        """Wait for what a person may have to decide. The client may cancel it. Raises Stopped."""
        asked: asyncio.Task[T] = asyncio.ensure_future(work)
        self._asked = asked
        try:
            return await asked
        except asyncio.CancelledError:
            if not self._canceled:
                raise
            raise Stopped(Told("canceling statement due to user request", "", replies.CANCELED)) from None
        finally:
            self._asked, self._canceled = None, False

    def cancel(self) -> bool:
        """The client's cancel request, while a person is asked or something runs elsewhere. False: neither is so."""
        if self.alone is not None:
            self.alone.cancel()
            return True
        if self._asked is None:
            return False
        self._canceled = True
        self._asked.cancel()
        return True

    # ---- in

    async def enter(self) -> None:
        """Before a statement that is no proven read: a transaction, watched from here on. Raises Stopped."""
        if not self.meaning.is_known:
            await self._look_what_it_means()
        if self._step.status == IDLE:
            begun = await self._step.own("BEGIN")
            if begun.failed or self._step.status != IN_TRANSACTION:
                raise Stopped(_told(begun))
            self.own = True
            self._step.held = Held(self._limits.held)
        if self.transaction is None:
            transaction = self.desk.transaction(self._step)
            await transaction.begin()
            self.transaction = transaction
            self._requests.guarding = True
            self.idleness.watch()

    def _busy(self) -> bool:
        """Whether the client waits for something."""
        requests = self._requests
        return bool(requests.due or self._asked is not None or (requests.held and not self.waits))

    async def begin_text(self, statements: Sequence[Statement]) -> None:
        """Ask once for a text whose statements are admitted one by one. Raises Stopped."""
        assert self.transaction is not None
        await self.asking(self.transaction.begin_text(statements))

    def end_text(self) -> None:
        if self.transaction is not None:
            self.transaction.end_text()

    def defined(self) -> None:
        """In the open transaction, by what has just run."""
        if self.transaction is not None:
            self._defines = True
            self.transaction.defined()

    async def admit(self, look: Look, bound: Bound) -> None:
        """Raises Stopped."""
        assert self.transaction is not None
        if any(one.redefines for one in look.statements):
            await self._step.close_unnamed()
        await self.asking(self.transaction.admit(look, bound))
        self._defines |= any(one.defines for one in look.statements)
        if self._step.held is None and self.transaction.may_be_replaced:
            self._step.held, self._holds_back = Held(self._limits.held), True

    def copies(self, statements: Sequence[Statement]) -> Iterator[Copy]:
        """Who sees the rows of each COPY FROM STDIN in them. Nobody where no transaction is watched."""
        for one in statements:
            if one.copies == "in" and self.transaction is not None:
                yield self.transaction.copying(one)

    async def ran(self) -> None:
        """After statements that are no proven reads. Raises Stopped; Malformed: the session ends."""
        self._show()
        if self._step.status != IN_TRANSACTION:
            return
        if self.transaction is not None:
            await self.transaction.ran()
        if not self.own:  # else when it is final: what a trigger sets for its transaction alone is gone then
            await self._look_what_it_means()

    async def marked(self, statement: Statement, *, just_now: bool) -> None:
        """SAVEPOINT, RELEASE or ROLLBACK TO has run; `just_now`: nothing since. Raises Stopped."""
        if self.transaction is not None:
            await self.transaction.marked(statement.control, statement.savepoint, just_now=just_now)

    # ---- out

    async def finish_own(self) -> None:
        """COMMIT of the wire's own transaction; the client sees its answers, or why there are none."""
        if (held := self._step.held) is not None and held.spilled:
            size = self._limits.held >> 20
            hint = "run it between a BEGIN and a COMMIT of your own, or without so much RETURNING"
            told = Told(f"yett: its answer is larger than the {size} MB that can wait for COMMIT", hint)
            await self.stop(Told(told.message, told.hint, replies.PROGRAM_LIMIT))
            return
        try:
            await self._settle()
        except Stopped as stopped:
            await self.stop(stopped.told)
            return
        self.committing = True
        self._step.send_own(_DURABLE)
        commit = self._step.send_own("COMMIT")
        meaning = self._step.send_own(ASKED)
        await self._step.finished(commit)
        self.committing = self.own = False
        committed = not commit.failed and commit.tag == b"COMMIT"
        await self.over(committed=committed)
        if committed:
            self._step.let_go()
        self._step.held = None
        if not committed:
            self._step.emit(self._step.error_of(commit) or replies.error(_told(commit)))
        await self._step.finished(meaning)
        self.meaning.must_be(meaning.rows[0] if meaning.rows else None)

    def keep_open(self) -> None:
        """The agent has said BEGIN in the wire's own transaction: from here on it is the agent's."""
        self.own = False
        self._step.let_go()
        self._step.held = None

    async def undo_own(self, failed: Group) -> None:
        """ROLLBACK of the wire's own transaction after the server's ERROR, which the client sees."""
        transaction = self.transaction
        await self._roll_back()
        held, self._step.held = self._step.held, None
        instead = await transaction.failed(said(failed.error[5:])[1]) if transaction is not None else None
        if instead is not None:
            self._step.emit(replies.error(instead))
        elif held is not None:
            self._step.emit(failed.shown if held.spilled else held.release())

    async def failed(self, failed: Group) -> None:
        """The server's ERROR to what was admitted last, in the agent's own transaction."""
        if not self._holds_back or self.transaction is None:
            return
        self._holds_back = False
        held, self._step.held = self._step.held, None
        instead = await self.transaction.failed(said(failed.error[5:])[1])
        if instead is not None and instead.hold:
            await self._leave_failed()
        if instead is not None:
            self._step.emit(replies.error(instead))
        elif held is not None:
            self._step.emit(failed.shown if held.spilled else held.release())

    async def end(self, control: Control, message: bytes, *, chain: bool) -> Group | None:
        """The agent's own COMMIT or ROLLBACK (`message`, with its Sync); None: it was rolled back instead."""
        if control is Control.COMMIT and self.transaction is not None and self._step.status == IN_TRANSACTION:
            try:
                await self._settle()
            except Stopped as stopped:
                await self._roll_back()
                self._step.held = None
                self._step.emit(replies.error(stopped.told))
                return None
            self.committing = True
            self._step.send_own(_DURABLE)
        group = await self._step.finished(self._step.send(message))
        # A Bind that failed ends nothing, nor does a portal that was closed and declared anew by SQL.
        if self._step.status != IDLE and (group.failed or not chain or group.tag not in _ENDED):
            raise Malformed("a transaction did not end as it was told to")
        self.committing = self.own = False
        await self.over(committed=not group.failed and group.tag == b"COMMIT")
        self._step.let_go()
        self._step.held = None
        return group

    async def stop(self, told: Told) -> None:
        """Refuse: the client gets an ERROR, its transaction is over (the wire's own) or failed (the agent's)."""
        if self.own:
            await self._roll_back()
            self._step.held = None
        elif self._step.status == IN_TRANSACTION and told.hold:
            await self._leave_failed()
        elif self._step.status == IN_TRANSACTION:
            refused = await self._step.own(_FAIL)
            if not refused.failed or self._step.status != FAILED:
                raise Malformed("a refused statement's transaction could not be failed")
        self._step.emit(replies.error(told))

    async def over(self, *, committed: bool) -> None:
        """The transaction has ended, one way or the other."""
        transaction, defines = self.transaction, self._defines
        self.transaction, self._defines = None, False
        self.idleness.end()
        self._requests.guarding = False
        if committed and defines:
            self.desk.defined()
        if transaction is not None:
            await self._noted(transaction.committed() if committed else transaction.rolled_back())

    async def lost(self) -> None:
        """The connection has ended; whatever was open is rolled back by the server, but for a COMMIT on its way."""
        self.idleness.end()
        if self._noting is not None:
            await self._noting
        if self.alone is not None:
            await self.alone.lost()
        if self.transaction is not None:
            await (self.transaction.lost() if self.committing else self.transaction.rolled_back())
            self.transaction = None

    # ---- statements that no transaction takes

    async def run_alone(self, look: Look) -> bool:
        """Ask, and have it run; whether it did without an error, which the client sees. Raises Stopped."""
        if len(look.statements) != 1:
            raise Stopped(
                Told("yett: this statement must be sent by itself", "send it alone", replies.ACTIVE_TRANSACTION)
            )
        if self._step.status != IDLE or self.own:
            what = f"{look.statements[0].tag} cannot run inside a transaction block"
            raise Stopped(Told(what, "end the transaction first", replies.ACTIVE_TRANSACTION))
        self.alone = await self.asking(self.desk.alone(look))
        try:
            answer = await self.alone.run()
        except Stopped:
            self.alone = None
            raise
        self.alone = None
        self._step.emit(replies.answered(answer))
        self.desk.defined()
        return answer.error is None

    async def skip(self, look: Look) -> bool:
        """Whether it does nothing: the client reads why, and the server nothing, or another text. Raises Stopped."""
        if len(look.statements) != 1 or not look.statements[0].skipped:
            return False
        one = look.statements[0]
        await self.desk.skip(look)
        if one.instead and (sent := await self._step.own(one.instead)).failed:
            raise Stopped(_told(sent))
        says = tuple(Notice("NOTICE", Told(message, "", sqlstate)) for sqlstate, message in one.skipped)
        self._step.emit(replies.answered(Answer(one.tag, says)))
        return True

    # ---- inside

    async def _noted(self, noting: Coroutine[Any, Any, None]) -> None:
        """What the server has said is written down also when the connection ends meanwhile."""
        self._noting = asyncio.ensure_future(noting)
        await asyncio.shield(self._noting)
        self._noting = None

    async def _settle(self) -> None:
        assert self.transaction is not None
        await self.transaction.settle()
        if self._step.status != IN_TRANSACTION:
            raise Malformed("a transaction ended while it was settled")

    async def _roll_back(self) -> None:
        await self._step.own("ROLLBACK")
        if self._step.status != IDLE:
            raise Malformed("a transaction could not be rolled back")
        self.own = False
        await self.over(committed=False)

    async def _leave_failed(self) -> None:
        """No lock waits for a person: what the agent's transaction did is rolled back, savepoints and all, and it has
        failed. The agent ends it itself."""
        await self._roll_back()
        await self._step.own("BEGIN")
        await self._step.own(_FAIL)
        if self._step.status != FAILED:
            raise Malformed("a held transaction could not be failed")

    def _show(self) -> None:
        """What was held back of an agent's own transaction may be seen. Raises Stopped: there is too much of it."""
        if not self._holds_back:
            return
        self._holds_back = False
        held, self._step.held = self._step.held, None
        if held is not None and held.spilled:
            hint = "run it without so much RETURNING: it waits for a person anyway"
            raise Stopped(Told("yett: its answer is larger than what can wait", hint, replies.PROGRAM_LIMIT))
        if held is not None and (answers := held.release()):
            self._step.emit(answers)

    async def _look_what_it_means(self) -> None:
        group = await self._step.own(ASKED)
        self.meaning.must_be(group.rows[0] if group.rows else None)


def _told(group: Group) -> Told:
    text, sqlstate = said(group.error[5:]) if group.error else ("the transaction was rolled back", "40000")
    return Told(text, "", sqlstate)


def guarded(look: Look) -> bool:
    """Whether it runs in a guarded transaction."""
    return look.way in (Way.GUARD, Way.ASK, Way.DUMP)
