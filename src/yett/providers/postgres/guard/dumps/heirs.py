"""Which table stands for one that was dropped: the one that the undo of its dump made, and wrote down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from psycopg import sql

from yett.model.canonical import Json
from yett.providers.postgres.guard.captured import Captured, CapturedTable
from yett.providers.postgres.guard.dumps.shape import Shape
from yett.providers.postgres.guard.own import Connection, rows
from yett.providers.postgres.guard.rows.chain import Became, Undone, committed
from yett.providers.postgres.guard.table import Column, Table, are_the_same, tables
from yett.providers.postgres.guard.xids import EPOCH

# A table's system columns are as old as it is: of another by that number they are somebody else's.
_BORN = sql.SQL("""
SELECT d.number, NOT EXISTS (SELECT FROM pg_attribute x WHERE x.attrelid = a.attrelid AND x.attisdropped)
FROM unnest({oids}::oid[], {makers}::int8[]) WITH ORDINALITY d(oid, maker, number)
JOIN pg_attribute a ON a.attrelid = d.oid AND a.attname = 'ctid' AND a.attnum < 0 AND a.xmin = d.maker::text::xid
WHERE {waits} OR d.oid NOT IN (
  SELECT l.relation FROM pg_locks l WHERE l.mode = 'AccessExclusiveLock' AND l.granted AND l.locktype = 'relation'
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()))""")


@dataclass(frozen=True, slots=True)
class Heir:
    """A table that came back, and its `shape` then; `columns` as they were when it was dumped. `is_whole`: none of them
    was dropped since, so that what has their names, types and order is they."""

    table: Table
    shape: Shape
    columns: tuple[Column, ...]
    is_whole: bool


Heirs = Mapping[int, Heir]
"""By the oid that the table had when it was dumped."""
NO_HEIRS: Heirs = MappingProxyType({})
BECAME = "became"
"""In an undo's record, by the id of each transaction that brought it back: what its tables became."""


def became_facts(before: Any, xid: int, became: Sequence[Became]) -> Json:  # Any: what the record has of it
    """With what it became in this transaction (64 bits)."""
    found: Json = [[one.was, one.now, one.shape.itself, one.shape.parts, one.has_versions] for one in became]
    return {**(before if isinstance(before, dict) else {}), str(xid): found}


def became_from(facts: Any) -> dict[int, tuple[Became, ...]]:  # Any: taken apart here
    """Raises TypeError, ValueError, AttributeError: they are not such facts."""
    return {
        int(xid): tuple(
            Became(int(was), int(now), Shape(str(itself), str(parts)), has_versions is True)
            for was, now, itself, parts, has_versions in found
        )
        for xid, found in facts.items()
    }


async def as_of_now(own: Connection, others: Sequence[Undone], *, waits: bool) -> tuple[list[Undone], Heirs]:
    """All of them, with what came back in the place of what they knew, and without what was never committed. `waits`:
    for tables that somebody has shut for all others, as the transaction may have whose dump is made; else not those."""
    done = await committed(own, {xid for one in others for xid in one.became})
    true = [replace(one, became={x: all_ for x, all_ in one.became.items() if x in done}) for one in others]
    found = await heirs(own, true, waits=waits)
    return [_undone(one, found) for one in true], found


async def heirs(own: Connection, others: Sequence[Undone], *, waits: bool) -> Heirs:
    """Of all dumps among `others`; also where what came back of one was dumped again, and came back."""
    dumps = [(one, one.known.dump) for one in others if one.known.dump]
    columns = {(one.id, table.oid): table.columns for one, dump in dumps for table in dump.tables}
    back = [
        (became, columns[one.id, became.was], xid % EPOCH)
        for one, _ in dumps
        for xid, all_ in one.became.items()
        for became in all_
        if became.was != became.now and (one.id, became.was) in columns
    ]
    if not back:
        return {}
    oids, makers = sql.Literal([one.now for one, *_ in back]), sql.Literal([maker for *_, maker in back])
    born = await rows(own, _BORN.format(oids=oids, makers=makers, waits=sql.Literal(waits)))
    there = await tables(own, {back[number - 1][0].now for number, _ in born})
    found = {}
    for number, whole in born:
        one, then, _ = back[number - 1]
        found[one.was] = Heir(there[one.now], one.shape, then, whole)
    former = [one for each in others for one in each.known.heirs if one.now in found]
    return found | {one.was: replace(found[one.now], columns=one.columns) for one in former}


def moved(captured: Captured, found: Heirs) -> Captured:
    """What is known of tables as they were, as of what came back in their place."""
    dump = captured.dump
    if dump is not None:
        there = [replace(one, oid=found[one.oid].table.oid) if one.oid in found else one for one in dump.tables]
        dump = replace(dump, tables=tuple(there))
    return replace(
        captured,
        tables=tuple(_table(one, found) for one in captured.tables),
        versions=tuple(_table(one, found) for one in captured.versions),
        dump=dump,
    )


def _undone(one: Undone, found: Heirs) -> Undone:
    async def opened() -> Captured:
        return moved(await one.opened(), found)

    became = {
        xid: tuple(replace(each, now=found[each.was].table.oid) if each.was in found else each for each in all_)
        for xid, all_ in one.became.items()
    }
    return replace(one, known=moved(one.known, found), opened=opened, became=became)


def _table(kept: CapturedTable, found: Heirs) -> CapturedTable:
    """No columns: they are not known to be the same."""
    heir = found.get(kept.effect.oid)
    if heir is None:
        return kept
    same = heir.is_whole and are_the_same(kept.columns, heir.columns) and kept.columns == heir.table.columns
    columns = heir.table.columns if same else ()
    return replace(kept, effect=replace(kept.effect, oid=heir.table.oid), columns=columns)
