"""Which table stands for one that was dropped: the one that the undo of its dump made, under the same name.

A table's system columns are as old as the table, and nothing ever rewrites them: they carry the id of the transaction
that made it. If that is one that brought the dump back, it is the table of the dump.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from psycopg import sql

from yett.providers.postgres.guard.captured import Captured, CapturedTable
from yett.providers.postgres.guard.own import Connection, rows
from yett.providers.postgres.guard.rows.chain import Undone, committed
from yett.providers.postgres.guard.table import Column, Table, are_the_same, tables
from yett.providers.postgres.guard.xids import EPOCH

_BORN = sql.SQL("""
SELECT d.number, c.oid::int8, NOT EXISTS (SELECT FROM pg_attribute x WHERE x.attrelid = c.oid AND x.attisdropped)
FROM unnest({oids}::int8[], {schemas}::text[], {names}::text[], {makers}::int8[])
  WITH ORDINALITY d(oid, schema, name, maker, number)
JOIN pg_namespace n ON n.nspname = d.schema JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = d.name
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'ctid' AND a.attnum < 0 AND a.xmin = d.maker::text::xid
WHERE c.relkind = 'r' AND c.oid <> d.oid::oid""")


@dataclass(frozen=True, slots=True)
class Heir:
    """A table that came back; `columns` as they were when it was dumped. `is_whole`: none of them was dropped since, so
    that what has their names, types and order is they."""

    table: Table
    columns: tuple[Column, ...]
    is_whole: bool


Heirs = Mapping[int, Heir]
"""By the oid that the table had when it was dumped."""


async def as_of_now(own: Connection, others: Sequence[Undone]) -> tuple[list[Undone], Heirs]:
    """All of them, with what came back in the place of what they knew."""
    found = await heirs(own, others)
    return [_undone(one, found) for one in others] if found else list(others), found


async def heirs(own: Connection, others: Sequence[Undone]) -> Heirs:
    """Of all dumps among `others`; also where what came back of one was dumped again, and came back."""
    makers = await committed(own, {xid for one in others if one.known.dump for xid in one.by})
    back = [
        (one, xid % EPOCH)
        for each in others
        if each.known.dump
        for xid in each.by
        if xid in makers
        for one in each.known.dump.tables
    ]
    if not back:
        return {}
    values = {
        "oids": [one.oid for one, _ in back],
        "schemas": [one.schema for one, _ in back],
        "names": [one.name for one, _ in back],
        "makers": [maker for _, maker in back],
    }
    born = await rows(own, _BORN.format(**{name: sql.Literal(value) for name, value in values.items()}))
    there = await tables(own, {oid for _, oid, _ in born})
    found = {
        back[number - 1][0].oid: Heir(there[oid], back[number - 1][0].columns, whole) for number, oid, whole in born
    }
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

    return replace(one, known=moved(one.known, found), opened=opened)


def _table(kept: CapturedTable, found: Heirs) -> CapturedTable:
    """No columns: they are not known to be the same."""
    heir = found.get(kept.effect.oid)
    if heir is None:
        return kept
    same = heir.is_whole and are_the_same(kept.columns, heir.columns) and kept.columns == heir.table.columns
    columns = heir.table.columns if same else ()
    return replace(kept, effect=replace(kept.effect, oid=heir.table.oid), columns=columns)
