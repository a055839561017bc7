"""One transaction of an agent, guarded: measured in itself, decided, its pre-image outside, and only then final."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeVar

from yett.approvals.facts import exceeded
from yett.checkpoint.record import OVER_BUDGET, TAKEN_BACK, Pass
from yett.gateway.databases.guarded.admitted import Admitted
from yett.gateway.databases.guarded.ahead import Ahead
from yett.gateway.databases.guarded.made import grant_made
from yett.gateway.databases.guarded.new import New
from yett.gateway.databases.guarded.reserving import Reserved
from yett.gateway.databases.guarded.trial import guess
from yett.gateway.databases.guarded.trying import Trying
from yett.gateway.databases.guarded.uncommitted import Uncommitted
from yett.gateway.databases.lending import give_back
from yett.gateway.databases.place import Place
from yett.gateway.databases.shown.looking import About
from yett.gateway.databases.shown.reached import via
from yett.gateway.databases.shown.showing import both, shown
from yett.gateway.databases.statements.attempts import (
    NO_GUESS,
    Changed,
    Ran,
    digest_of,
    measured,
    planned,
    reaches_beyond,
    touched_oids,
)
from yett.gateway.databases.statements.by_themselves import forms
from yett.gateway.databases.statements.copying import Copying
from yett.gateway.databases.statements.plans import Plan, needs_plan
from yett.gateway.databases.statements.running import Running
from yett.gateway.databases.telling import stopping, told
from yett.gateway.databases.undos.redefining import Redefining
from yett.gateway.databases.undos.undo import Capturing, Dumping, Later, Named
from yett.gateway.databases.undos.xacts import OUTCOMES, ended
from yett.gateway.postgres.catalog_inside import Batching
from yett.gateway.postgres.desk import Bound, Look, Stopped, Told
from yett.model.decision import Refused
from yett.model.effects import Effect, Verdict
from yett.model.errors import YettError
from yett.model.operation import Attempt, Rows
from yett.operations.sql.statement import Control, Statement, Way
from yett.providers.postgres.guard.effects import Effects, Unguardable
from yett.providers.postgres.guard.guard import Guard
from yett.providers.postgres.guard.restore import Settled

ANY = ""
_MAKES = frozenset(
    ("CREATE TABLE", "CREATE INDEX", "CREATE SEQUENCE", "CREATE TYPE", "CREATE DOMAIN", "DROP INDEX", "COMMENT")
)
"""Definitions that leave the names and rows of all that was there as they are."""

T = TypeVar("T")
_log = logging.getLogger("yett.gateway")


@dataclass
class GuardedTransaction:
    """Implements `gateway.postgres.desk.Transaction`; `committed`, `lost` or `rolled_back` ends it."""

    place: Place
    agent: Batching
    guard: Guard
    uncommitted: Uncommitted
    statements: list[Ran] = field(default_factory=list)
    capture: Capturing | None = None
    guarded: bool = False
    """A statement ran whose effect nobody has decided on yet."""
    likely_held: bool = False
    touched: int | None = None
    """As the guard had counted before the statement that was just admitted, which names no row."""
    lent_for: tuple[Statement, ...] = ()
    lent: bool = False
    """The transaction runs as the tables' owner, for the statement that was just admitted."""
    plan: Plan | None = None
    """The text that was asked about as a whole: `signed` is what let it pass."""
    planning: bool = False
    """The statements of that text are running."""
    signed: Pass | None = None
    waits: bool = False
    """A person must look at something in it, so what was approved in it never becomes final now."""

    def __post_init__(self) -> None:
        self.admitted = Admitted(self.place, self.guard)
        self.running = Running(self.place, self.agent, self.guard)
        self.new = New(self.place)
        self.reserved = Reserved(self.place)
        self.redefining = Redefining(self.place, self.guard)
        self.trying = Trying(self.place, self.agent)
        self.ahead = Ahead(self.place, self.guard, self.admitted)

    async def begin(self) -> None:
        await stopping(self.guard.baseline())

    async def begin_text(self, statements: Sequence[Statement]) -> None:
        """Before the first statement of a text that holds several, sent one by one: a person is asked here, once."""
        if not needs_plan(statements) or self.plan is not None:
            return
        place = self.place
        ran = await stopping(self.running.text(statements))
        defining = [one for one in statements if one.way is Way.DUMP and not one.schemas]
        undo = await self._dumping(defining) if defining else Named(place, self.guard)
        known = await shown(place, touched_oids(ran), count=True)
        attempt = planned(place.session, place.database, ran, place.lease, undo, known)
        if isinstance(undo, Dumping):
            self.admitted.dumping(undo)
        self.signed = await self._let(place.checkpoint.pass_(attempt))
        self.admitted.passes.append(self.signed)
        most = {rows.table: rows.most() for operation in attempt.operations for rows in operation.rows}
        self.plan = Plan(tuple(statements), most, alone=not self.guarded and not any(one.copies for one in statements))
        self.planning = True
        if isinstance(undo, Dumping):
            await self._dump(undo, self.signed)
            await stopping(give_back(self.agent))

    def end_text(self) -> None:
        """What comes behind it is asked about by itself."""
        self.planning = False

    async def admit(self, look: Look, bound: Bound) -> None:
        self.trying.nothing()
        self.new.has_run()
        ran = await stopping(self.running.looked_at(look, bound))
        self.lent_for = ()
        planned_for = await self._planned(look)
        if planned_for and self.signed is not None:
            self.admitted.uses(self.signed)
        if look.way is Way.GUARD:
            await self._admit_guarded(ran, planned_for=planned_for)
            return
        if any(one.redefines for one in look.statements):
            await stopping(self.guard.before_redefining())
        dumping = look.way is Way.DUMP
        if dumping and not planned_for and await self._let(self.new.may_wait(ran)):
            await stopping(Dumping(self.place, self.agent, self.guard, look.statements, self.redefining).lend())
            self.lent, self.lent_for = True, look.statements
            self.new.runs(ran)
            self.statements += ran
            return
        undo = await self._dumping(look.statements) if dumping else Named(self.place, self.guard)
        if isinstance(undo, Dumping):
            self.admitted.dumping(undo)
        granted = self.signed
        if granted is None or not planned_for:
            granted = await self._asked(ran, undo)
            if self.plan is not None:
                self.plan.alone = False
        if isinstance(undo, Dumping):
            await self._dump(undo, granted)
            self.lent, self.lent_for = True, look.statements
        self.statements += ran

    async def _dumping(self, statements: Sequence[Statement]) -> Dumping:
        undo = Dumping(self.place, self.agent, self.guard, statements, self.redefining)
        await stopping(self.ahead.look(undo))
        self.waits |= self.ahead.late
        await stopping(undo.look())
        return undo

    async def _dump(self, undo: Dumping, granted: Pass) -> None:
        """A policy may owe no undo: it is dumped all the same. Raises Stopped."""
        await stopping(undo.capture(granted.hold))
        self._must_be_signed(granted, list(undo.counted(self.admitted.dumps)), others=True)

    async def _planned(self, look: Look) -> bool:
        """Whether it was asked about with the text that it stands in."""
        if self.plan is None:
            return False
        if not self.planning:
            self.plan.alone = False
            return False
        made = await stopping(self.running.made_of(look.statements))
        return all(self.plan.covers(one, made) for one in look.statements)

    @property
    def _has_defined(self) -> bool:
        return bool(self.admitted.dumps or self.new.ran)

    def defined(self) -> None:
        """What comes behind it is read against a catalog that has what this transaction defined."""
        defining = (one.statement for one in self.statements if one.statement.defines)
        self.uncommitted.changed(self.agent, renames=not all(one.tag in _MAKES for one in defining))

    async def _let(self, work: Awaitable[T]) -> T:
        try:
            return await work
        except Refused as error:
            self.waits |= error.verdict is Verdict.HOLD or error.code == OVER_BUDGET
            raise Stopped(told(error)) from None
        except YettError as error:
            raise Stopped(told(error)) from None

    async def _admit_guarded(self, ran: list[Ran], *, planned_for: bool) -> None:
        """It runs, and is decided by what it did. One that could not be measured in time is decided before it runs."""
        place = self.place
        if planned_for and self.signed is not None and self.signed.hold:  # no trial: it was decided before it runs
            self.statements += ran
            self.guarded = self.likely_held = True
            return
        request = digest_of(ran)
        asked = planned(place.session, place.database, ran, place.lease, Later())
        held = await self._let(place.checkpoint.ask(asked)) is not Verdict.ALLOW
        held = held or any(one.statement.unbounded for one in ran)
        if (held or request in place.tried.slow) and self.trying.may_be_slow(ran):
            await self._asked(ran, Named(place, self.guard), too_slow=True)
            await self.trying.release()
            self.statements += ran
            return
        self.likely_held |= held
        if any(one.statement.unbounded for one in ran):
            self.touched = await stopping(self.guard.touched())
        if not any(one.statement.copies for one in ran):  # how long those take is their client's affair
            # What was approved may be all of the agent's transaction, of which this is one statement.
            is_trial = held and not self.trying.approved(ANY)
            await self.trying.begin(ran, is_trial=is_trial, guesses=not self._has_defined)
        self.statements += ran
        self.guarded = True

    async def _asked(self, ran: list[Ran], undo: Named | Dumping, *, too_slow: bool = False) -> Pass:
        """Permission before it runs, on what can be known of it within a second. Raises Stopped."""
        place = self.place
        dumps = isinstance(undo, Dumping)
        looked = shown(place, touched_oids(ran), count=dumps)
        known: Mapping[int, About]
        guessed: Mapping[int, int]
        if dumps or self._has_defined:
            known, guessed = await looked, NO_GUESS
        else:
            known, guessed = await stopping(both(looked, guess(place, self.agent, ran)))
        counted = place.tried.counted.get(digest_of(ran), ())
        attempt = planned(
            place.session, place.database, ran, place.lease, undo, known, guessed, counted, too_slow=too_slow
        )
        granted = await self._let(place.lasting.passed(attempt, ran, place.checkpoint))
        self.admitted.passes.append(granted)
        return granted

    def copying(self, statement: Statement) -> Copying:
        return Copying(self.place, self.statements, statement)

    async def ran(self) -> None:
        """The admitted statement has run: what was lent for it goes back, and its limits."""
        self.trying.nothing()
        self.new.has_run()
        if self.touched is not None:
            self.statements[-1] = replace(
                self.statements[-1], few=await stopping(self.guard.touched()) <= self.touched + 1
            )
            self.touched = None
        if self.lent:
            self.lent = False
            await stopping(grant_made(self.place, self.agent, self.guard, self.lent_for))
            await stopping(give_back(self.agent))
        await self.trying.ran()

    @property
    def may_be_replaced(self) -> bool:
        return self.trying.is_trial

    async def failed(self, sqlstate: str) -> Told | None:
        self.new.runs(())
        return await self.trying.failed(sqlstate)

    async def marked(self, control: Control, savepoint: str, *, just_now: bool) -> None:
        self.new.marked(control, savepoint)
        await stopping(self.admitted.marked(control, savepoint, just_now=just_now))

    async def settle(self) -> None:
        await self.ran()
        effects = await stopping(self.guard.measure())
        admitted = self.admitted
        if effects.rewritten and not (admitted.passes or admitted.undone):  # a rolled back definition is counted, too
            await self._must_only_be_new(effects)
        if not effects.xid:
            return
        place = self.place
        changed = await self._changed(effects)
        capture = self.capture = Capturing(place, self.guard, effects, self.statements)
        hold = admitted.passes[0].hold if admitted.passes else ""
        if self.guarded or await self._did_more(changed):
            adds_up = await self.reserved.adds_up(changed)
            made = await stopping(self.running.made_here(one.oid for one in changed))
            ask = partial(measured, place.session, place.database, lease=place.lease, undo=capture, made=made)
            attempt = ask(self.statements, changed, adds_up=adds_up)
            if self.likely_held or reaches_beyond(attempt):  # a person will look at it
                signed = await self._let(forms(place, self.statements, changed, ask, adds_up=adds_up))
                known = await shown(place, [one.oid for one in changed], count=False)
                attempt = ask(signed, changed, known=known, adds_up=adds_up)
            granted = await self._let(self._let_pass(attempt, changed, made))
            admitted.passes.append(granted)
            hold = granted.hold or hold
        elif not admitted.dumps:
            for granted in admitted.passes:
                self._must_be_signed(granted, [one.rows for one in changed])
        if self.new.ran:
            granted = await self._let(self.new.let(capture.xact))
            admitted.passes.append(granted)
            hold = granted.hold or hold
        schemas = [schema for one in self.statements for schema in one.statement.schemas]
        await stopping(self.redefining.keep(effects, admitted.dumps, schemas, hold))
        if not capture.done:  # owed, whatever a policy says: it is what makes the rest of this sound
            await stopping(capture.capture(hold))
        only_rows = not self.new.ran and all(one.takes_only_rows for one in admitted.dumps)
        for dumped in admitted.dumps:
            await stopping(dumped.settled(capture.xids, only_rows=only_rows))

    async def _must_only_be_new(self, effects: Effects) -> None:
        """Nobody was asked before it ran: it may have redefined nothing that was there. Raises Stopped."""
        if not self.new.some:
            raise Stopped(told(_redefines(effects.rewritten)))
        changes = await stopping(self.guard.changes(effects, ()))
        if found := (*(one.what.label for one in changes.kept if one.before is not None), *changes.unkept):
            raise Stopped(told(_redefines(found)))

    async def _let_pass(self, attempt: Attempt, changed: Sequence[Changed], made: Collection[int]) -> Pass:
        """A person who has signed the text as a whole is not asked again for what lies within it. Raises YettError."""
        checkpoint = self.place.checkpoint
        if self.plan is None or self.signed is None:
            return await checkpoint.pass_(attempt)
        if self.plan.allows(changed, made):
            return await checkpoint.also(attempt, self.signed)
        return await checkpoint.pass_(attempt)

    async def _changed(self, effects: Effects) -> list[Changed]:
        """With how each table came to it, and what the task did to it before."""
        rows = {
            one.oid: Rows(one.label, one.deleted, one.updated, one.inserted)
            for one in self.guard.left(effects)
            if one.deleted or one.updated or one.inserted
        }
        named = frozenset[int]().union(*(one.statement.named for one in self.statements))
        if rows.keys() <= named:
            return [Changed(oid, one) for oid, one in rows.items()]
        catalog = await stopping(self.place.catalogs.now())
        return [Changed(oid, replace(one, via=via(oid, named, rows, catalog))) for oid, one in rows.items()]

    def _must_be_signed(self, granted: Pass, rows: Sequence[Rows], *, others: bool = False) -> None:
        """Raises Stopped: it did more than the people who signed for it were shown."""
        if not granted.hold or not granted.attempt.operations:
            return
        try:
            signed = self.place.checkpoint.signed(granted.hold)
        except YettError as error:
            raise Stopped(told(error)) from None
        unread = any(operation.effect is Effect.UNKNOWN for operation in granted.attempt.operations)
        if more := exceeded(signed, rows, others=others or unread):
            self.place.tried.did(granted.attempt.request_digest, tuple(rows))
            hint = "nothing of it has become final; send it again, and people are asked with what was counted"
            raise Stopped(Told(f"yett: it did more than was signed for: {'; '.join(more[:3])}", hint))

    async def _did_more(self, changed: Sequence[Changed]) -> bool:
        """Whether rows changed that no statement was asked about: what read as harmless may run what was redefined in
        this very transaction, which no catalog shows yet."""
        if not self.admitted.dumps or not changed:
            return False
        catalog = await stopping(self.place.catalogs.now())
        return any(one.rows.deleted or one.rows.updated or catalog.relation(one.oid) is not None for one in changed)

    async def committed(self) -> None:
        self.reserved.final(signed=any(granted.hold for granted in self.admitted.passes))
        await self._finish("done")
        if self._has_defined:
            self.place.catalogs.defined()

    async def lost(self) -> None:
        """COMMIT was sent and nobody answered: the server itself knows what became of the transaction. Where it cannot
        be asked now, `Settling` asks later."""
        became: Settled = "unknown"
        if self.capture is not None and self.capture.effects.xid:
            try:
                became = await ended(self.place, self.agent.pid, self.capture.effects.xid)
            except YettError as error:
                _log.warning("what became of a transaction could not be asked: %s", error.what)
        await self._finish(OUTCOMES.get(became, "unknown"))
        if became == "aborted":
            self.reserved.take_back()
            await self._discarded()

    async def rolled_back(self) -> None:
        self.reserved.take_back()
        await self._finish(TAKEN_BACK if self.waits else "refused")
        await self._discarded()

    async def _discarded(self) -> None:
        for undo in (self.capture, self.redefining, *self.admitted.dumps):
            if undo is not None:
                await undo.discarded()

    async def _finish(self, outcome: str) -> None:
        self.uncommitted.over()
        await self.admitted.finish(outcome, self.capture, self.redefining)


def _redefines(what: Sequence[str]) -> Unguardable:
    return Unguardable(
        f"it would also rewrite or redefine {', '.join(what[:5])}, which nobody was asked about",
        "send the statement that does it by itself, so that a person can be asked",
    )
