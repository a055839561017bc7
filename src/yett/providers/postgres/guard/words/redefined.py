"""What a transaction redefines or drops that holds no rows: read before it goes, compared before COMMIT, and kept.

Which definitions to read beforehand is guessed from a statement's words; what really went is asked of the catalogs
(`written`). So a wrong guess keeps too little and is refused: it never loses anything.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from psycopg import sql

from yett.model.canonical import Json, canonical
from yett.providers.postgres.guard import xids as ids
from yett.providers.postgres.guard.captured import MANIFEST, Captured
from yett.providers.postgres.guard.copying import keep, single
from yett.providers.postgres.guard.effects import Unguardable
from yett.providers.postgres.guard.executing import Executing
from yett.providers.postgres.guard.own import FLUSH, Connection, Own, opened, row, rows
from yett.providers.postgres.guard.sink import Sink, Source
from yett.providers.postgres.guard.words.comments import Place, comments
from yett.providers.postgres.guard.words.word import ENUM, Asked, Word, as_written, as_written_by, words
from yett.providers.postgres.guard.words.written import Row, changed_rows, commented

NAME = "words.json"
WORDS = "words"
"""In the facts of an undo, beside those of `Captured`: what of definitions it brings back."""

_PLACE = sql.SQL("""
SELECT (SELECT system_identifier::text FROM pg_control_system()),
  (SELECT oid::int8 FROM pg_database WHERE datname = current_database()), pg_is_in_recovery()""")
_DEPENDENTS = sql.SQL("""
WITH RECURSIVE gone(classid, objid) AS (
  SELECT split_part(one, ':', 1)::regclass::oid, split_part(one, ':', 2)::oid FROM unnest({parts}::text[]) one
  UNION SELECT d.classid, d.objid FROM gone g JOIN pg_depend d ON d.refclassid = g.classid AND d.refobjid = g.objid
    WHERE d.deptype IN ('n', 'a', 'i', 'P', 'S')
)
SELECT classid::regclass::text || ':' || objid, objid::int8, pg_describe_object(classid, objid, 0) FROM gone""")

_NAMED = sql.SQL("""
SELECT a.class || ':' || a.oid, a.oid::int8, pg_describe_object(a.class::regclass, a.oid, 0) FROM (
  SELECT 'pg_proc' AS class, oid FROM pg_proc WHERE proname = ANY ({names}::text[])
  UNION ALL SELECT 'pg_class', oid FROM pg_class WHERE relname = ANY ({names}::text[]) AND relkind IN ('i', 'I')
  UNION ALL SELECT 'pg_trigger', oid FROM pg_trigger WHERE tgname = ANY ({names}::text[]) AND tgparentid = 0
  UNION ALL SELECT 'pg_policy', oid FROM pg_policy WHERE polname = ANY ({names}::text[])
  UNION ALL SELECT 'pg_rewrite', oid FROM pg_rewrite WHERE rulename = ANY ({names}::text[])
  UNION ALL SELECT 'pg_type', oid FROM pg_type WHERE typname = ANY ({types}::text[])
) a WHERE a.oid >= 16384""")
_THERE = sql.SQL("SELECT oid::int8 FROM {catalog} WHERE oid = ANY ({oids}::oid[])")
_SCHEMAS = sql.SQL("SELECT oid::int8 FROM pg_namespace WHERE nspname = ANY ({names}::text[])")
_TAKEN_AWAY = ("trigger", "policy")
"""Of what is made anew, what an undo takes away again."""
_DESCRIPTIONS = "pg_description"
_IN_TABLES = frozenset(
    {"pg_class", "pg_attrdef", "pg_constraint", "pg_trigger", "pg_policy", "pg_rewrite", "pg_statistic_ext", "pg_type"}
)
"""What uses a type and stands in a table, which is dumped."""


@dataclass(frozen=True, slots=True)
class Change:
    """A definition as it was before (None: it was not there), and as the transaction leaves it (None: it is gone)."""

    before: Word | None
    after: Word | None

    @property
    def what(self) -> Word:
        found = self.before or self.after
        assert found is not None
        return found


@dataclass(frozen=True, slots=True)
class Dumped:
    """What dumps hold: relations (oid) and schemas, with all that depends on them."""

    relations: frozenset[int] = frozenset()
    schemas: frozenset[str] = frozenset()

    @property
    def homes(self) -> frozenset[str]:
        """As in `Word.home`."""
        return frozenset(str(oid) for oid in self.relations) | self.schemas


NOTHING_DUMPED = Dumped()


@dataclass(frozen=True, slots=True)
class Changes:
    """`unkept`, described: what else that was there before the transaction is not as it was."""

    kept: tuple[Change, ...]
    unkept: tuple[str, ...]
    xids: ids.Xids

    @property
    def replaced_types(self) -> tuple[str, ...]:
        """Names of enums that are made again: a table that had a column of one goes back with it (`types_back.py`)."""
        return tuple(one.what.name for one in self.kept if one.what.kind == ENUM and one.before and one.after)

    @property
    def rules_of(self) -> frozenset[int]:
        """The relations (oid) whose rules it takes or makes otherwise."""
        return frozenset(int(one.what.home) for one in self.kept if one.what.kind == "rule")


class Redefined:
    """Of one transaction: `read` before each statement, `changes` after the last one, then `keep`."""

    def __init__(self, agent: Executing, own: Own) -> None:
        self._agent = agent
        self._own = own
        self._before: dict[tuple[str, int], Word] = {}
        self._names: set[str] = set()

    async def read(
        self,
        names: Collection[str],
        *,
        dropped: Collection[str] = (),
        types: Collection[str] = (),
        with_all: Collection[str] = (),
    ) -> tuple[str, ...]:
        """Those of these names. Answers, described, what is `dropped` by name (or, if it is one of the `types`), or by
        CASCADE `with_all` that depends on it, and cannot be kept. Raises ServerError, Unguardable."""
        self._names |= set(names)
        async with as_written(self._agent) as asked:
            self._note(await words(asked, names))
            depending = await self._depending([one for one in await words(asked, with_all) if one.kind != ENUM])
            using = await self._depending([one for one in await words(asked, types) if one.kind == ENUM])
            depending += [one for one in using if one[0].partition(":")[0] not in _IN_TABLES]
            self._note(await words(asked, (), [oid for _, oid, _ in depending]))
        parts = frozenset[str]().union(*(one.parts for one in self._before.values()))
        named = await self._named(dropped, types)
        return tuple(sorted({described for part, _, described in (*depending, *named) if part not in parts}))

    async def changes(self, xid: int, first_multixact: int, dumped: Dumped = NOTHING_DUMPED) -> Changes:
        """Without what a dump holds. Raises ServerError; Unguardable: what was read was changed by somebody else
        meanwhile."""
        async with opened(self._own) as own, own.transaction(), as_written(self._agent) as agent:
            ours = await as_written_by(own)
            xids = await ids.find(own, self._agent.pid, xid, first_multixact)
            found = await changed_rows(ours, agent, own, xids)
            places = await commented(agent, xids)
            read = await self._read(own)
            touched = {one.of for one in found} | {f"{catalog}:{oid}" for catalog, oid, _ in places}
            ours_to_keep = [one for one in read if touched & one.parts]
            for one in ours_to_keep:
                if one.home not in dumped.homes:  # a dump has it, as it was before the transaction did anything to it
                    _must_be_what_was_read(one, found)
            await _must_be_labelled_as_read(ours, [one for one in ours_to_keep if one.kind == ENUM])
            parts = frozenset[str]().union(*(one.parts for one in ours_to_keep))
            places += [(*_catalog_and_oid(one.of), one.sub) for one in found if one.catalog == _DESCRIPTIONS]
            said = await _commented(ours, agent, [one for one in places if f"{one[0]}:{one[1]}" not in parts])
            held = await _held(own, dumped) if found else frozenset()
            found_now = await words(agent, self._names | {one.name for one in read}, [one.oid for one in read])
            now = {one.identity: one for one in found_now}
            known = {one.identity for one in read}
            # An enum is made again, and never changed: what uses it is there.
            moved = {(one.catalog, one.oid) for one in found_now if one.identity not in known or one.kind == ENUM}
            kept = [Change(one, now.get(one.identity)) for one in ours_to_keep if (one.catalog, one.oid) not in moved]
            made = [now[one] for one in now.keys() - known if now[one].kind in _TAKEN_AWAY]
            kept += [Change(None, one) for one in made if not await self._was_there(own, one)]
        parts -= {f"{catalog}:{oid}" for catalog, oid in moved}
        unkept = [one for one in found if one.of not in parts | held and _place(one) not in said]
        kept = [one for one in kept if one.what.home not in dumped.homes and not _is_the_same(one)]
        return Changes(
            (*kept, *said.values()),
            tuple(sorted({one.label for one in unkept})),
            xids,
        )

    async def _read(self, own: Connection) -> list[Word]:
        """Those that were there before the transaction, the oldest first."""
        by_catalog: dict[str, list[int]] = {}
        for catalog, oid in self._before:
            by_catalog.setdefault(catalog, []).append(oid)
        there = set()
        for catalog, oids in by_catalog.items():
            query = _THERE.format(catalog=sql.Identifier(catalog), oids=sql.Literal(oids))
            there |= {(catalog, oid) for (oid,) in await rows(own, query)}
        return sorted((one for key, one in self._before.items() if key in there), key=lambda word: word.oid)

    async def _was_there(self, own: Connection, one: Word) -> bool:
        query = _THERE.format(catalog=sql.Identifier(one.catalog), oids=sql.Literal([one.oid]))
        return bool(await rows(own, query))

    def _note(self, found: Sequence[Word]) -> None:
        for one in found:
            self._before.setdefault((one.catalog, one.oid), one)

    async def _depending(self, first: Sequence[Word]) -> list[tuple[str, int, str]]:
        parts = sorted(frozenset[str]().union(*(one.parts for one in first)))
        if not parts:
            return []
        async with opened(self._own) as own:
            return [tuple(one) for one in await rows(own, _DEPENDENTS.format(parts=sql.Literal(parts)))]

    async def _named(self, names: Collection[str], types: Collection[str]) -> list[tuple[str, int, str]]:
        if not (names or types):
            return []
        wanted = {"names": sql.Literal(sorted(names)), "types": sql.Literal(sorted(types))}
        async with opened(self._own) as own:
            return [tuple(one) for one in await rows(own, _NAMED.format(**wanted))]


async def keep_words(own: Own, changes: Changes, gaps: Sequence[str], sink: Sink) -> Captured:
    """Write them down, durably. Raises Unguardable."""
    async with opened(own) as connection:
        system, database, standby = await row(connection, _PLACE)
        await connection.execute(FLUSH)
    if standby:
        raise Unguardable("Yett's own connection goes to a standby", "point its credential at the primary server")
    content: Json = [[each.as_json() if each else None for each in (one.before, one.after)] for one in changes.kept]
    file = await keep(sink, NAME, single(canonical(content)))
    source = sink if isinstance(sink, Source) else None
    xids = changes.xids
    captured = Captured(
        xids.top, tuple(sorted(xids.own)), system, database, (), None, (file,), tuple(gaps), source=source
    )
    await keep(sink, MANIFEST, single(canonical(captured.facts() | {WORDS: words_facts(changes)})))
    return captured


def words_facts(changes: Changes) -> Json:
    """Names alone: a function's text lies in the keep."""
    return [[one.what.label, said_of(one)] for one in changes.kept]


