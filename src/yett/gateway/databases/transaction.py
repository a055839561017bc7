"""One transaction of an agent, guarded: measured in itself, decided, its pre-image outside, and only then final."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from yett.checkpoint.record import Pass
from yett.gateway.databases import session_settings
from yett.gateway.databases.attempts import Changed, Ran, measured, planned, reaches_beyond, touched_oids
from yett.gateway.databases.lending import give_back
from yett.gateway.databases.looking import about
from yett.gateway.databases.place import Place
from yett.gateway.databases.seen import stands_for
from yett.gateway.databases.telling import told
from yett.gateway.databases.undo import Capturing, Dumping, Later
from yett.gateway.postgres.desk import Bound, Look, Stopped, Told
from yett.model.effects import Verdict
from yett.model.errors import CredentialRefused, YettError
from yett.model.operation import Rows
from yett.operations.sql.statement import Statement, Way
from yett.providers.postgres.guard.effects import Effects, Unguardable
from yett.providers.postgres.guard.executing import Executing, ServerError
from yett.providers.postgres.guard.guard import Guard
from yett.providers.postgres.guard.restore import settle

T = TypeVar("T")
_log = logging.getLogger("yett.gateway")
_BESIDE = Told(
    "yett: what makes, changes or drops objects cannot stand in one text with other statements",
    "send it by itself; in a transaction if they belong together",
)


@dataclass
class GuardedTransaction:
    """Implements `gateway.postgres.desk.Transaction`; `committed`, `lost` or `rolled_back` ends it."""

    place: Place
    agent: Executing
    guard: Guard
    statements: list[Ran] = field(default_factory=list)
    admitted: list[Pass] = field(default_factory=list)
    dumps: list[Dumping] = field(default_factory=list)
    capture: Capturing | None = None
    guarded: bool = False
    """A statement ran whose effect nobody has decided on yet."""
    likely_held: bool = False
    lent: bool = False
    """The transaction runs as the tables' owner, for the statement that was just admitted."""

    async def begin(self) -> None:
        await _told(self.guard.baseline())

    async def admit(self, look: Look, bound: Bound) -> None:
        place = self.place
        if look.way is Way.DUMP and any(one.way is not Way.DUMP for one in look.statements):
            raise Stopped(_BESIDE)  # it would run with the rights that are lent, and a savepoint would keep them
        settings = await _told(session_settings.changed(place, self.agent))
        ran = [
            Ran(one, tuple(bound.values), prepared, types=bound.types, settings=settings)
            for one, prepared in zip(look.statements, stands_for(look), strict=True)
        ]
        if look.way is Way.GUARD:
            asked = planned(place.session, place.database, ran, place.lease, Later())
            self.likely_held |= await _told(place.checkpoint.ask(asked)) is not Verdict.ALLOW
            self.statements += ran
            self.guarded = True
            return
        undo = Dumping(place, self.agent, self.guard, look.statements) if look.way is Way.DUMP else Later()
        known = await about(place.own, touched_oids(ran), count=look.way is Way.DUMP)
        attempt = planned(place.session, place.database, ran, place.lease, undo, known)
        granted = await _told(place.checkpoint.pass_(attempt))
        self.admitted.append(granted)
        if isinstance(undo, Dumping):
            self.dumps.append(undo)
            await _told(undo.capture(granted.hold))  # a policy may owe no undo: it is dumped all the same
            self.lent = True
        self.statements += ran

    def copying(self, statement: Statement) -> Copying:
        return Copying(self, statement)

    async def ran(self) -> None:
        """The admitted statement has run: what was lent for it goes back."""
        if self.lent:
            self.lent = False
            await _told(give_back(self.agent))

    async def settle(self) -> None:
        await self.ran()
        effects = await _told(self.guard.measure())
        if effects.rewritten and not self.admitted:
            raise Stopped(told(_redefines(effects)))
        changed = [
            Changed(one.oid, Rows(one.label, one.deleted, one.updated, one.inserted))
            for one in effects.tables
            if one.deleted or one.updated or one.inserted
        ]
        if not effects.xid:
            return
        place = self.place
        capture = self.capture = Capturing(place, self.guard, effects)
        hold = self.admitted[0].hold if self.admitted else ""
        if self.guarded or await self._did_more(changed):
            attempt = measured(place.session, place.database, self.statements, changed, place.lease, capture)
            if self.likely_held or reaches_beyond(attempt):  # a person will look at it
                known = await about(place.own, [one.oid for one in changed], count=False)
                attempt = measured(place.session, place.database, self.statements, changed, place.lease, capture, known)
            granted = await _told(place.checkpoint.pass_(attempt))
            self.admitted.append(granted)
            hold = granted.hold
        if not capture.done:  # owed, whatever a policy says: it is what makes the rest of this sound
            await _told(capture.capture(hold))

    async def _did_more(self, changed: Sequence[Changed]) -> bool:
        """Whether rows changed that no statement was asked about: what read as harmless may run what was redefined in
        this very transaction, which no catalog shows yet."""
        if not self.dumps or not changed:
            return False
        catalog = await _told(self.place.catalogs.now())
        return any(one.rows.deleted or one.rows.updated or catalog.relation(one.oid) is not None for one in changed)

    async def committed(self) -> None:
        await self._finish("done")
        if self.dumps:
            self.place.catalogs.defined()

    async def lost(self) -> None:
        """COMMIT was sent and nobody answered: the server itself knows what became of the transaction."""
        became = "unknown"
        if self.capture is not None and self.capture.effects.xid:
            try:
                became = await settle(self.place.own, self.capture.effects.xid)
            except YettError as error:
                _log.warning("what became of a transaction could not be asked: %s", error.what)
        await self._finish({"committed": "done", "aborted": "refused"}.get(became, "unknown"))
        if became == "aborted":
            await self._discarded()

    async def rolled_back(self) -> None:
        await self._finish("refused")
        await self._discarded()

    async def _discarded(self) -> None:
        for undo in (self.capture, *self.dumps):
            if undo is not None:
                await undo.discarded()

    async def _finish(self, outcome: str) -> None:
        for granted in self.admitted:
            try:
                await self.place.checkpoint.finish(granted, outcome, 0)
            except YettError as error:
                _log.error("an outcome was not recorded: %s", error.what)
        self.admitted.clear()


