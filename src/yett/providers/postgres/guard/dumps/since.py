"""What became of the tables of a dump since: whether they are there, under which name, and what somebody else did.

A table is found by its oid, wherever it is now, and else by its name. Something that its own transaction put under its
name (rename the old one, make a new one) goes when the table comes back; somebody else's is a conflict.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from psycopg import sql

from yett.model.errors import YettError
from yett.providers.postgres.guard.captured import Captured
from yett.providers.postgres.guard.dumps.dependents import Relation, family
from yett.providers.postgres.guard.dumps.dumped import Dump, DumpedTable, Key, Reference
from yett.providers.postgres.guard.dumps.heirs import NO_HEIRS, Heirs
from yett.providers.postgres.guard.dumps.parts import by_relation, parts_query
from yett.providers.postgres.guard.dumps.shape import Shape, shapes
from yett.providers.postgres.guard.own import Connection, answers, row, rows
from yett.providers.postgres.guard.rows.chain import Chain, Undone
from yett.providers.postgres.guard.rows.compare import Conflict
from yett.providers.postgres.guard.table import Table, are_the_same, tables
from yett.providers.postgres.guard.xids import EPOCH, listed

_FOUND = sql.SQL("""
SELECT c.oid::int8, n.nspname::text, c.relname::text, c.relkind::text
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid = {oid}::oid OR (n.nspname = {schema} AND c.relname = {name}) ORDER BY c.oid <> {oid}::oid""")
_NOT_ALL_ITS_OWN = sql.SQL("""
SELECT 1 FROM pg_attribute WHERE attrelid = {oid}::oid AND xmin <> ALL ({xids}::xid[])
UNION ALL SELECT 1 FROM pg_rewrite WHERE ev_class = {oid}::oid AND xmin <> ALL ({xids}::xid[]) LIMIT 1""")
_LATER = (
    "(((x.xmin::text::int8 - {next}) & 4294967295) < {span} OR x.xmin = ANY ({open}::xid[]))"
    " AND x.xmin <> ALL ({xids}::xid[])"
)
_LATER_ROWS = sql.SQL(
    "SELECT (SELECT count(*) FROM ONLY {table}), (SELECT count(*) FROM ONLY {table} AS x WHERE "
    + _LATER
    + " AND NOT {stood})"
)
_IN_PLACES = "SELECT '{what}' FROM {catalog} x WHERE x.{column} = {{oid}}::oid AND {later}{but}"
_ITSELF = (("the relation", "pg_class", "oid"), ("a column", "pg_attribute", "attrelid"))
_PARTS = (
    ("a default", "pg_attrdef", "adrelid"),
    # Bringing back the table that it refers to made it again, as it was.
    (
        "a constraint",
        "pg_constraint",
        "conrelid",
        " AND x.conname || ' ' || pg_get_constraintdef(x.oid) <> ALL ({keys}::text[])",
    ),
    ("a trigger", "pg_trigger", "tgrelid", " AND NOT x.tgisinternal"),
    ("a policy", "pg_policy", "polrelid"),
    ("a rule", "pg_rewrite", "ev_class"),
    ("a child table", "pg_inherits", "inhparent"),
    ("a statistic", "pg_statistic_ext", "stxrelid"),
    ("a place in a publication", "pg_publication_rel", "prrelid"),
    ("a comment", "pg_description", "objoid"),
    ("a label", "pg_seclabel", "objoid"),
)


def _later(places: Iterable[tuple[str, ...]]) -> sql.SQL:
    each = (
        _IN_PLACES.format(what=what, catalog=catalog, column=column, later=_LATER, but="".join(but))
        for what, catalog, column, *but in places
    )
    return sql.SQL(" UNION ALL ".join(each) + " LIMIT 1")  # of the constants above


_LATER_ITSELF, _LATER_PARTS = _later(_ITSELF), _later(_PARTS)
_LATER_INDEX = _later((("an index", "pg_index", "indrelid"),))
_FALSE = sql.SQL("false")
_NONE = sql.SQL("SELECT 1 WHERE false")
_OF_ITS_PARTS = "an index, an option, a comment or a sequence"
_KEY = sql.SQL("SELECT 1 FROM pg_constraint WHERE conrelid = {oid}::oid AND conname = {name}")
_KEY_FIRST = "take that back first: there may be an undo of it, too"
_ANOTHER_KEY = sql.SQL(
    "SELECT 1 FROM pg_constraint x WHERE x.conrelid = {oid}::oid AND x.conname = {name} AND "
    + _LATER
    + " AND pg_get_constraintdef(x.oid) <> {definition}"
)
NO_WRITERS: Mapping[int, frozenset[int]] = MappingProxyType({})
_NEXT = sql.SQL("SELECT (age('3'::xid)::int8 + 3) & 4294967295")


@dataclass(frozen=True, slots=True)
class Standing:
    """A dumped table as it is now; `table` None: it is not there. `emptied`: TRUNCATE gave it new, empty files.
    `redefined`: what of its definition somebody else made or dropped since, first of all of it."""

    dumped: DumpedTable
    table: Table | None
    emptied: bool
    redefined: Conflict | None
    conflicts: tuple[Conflict, ...]

    @property
    def is_as_it_was(self) -> bool:
        """Its name and columns are."""
        now, then = self.table, self.dumped
        return (
            now is not None
            and (now.schema, now.name) == (then.schema, then.name)
            and are_the_same(now.columns, then.columns)
        )


@dataclass(frozen=True, slots=True)
class Now:
    """`instead`: what the dump's transaction made under the names of what was dumped; `aside`: what another dump of the
    transaction holds, and it left under such a name. `only_rows`: all tables are there as they were, and only their
    rows are to come back."""

    tables: tuple[Standing, ...]
    instead: tuple[Relation, ...]
    aside: tuple[Relation, ...]
    only_rows: bool
    conflicts: tuple[Conflict, ...]


class Since:
    """Compares with one dump, in the transaction that will bring it back. `beside`: ids (32 bits) of those that brought
    back other dumps of the dump's transaction, which make way for this one and give it foreign keys. `after`: later
    dumps of what it had left, but for the rows in their `versions`. `kept`: what other undos of the transaction keep of
    definitions, by their labels. `others`: all undos of the database. `known`, by a table's oid: ids (32 bits) whose
    rows do not count there, nor how many rows there are. `back`: what stands for tables that are gone; `applied`: the
    dump itself was brought back before."""

    def __init__(
        self,
        own: Connection,
        captured: Captured,
        dump: Dump,
        beside: Collection[int] = (),
        *,
        after: Collection[Undone] = (),
        kept: Collection[str] = (),
        others: Sequence[Undone] = (),
        known: Mapping[int, frozenset[int]] = NO_WRITERS,
        back: Heirs = NO_HEIRS,
        applied: bool = False,
        locks: bool = True,
    ) -> None:
        self._own = own
        self._captured = captured
        self._undone = others
        self._dump = dump
        self._locks = locks
        self.own_xids = frozenset(captured.xids)
        self.kept = frozenset(kept)
        self._made_by = (*captured.xids, *beside)
        self._after = after
        self._known = known
        self._back = back
        self._applied = applied
        self.xids = (*self._made_by, *(xid % EPOCH for one in after for xid in one.by))
        self._oids = {(schema, name): oid for schema, name, oid in dump.oids}

    async def now(self) -> Now:
        """Lock what is there of the dump's tables against everybody, and compare."""
        found = [await self._standing(dumped) for dumped in self._dump.tables]
        others = await self._others()
        aside = [one for one in others if one.oid in self._dump.beside]
        instead = [one for one in others if one.oid not in self._dump.beside] + await self._heirs()
        emptied = any(one.emptied for one in found) and all(one.is_as_it_was for one in found)
        only_rows = self._dump.only_rows and emptied and not (instead or aside)
        standing = tuple(found if only_rows else map(_made_again, found))
        conflicts = [conflict for one in standing for conflict in one.conflicts]
        conflicts += [conflict for one in instead for conflict in await self._theirs(one)]
        return Now(standing, tuple(instead), tuple(aside), only_rows, tuple(conflicts))

    async def is_as_left(self) -> bool:
        """Whether nobody has done anything since with what the dump's transaction left."""
        try:
            now = await self.now()
            await self.unchanged(self._dump.views)
            await self.unchanged((*name, "p") for name in self._dump.partitioned)
            for schema, table, name, definition in self._dump.foreign_keys:
                if (relation := await self.named(schema, table, "rp")) is not None:
                    await self.must_be_its_own(relation, name, definition)
        except YettError:
            return False
        return not now.conflicts

    async def named(self, schema: str, name: str, kinds: str) -> Relation | None:
        """What the dump calls so, whatever it is called now, if it is one of `kinds` (of pg_class.relkind)."""
        return await self._mine(schema, name, self._oids.get((schema, name), 0), kinds)

    async def must_be_its_own(self, table: Relation, name: str, definition: str) -> None:
        """Of another table's foreign key. Raises YettError: somebody else has dropped it since, or has made a
        constraint of that name that is not the one that was dumped."""
        label = table.label
        stood = Key(self._oids.get((table.schema, table.name), table.oid), name) in self._dump.keys_left
        if stood and not await self.has_key(table, name):
            raise YettError(f"the foreign key {name} of {label} was dropped since, so nothing was undone", _KEY_FIRST)
        query = _ANOTHER_KEY.format(
            oid=sql.Literal(table.oid),
            name=sql.Literal(name),
            definition=sql.Literal(definition),
            **await self._range(),
        )
        if await rows(self._own, query):
            raise YettError(f"the constraint {name} of {label} was made since, so nothing was undone", _KEY_FIRST)

    async def waiting(self) -> list[Reference]:
        """Foreign keys to tables that are not there, or not under their names, and that another undo of the dump's
        transaction brings back: with them come all that refer to them.

        Raises YettError: somebody else has renamed one, and its name is perhaps another's now."""
        found = []
        for one in self._dump.references:
            name = f"{one.schema}.{one.table_name}"
            there = await self._mine(one.schema, one.table_name, one.table, "rp")
            if there is not None and there.label == name:
                continue
            if one.table in self._dump.beside:
                found.append(one)
            elif there is not None:
                raise YettError(f"{name} is called {there.label} now, so nothing was undone", "rename that first")
        return found

    async def has_key(self, table: Relation, name: str) -> bool:
        return bool(await rows(self._own, _KEY.format(oid=sql.Literal(table.oid), name=sql.Literal(name))))

    async def unchanged(self, relations: Iterable[tuple[str, str, str]]) -> list[Relation]:
        """Those views and partitioned tables (schema, name, kind) that are there. Raises YettError if one was changed,
        or added to."""
        present = []
        for schema, name, kind in relations:
            if (relation := await self.named(schema, name, kind)) is None:
                if self._oids.get((schema, name), 0) in self._dump.shapes:
                    raise YettError(f"{schema}.{name} was dropped since, so nothing was undone", _KEY_FIRST)
                continue
            if what := await self.made_since(relation.oid):
                raise YettError(f"{what} of {schema}.{name} was made since, so nothing was undone")
            present.append(relation)
        return present

    async def _standing(self, dumped: DumpedTable) -> Standing:
        mine = await self._mine(dumped.schema, dumped.name, dumped.oid, "r")
        if mine is None:
            dropped = Conflict(f"{dumped.schema}.{dumped.name}", "the table", "was dropped since: undo that first")
            return Standing(dumped, None, False, None, (dropped,) if dumped.oid in self._dump.shapes else ())
        await self._lock(mine)
        (table,) = (await tables(self._own, [mine.oid])).values()
        found = await self._compared(dumped, table)
        made = found.conflicts or found.redefined or await self._is_all_of(mine, self.xids)
        if mine.oid == dumped.oid or made:
            return found
        return replace(found, conflicts=(_not_its_own(mine),))

    async def _others(self) -> list[Relation]:
        """What has the name of something dumped, and is not what was dumped."""
        dumped = self._dumped()
        found = list[Relation]()
        for schema, name, oid, kind in dumped:
            mine = await self._mine(schema, name, oid, kind)
            called = [one for one in await self._found(schema, name, oid) if (one.schema, one.name) == (schema, name)]
            found += [one for one in called if one != mine]
        oids = {oid for _, _, oid, _ in dumped}
        return [one for one in found if one.oid not in oids]

    async def _heirs(self) -> list[Relation]:
        """What inherits from something dumped, and so goes with it, and is not in the dump."""
        mine = [await self._mine(*one) for one in self._dumped()]
        known = {one.oid for one in mine if one is not None}
        return [one for one in await family(self._own, known) if one.oid not in known]

    def _dumped(self) -> list[tuple[str, str, int, str]]:
        """Schema, name, oid (0: not known) and kind of all that the dump holds."""
        tables = [(one.schema, one.name, one.oid, "r") for one in self._dump.tables]
        named = [(*name, "p") for name in self._dump.partitioned] + list(self._dump.views)
        return tables + [(schema, name, self._oids.get((schema, name), 0), kind) for schema, name, kind in named]

    async def _mine(self, schema: str, name: str, oid: int, kinds: str) -> Relation | None:
        """What was dumped, wherever it is, or came back in its place; else what has its name, if it is one of `kinds`
        and not another dump's."""
        oid = self._back[oid].table.oid if oid in self._back else oid
        found = [one for one in await self._found(schema, name, oid) if one.kind in kinds]
        return next((one for one in found if one.oid == oid or one.oid not in self._dump.beside), None)

    async def _found(self, schema: str, name: str, oid: int) -> list[Relation]:
        """The one with that oid first."""
        names = {"schema": sql.Literal(schema), "name": sql.Literal(name), "oid": sql.Literal(oid)}
        return [Relation(*found) for found in await rows(self._own, _FOUND.format(**names))]

    async def _lock(self, relation: Relation) -> None:
        if self._locks:
            await self._own.execute(sql.SQL("LOCK TABLE ONLY {} IN ACCESS EXCLUSIVE MODE").format(relation.quoted))

    async def _theirs(self, instead: Relation) -> list[Conflict]:
        """What in a relation under a dumped table's name is not the work of the dump's own transaction."""
        label = instead.label
        if instead.kind not in ("r", "v"):
            return [_not_its_own(instead)]
        if instead.kind == "r":
            await self._lock(instead)
        if not await self.made_it(instead):
            return [_not_its_own(instead)]
        if what := await self.made_since(instead.oid):
            return [Conflict(label, what, "was made since")]
        if instead.kind == "v":
            return []
        _, later = await row(self._own, _LATER_ROWS.format(table=instead.quoted, stood=_FALSE, **await self._range()))
        return [Conflict(label, f"{later} rows", "were made or changed since")] if later else []

    async def made_it(self, relation: Relation) -> bool:
        """Whether the dump's transaction made it, and not only renamed it. What a later dump brought back may be
        anybody's."""
        return await self._is_all_of(relation, self._made_by)

    async def _is_all_of(self, relation: Relation, by: Collection[int]) -> bool:
        xids = sql.Literal("{" + ",".join(str(xid) for xid in by) + "}")
        return not await rows(self._own, _NOT_ALL_ITS_OWN.format(oid=sql.Literal(relation.oid), xids=xids))

    async def _compared(self, dumped: DumpedTable, table: Table) -> Standing:
        count, later = await self._counted(table)
        left = dumped.rows if dumped.left is None or self._applied else dumped.left
        # What hides rows from its owner was not counted.
        truncated = dumped.left is None and self._dump.only_rows and not self._applied
        moved = are_the_same(table.columns, dumped.columns) and table.filenode != dumped.filenode
        emptied = moved and not count and (truncated or not left)
        conflicts = []
        if later:
            conflicts.append(Conflict(table.label, f"{later} rows", "were made or changed since"))
        if not emptied and count != left and table.oid not in self._known:
            conflicts.append(Conflict(table.label, f"{count} rows", f"are there, and {left} were left"))
        return Standing(dumped, table, emptied, await self._redefined(dumped, table), tuple(conflicts))

    async def _counted(self, table: Table) -> tuple[int, int]:
        """How many rows there are, and how many somebody else wrote since.

        What a later dump brought back is all of one id, and its `versions` say which of that was not as it was left.
        """
        asked = [one for one in self._after if one.has_versions(table)]
        whole = [xid % EPOCH for one in self._after if one not in asked for xid in one.by]
        own = (*self._made_by, *whole, *self._known.get(table.oid, ()))
        chain = Chain(self._own, self._captured, table, self._undone)
        stood: sql.Composable = _FALSE
        if await chain.trace(since=self._dump.next_xid):
            found = [one for one in asked if one.found_versions(table)]
            stood = chain.stood("x", self._dump.next_xid, self._dump.open_xids, own, found)
        query = _LATER_ROWS.format(table=table.quoted, stood=stood, **await self._range(own))
        count, later = await row(self._own, query)
        return count, later

    async def _redefined(self, dumped: DumpedTable, table: Table) -> Conflict | None:
        if what := await self.made_since(table.oid, dumped.oid):
            return Conflict(table.label, what, "was made since")
        now = by_relation(await rows(self._own, sql.SQL(parts_query([table.oid])))).get(table.oid, [])
        dropped = set(dumped.parts_left) - set(now)
        return Conflict(table.label, min(dropped), "was dropped since") if dropped else None

    async def made_since(self, oid: int, was: int = 0, *, is_shut: bool = False) -> str:
        """What of a relation's definition somebody else made since; `was`: its oid when it was dumped, if another.
        `is_shut`: the agent has dropped it, and whoever looked at its indexes would wait."""
        values = {"oid": sql.Literal(oid), **await self._range()}
        if found := await rows(self._own, _LATER_PARTS.format(**values)):
            return str(found[0][0])
        left = [] if is_shut else self._shapes(oid, was)
        now = (await shapes(answers(self._own), [oid])).get(oid) if left else None
        if now in left:
            return ""  # whatever leases have begun and ended
        if left and now is not None and now.parts not in {one.parts for one in left}:
            return _OF_ITS_PARTS
        index = _NONE if left else _LATER_INDEX  # one that is only stored anew is the same
        found = [*await rows(self._own, index.format(**values)), *await rows(self._own, _LATER_ITSELF.format(**values))]
        return str(found[0][0]) if found else ""

    def _shapes(self, oid: int, was: int) -> list[Shape]:
        """What a relation was when the dump's transaction left it, and when it came back."""
        back = self._back.get(was)
        found = [self._dump.shapes.get(was or oid), back.shape if back and back.table.oid == oid else None]
        return [one for one in found if one is not None]

    async def _range(self, but: Collection[int] = ()) -> dict[str, sql.Composable]:
        """What is later than the dump, `but` for what these (else: all its own) ids made."""
        (now,) = await row(self._own, _NEXT)
        return {
            "next": sql.Literal(self._dump.next_xid % 2**32),
            "open": sql.Literal(listed(self._dump.open_xids)),
            "span": sql.Literal((now - self._dump.next_xid) % 2**32),
            "xids": sql.Literal("{" + ",".join(str(xid) for xid in (but or self.xids)) + "}"),
            "keys": sql.Literal(list(self._dump.own_keys)),
        }


def _not_its_own(relation: Relation) -> Conflict:
    return Conflict(
        relation.label, "the name", "is another relation's now, which has an undo of its own or is not Yett's"
    )


def _made_again(one: Standing) -> Standing:
    """What somebody did to the definition would be lost when the table is made again."""
    return replace(one, conflicts=(*one.conflicts, one.redefined)) if one.redefined else one
