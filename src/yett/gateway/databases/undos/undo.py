"""The undo of a database's transaction: rows or definitions as they were, in the keep before the act becomes final."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Iterator, Sequence

from yett.gateway.databases.lending import give_back, lend, owners
from yett.gateway.databases.place import Place
from yett.gateway.databases.statements.attempts import Ran
from yett.gateway.databases.undos.aims import aims_of
from yett.gateway.databases.undos.keeping import discard, keep_undo
from yett.gateway.databases.undos.redefining import (
    ADDED,
    DUMPED,
    Redefining,
    may_redefine,
    plan_with_a_dump,
    plan_without_a_dump,
)
from yett.gateway.databases.undos.undone import all_undone
from yett.gateway.databases.undos.xacts import Xact
from yett.gateway.postgres.catalog_inside import Batching
from yett.model.canonical import Json
from yett.model.errors import YettError
from yett.model.operation import Rows
from yett.model.undo import UndoPlan, UndoRecord
from yett.operations.sql.statement import Statement, Verb
from yett.providers.postgres.guard.captured import Captured
from yett.providers.postgres.guard.dumps.as_left import AS_LEFT_BY, as_left_by
from yett.providers.postgres.guard.dumps.dumped import SETTLED, DumpedTable, Key, settling
from yett.providers.postgres.guard.effects import Effects, Unguardable
from yett.providers.postgres.guard.executing import ServerError
from yett.providers.postgres.guard.guard import Guard
from yett.providers.postgres.guard.rows.chain import Undone

_log = logging.getLogger("yett.gateway")

ROWS = "the rows as they were, kept before COMMIT"
_TRUNCATE = "TRUNCATE TABLE"
_COUNTED = frozenset({Verb.DROP, Verb.TRUNCATE, Verb.ALTER})


class Later:
    """What is promised when a statement is asked about, before anything has run."""

    plan = UndoPlan(True, ROWS, ())
    xact = ""

    async def capture(self, hold: str) -> UndoRecord | None:
        return None


class Named:
    """Of a statement whose effect nobody knows: the rows are kept at COMMIT, but the server can be asked from now on
    what became of the transaction."""

    plan = Later.plan

    def __init__(self, place: Place, guard: Guard) -> None:
        self.xact = ""
        self._place = place
        self._guard = guard

    async def capture(self, hold: str) -> UndoRecord | None:
        """Raises YettError, ServerError."""
        self.xact = str(Xact(self._place.database.id, await self._guard.identify()))
        return None


class Capturing:
    """Of what a transaction changed, row by row. Without rows it is only proven that all else was dumped."""

    def __init__(self, place: Place, guard: Guard, effects: Effects, statements: Sequence[Ran]) -> None:
        self.done = False
        self.xids: tuple[int, ...] = ()
        self.plan = UndoPlan(True, ROWS, effects.gaps)
        self.effects = effects
        self.xact = str(Xact(place.database.id, effects.xid))
        self.kept: UndoRecord | None = None
        self._place = place
        self._guard = guard
        self._statements = statements

    async def capture(self, hold: str) -> UndoRecord | None:
        aims = aims_of(self._statements)
        async with await self._place.undos.begin(self._place.session.task.id) as making:
            captured = await self._guard.capture(self.effects, making, aims)
            self.done, self.xids = True, captured.xids
            if not captured.tables:
                return None
            self.kept = await keep_undo(self._place, making, captured, ROWS, hold, _rows(self.effects))
        return self.kept

    async def discarded(self) -> None:
        await discard(self._place, self.kept)


class Dumping:
    """Of what a statement is about to destroy or redefine: locked, dumped, and only then let run."""

    plan = UndoPlan(True, DUMPED, ())

    def __init__(
        self,
        place: Place,
        agent: Batching,
        guard: Guard,
        statements: Sequence[Statement],
        redefining: Redefining,
        tables: Sequence[int] = (),
        what: str = "",
    ) -> None:
        """`tables`: more of them (oids), that go later in the transaction, as `what`."""
        touched = [touched for statement in statements for touched in statement.touched]
        self._on = sorted({*tables, *(one.oid for one in touched if one.oid and one.verb is not Verb.READ)})
        dumping = [one for statement in statements if statement.tag not in ADDED for one in statement.touched]
        self.tables = sorted({*tables, *(one.oid for one in dumping if one.oid and one.verb is not Verb.READ)})
        self._schemas = sorted({schema for statement in statements for schema in statement.schemas})
        self._dropped = sorted({one.oid for one in touched if one.oid and one.verb is Verb.DROP})
        self._owners_of = self._schemas or _made_in(statements)
        self._place = place
        self._agent = agent
        self._guard = guard
        self._lent = False
        self.late = False
        """Another statement of the transaction has shut what it dumps."""
        self.ahead: Dumping | None = None
        """What is dumped before it, for statements behind it."""
        self._verbs = {one.oid: one.verb for one in touched if one.verb in _COUNTED}
        self.dumped: tuple[DumpedTable, ...] = ()
        self._keys: tuple[Key, ...] = ()
        self._captured: Captured | None = None
        self._counted: set[tuple[int, bool]] = set()
        self.digest = hashlib.sha256("; ".join(one.text for one in statements).encode()).hexdigest()
        self.what = what or ", ".join(dict.fromkeys(map(_said, statements)))
        self.xact = ""
        self.kept: UndoRecord | None = None
        self._redefining = redefining
        self._statements = statements
        self.redefines = may_redefine(statements)
        """Something that holds no rows: `redefining` keeps its words."""

    async def with_those_of(self, tables: Sequence[int], what: str) -> Dumping:
        """Of the same transaction, for what comes later in it: with its own, so that what depends on both is in one
        dump; unless they have several owners, whose rights are lent one by one. Raises ServerError."""
        together = sorted({*tables, *self.tables})
        if len(await owners(self._agent, together, ())) == 1:
            tables, what = together, f"{self.what}, {what}"
        return Dumping(self._place, self._agent, self._guard, (), self._redefining, tables, what)

    @property
    def dumps(self) -> bool:
        return bool(self.tables or self._schemas)

    @property
    def says_all(self) -> bool:
        """Nobody was told that something of it is not brought back."""
        return self.plan.possible and not (self.dumps and self.plan.gaps)

    async def look(self) -> None:
        """What can be brought back of what goes, before anybody is asked. Raises YettError, ServerError."""
        lost = await self._redefining.read(self._statements) if self.redefines or not self.dumps else ()
        if self._dropped or self._schemas:
            lost = (*lost, *await self._guard.lost_with(self._dropped, self._schemas))
        self.plan = (
            plan_with_a_dump(self._statements, lost) if self.dumps else plan_without_a_dump(self._statements, lost)
        )

    async def capture(self, hold: str) -> UndoRecord | None:
        """Lend the owner's rights, lock, dump. Raises YettError."""
        try:
            return await self._capture(hold)
        except ServerError as error:
            raise Unguardable(f"the database refused it: {error.message}", "roll back, and try again") from None

    async def _capture(self, hold: str) -> UndoRecord | None:
        if self.late:
            raise Unguardable(
                "what this destroys had to be dumped before this transaction shut it for all others",
                "roll back and send the transaction again: it is dumped first then",
            )
        if not self._lent:
            self.xact = str(Xact(self._place.database.id, await self._guard.identify()))
            await self._capture_ahead(hold)
            await self.lend()
        if self.kept is not None:
            return self.kept
        tables = await self._guard.undumped(self.tables)
        if not (tables or self._schemas):
            return None
        async with await self._place.undos.begin(self._place.session.task.id) as making:
            captured = await self._guard.dump(tables, making, schemas=self._schemas, others=self._others)
            self._captured = captured
            if captured.dump:
                self.dumped, self._keys = captured.dump.tables, captured.dump.keys
            more = {AS_LEFT_BY: await self._as_left_by(captured)}
            self.kept = await keep_undo(self._place, making, captured, DUMPED, hold, self.what, more)
        return self.kept

    async def _as_left_by(self, captured: Captured) -> Json:
        return [*await as_left_by(self._place.own, captured, await self._others())]

    async def _others(self) -> Sequence[Undone]:
        return await all_undone(self._place.undos, self._place.database)

    async def _capture_ahead(self, hold: str) -> None:
        if self.ahead is None:
            return
        try:
            await self.ahead.capture(hold)
        except YettError:
            self._place.tried.ahead.pop(self.digest, None)
            raise
        await give_back(self._agent)

    def counted(self, dumps: Iterable[Dumping]) -> Iterator[Rows]:
        """What these dumps of its transaction hold of the tables whose rows the statement takes or rewrites: counted,
        under lock. A table is rewritten once, and taken once: who signs for the one has not signed for the other."""
        for dump in dumps:
            for table in dump.dumped:
                verb = self._verbs.get(table.oid)
                if verb is None or (table.oid, rewrites := verb is Verb.ALTER) in dump._counted:
                    continue
                dump._counted.add((table.oid, rewrites))
                label = f"{table.schema}.{table.name}"
                yield Rows(label, updated=table.rows) if rewrites else Rows(label, deleted=table.rows)

    async def lend(self) -> None:
        """The owner's rights alone. Raises YettError, ServerError."""
        self._lent = True
        await lend(self._place, self._agent, self._on, self._schemas if self._on else self._owners_of)

    @property
    def takes_only_rows(self) -> bool:
        """Whether it defines nothing."""
        return all(statement.tag == _TRUNCATE for statement in self._statements)

    async def settled(self, xids: Sequence[int], *, only_rows: bool) -> None:
        """Right before COMMIT: what is left of what was dumped, and the ids of what it redefined in savepoints.
        `only_rows`: the transaction defined nothing. Raises YettError, ServerError."""
        if self.kept is None or self._captured is None:
            return
        await self._guard.must_be_as_dumped(self._captured)
        left: dict[int, int] = {}
        if there := await self._guard.still_there(self.dumped):
            await lend(self._place, self._agent, [oid for oid, _ in there.values()], ())
            left = await self._guard.rows_left(there)
            await give_back(self._agent)
        parts, keys = await self._guard.parts_left(there), await self._guard.keys_left(self._keys)
        shapes = await self._guard.shapes_left(self._captured.dump, there)
        said = settling(xids, left, parts, keys, self._guard.dumped, shapes, only_rows=only_rows)
        await self._place.undos.add_facts(self.kept, {SETTLED: said})

    async def discarded(self) -> None:
        await discard(self._place, self.kept)


def _said(statement: Statement) -> str:
    """In a few words for a list."""
    names = dict.fromkeys(one.name for one in statement.touched if one.name and one.verb is not Verb.READ)
    return " ".join((statement.tag, ", ".join((*names, *statement.schemas)))).strip()[:120]


def _made_in(statements: Sequence[Statement]) -> list[str]:
    """The schemas, if they are named, in which they make something."""
    made = [one for statement in statements for one in statement.touched if one.verb is Verb.CREATE and not one.oid]
    return sorted({one.schema for one in made if one.schema})


def _rows(effects: Effects) -> str:
    """What happened, in a few words for a list."""
    said = [
        f"{verb} {count:,} in {one.label}"
        for one in effects.tables
        for verb, count in (("deleted", one.deleted), ("changed", one.updated), ("added", one.inserted))
        if count
    ]
    return "; ".join(said[:4]) + (f"; and {len(said) - 4} more" if len(said) > 4 else "") or "definitions only"