class Copying:
    """The rows of one COPY FROM STDIN: watched, and digested for what is signed."""

    def __init__(self, transaction: GuardedTransaction, statement: Statement) -> None:
        self._transaction = transaction
        self._statement = statement
        self._watched = transaction.place.watch_rows()
        self._digest = hashlib.sha256()

    def feed(self, rows: bytes) -> None:
        try:
            self._watched.feed(rows)
        except CredentialRefused as error:
            place = self._transaction.place
            place.checkpoint.note_refusal(place.session, f"{place.database.name}: rows of a COPY", error, alarm=True)
            raise Stopped(told(error)) from None
        self._digest.update(rows)

    def end(self) -> None:
        ran = self._transaction.statements
        for n, one in enumerate(ran):
            if one.statement is self._statement and not one.copied:
                ran[n] = replace(one, copied=self._digest.hexdigest())
                return
        raise Stopped(Told("yett: rows came for a COPY that was not admitted", "send it again", "57014"))


def _redefines(effects: Effects) -> Unguardable:
    return Unguardable(
        f"it would also rewrite or redefine {', '.join(effects.rewritten[:5])}, which nobody was asked about",
        "send the statement that does it by itself, so that a person can be asked",
    )


async def _told(work: Awaitable[T]) -> T:
    try:
        return await work
    except YettError as error:
        raise Stopped(told(error)) from None
    except ServerError as error:
        raise Stopped(told(Unguardable(f"the database refused to be measured: {error.message}", "try again"))) from None
