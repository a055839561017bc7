"""Whose the rows of a dumped table were, as far as earlier undos tell by that what their transactions left.

All that comes back from a dump is under one id, that of the transaction which brings it back. So the rows that are
under an id which an earlier undo knows are kept a second time, with their ids, and `chain` finds their writers there.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from psycopg import sql

from yett.model.errors import YettError
from yett.providers.postgres.guard.captured import Captured, CapturedTable
from yett.providers.postgres.guard.copying import Outflow, keep, kept_into
from yett.providers.postgres.guard.effects import TableEffect
from yett.providers.postgres.guard.own import Connection, row
from yett.providers.postgres.guard.rows.beside import Beside
from yett.providers.postgres.guard.rows.chain import Undone
from yett.providers.postgres.guard.rows.taking import Taken
from yett.providers.postgres.guard.sink import Sink
from yett.providers.postgres.guard.table import Table, tables
from yett.providers.postgres.guard.xids import EPOCH, listed

MOST_BYTES = 256 << 20
"""Of one table's rows: whoever writes to it waits meanwhile. Without them its earlier undos are refused."""

_SIZE = sql.SQL("""
SELECT coalesce(sum(pg_column_size(t.*)), 0)::int8 FROM ONLY {table} AS t
WHERE t.xmin = ANY ({xids}::xid[])""")
_FOUND_AGAIN = sql.SQL("""
SELECT count(*) FROM {copy} p JOIN ONLY {table} AS t ON {same_key} WHERE {same_image}""")
_ROWS = sql.SQL("""
SELECT true, t.ctid, t.xmin, {columns} FROM ONLY {table} AS t WHERE t.xmin = ANY ({xids}::xid[])""")


async def versions(own: Connection, oids: Collection[int], others: Sequence[Undone], sink: Sink) -> list[Taken]:
    """Of tables (oids) that the agent holds locked against writers.

    Not of those without a key, as their undos find no row again that was moved; nor where rows may not come back as the
    same bytes, or are too many. Of all others, all.
    """
    kept = []
    for table in (await tables(own, oids)).values():
        known = any(one.kept(table) or one.dumped(table) for one in others)
        if not known or not table.keys or table.doubtful or table.obstacle:
            continue
        xids = writers(table, others)
        (size,) = await row(own, _SIZE.format(table=table.quoted, xids=sql.Literal(listed(xids))))
        if size <= MOST_BYTES:
            kept.append(await _kept(own, table, xids, sink))
    return kept


def writers(table: Table, others: Sequence[Undone]) -> frozenset[int]:
    """The ids (32 bits) of what undos of its rows undo, and of all that brought something of it back."""
    wrote = frozenset(xid for one in others if one.kept(table) for xid in one.known.xids)
    return wrote | {xid % EPOCH for one in others if one.kept(table) or one.dumped(table) for xid in one.by}


async def found_again(own: Connection, captured: Captured, table: Table, was: int) -> bool:
    """Whether all that was kept of a table (its oid then) stands in what came back, as the same bytes."""
    kept = next((one for one in captured.versions if one.effect.oid == was), None)
    key = next((key for key in table.keys if kept and tuple(one.name for one in key) == kept.key), None)
    if kept is None or key is None:
        return False
    copy = Beside(f"yett_versions_{table.oid}", table)
    await copy.make(own)
    if await kept_into(own, copy.quoted, captured, kept.file) != kept.rows:
        raise YettError(f"the rows of {table.label} beside its dump are not {kept.rows}")
    same = {"same_key": copy.same_key(key), "same_image": copy.same_image()}
    (found,) = await row(own, _FOUND_AGAIN.format(copy=copy.quoted, table=table.quoted, **same))
    return bool(found == kept.rows)


async def _kept(own: Connection, table: Table, xids: frozenset[int], sink: Sink) -> Taken:
    columns = sql.SQL(", ").join([sql.SQL("t.{}").format(column.quoted) for column in table.columns])
    query = _ROWS.format(columns=columns, table=table.quoted, xids=sql.Literal(listed(xids)))
    outflow = Outflow(own, query, 2 * MOST_BYTES)
    file = await keep(sink, f"{table.oid}.versions", outflow.pieces())
    found = CapturedTable(
        TableEffect(table.oid, table.schema, table.name, 0, 0, 0),
        table.columns,
        tuple(one.name for one in table.keys[0]),
        table.filenode,
        table.is_partition,
        outflow.rows,
        whole=False,
        changed=None,
        new=None,
        file=file.name,
        new_file="",
    )
    return Taken(found, (file,), frozenset())