def kept_words(facts: Mapping[str, Json]) -> frozenset[str]:
    """From the facts of an undo: the labels of what was there before."""
    found = facts.get(WORDS)
    pairs = [one for one in found if isinstance(one, list)] if isinstance(found, list) else []
    return frozenset(str(label) for label, said in pairs if said != "made")


def said_of(one: Change) -> str:
    """What the transaction did to it."""
    return "made" if one.before is None else "changed" if one.after else "dropped"


async def _held(own: Connection, dumped: Dumped) -> frozenset[str]:
    """The objects ("catalog:oid") that are dumped, or go with what is."""
    found = await rows(own, _SCHEMAS.format(names=sql.Literal(sorted(dumped.schemas))))
    parts = [f"pg_class:{oid}" for oid in sorted(dumped.relations)] + [f"pg_namespace:{oid}" for (oid,) in found]
    if not parts:
        return frozenset()
    return frozenset(part for part, *_ in await rows(own, _DEPENDENTS.format(parts=sql.Literal(parts))))


def _is_the_same(one: Change) -> bool:
    return one.before is not None and one.before.says(one.after)


async def _commented(own: Asked, agent: Asked, places: Sequence[Place]) -> dict[Place, Change]:
    """Of what was there before and still is."""
    before, after = await comments(own, places), await comments(agent, places)
    return {
        place: Change(one, after[place])
        for place, one in before.items()
        if place in after and one.key == after[place].key and not one.says(after[place])
    }


def _must_be_what_was_read(one: Word, found: Sequence[Row]) -> None:
    versions = dict(one.versions)
    for each in found:
        if (
            each.of in one.parts
            and each.of.endswith(f":{one.oid}")
            and each.version != versions.get(each.catalog, each.version)
        ):
            raise Unguardable(f"the {one.label} was changed by somebody else meanwhile", "run the statements again")


async def _must_be_labelled_as_read(own: Asked, read: Sequence[Word]) -> None:
    """A label that was added changes no row that was there."""
    now = {one.oid: one for one in await words(own, (), [one.oid for one in read])}
    for one in read:
        if not one.says(now.get(one.oid)):
            raise Unguardable(f"the {one.label} was changed by somebody else meanwhile", "run the statements again")


def _catalog_and_oid(of: str) -> tuple[str, int]:
    catalog, _, oid = of.rpartition(":")
    return catalog, int(oid)


def _place(one: Row) -> Place | None:
    return (*_catalog_and_oid(one.of), one.sub) if one.catalog == _DESCRIPTIONS else None
