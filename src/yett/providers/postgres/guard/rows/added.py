"""Rows that a transaction added: how many there are, and their keys.

The undo takes out what carries the transaction's ids. That their number is the one noted here tells whether somebody
changed one since; the keys say which. Nothing of them is read where the server's counts are certain.
"""

from __future__ import annotations

from psycopg import sql

from yett.providers.postgres.guard import xids as ids
from yett.providers.postgres.guard.captured import CapturedTable, File
from yett.providers.postgres.guard.copying import from_records, keep
from yett.providers.postgres.guard.effects import TableEffect, Unguardable
from yett.providers.postgres.guard.own import row
from yett.providers.postgres.guard.rows.taking import Taken, Taking
from yett.providers.postgres.guard.table import Table
from yett.providers.postgres.guard.xids import Xids

PAGES_MORE = 256
"""Pages at a table's end that new keys are looked for in, beside one for each new row."""

_NEW_SEEN = """
SELECT t.xmin::pg_catalog.text, pg_catalog.count(*)::pg_catalog.text
FROM ONLY {table} AS t WHERE t.xmin OPERATOR(pg_catalog.=) ANY ('{own}'::pg_catalog.xid[]) GROUP BY t.xmin"""
_KEYS_SEEN = """
SELECT pg_catalog.encode(pg_catalog.record_send(ROW({key})), 'hex')
FROM ONLY {table} AS t WHERE t.xmin OPERATOR(pg_catalog.=) ANY ('{own}'::pg_catalog.xid[])"""
_FROM_PAGE = " AND t.ctid OPERATOR(pg_catalog.>=) '({page},0)'::pg_catalog.tid"
_PAGES = sql.SQL("SELECT pg_relation_size({oid}::oid::regclass) / current_setting('block_size')::int8")


async def added(taking: Taking, table: Table, effect: TableEffect, xids: Xids, readable: bool) -> Taken:
    """Of a table that rows were only added to: the server's counts of events are never too low, so that no row from
    before was touched, and nothing has to be read to know it. How many rows are new is the server's count, too, but
    where savepoints make that a count of events: then the agent's connection counts them."""
    new, proven = effect.inserted, frozenset[int]()
    if xids.aborted or xids.doubtful:
        new, proven = await _count_new(taking, table, xids)
        if new > effect.inserted:
            raise Unguardable(f"{table.label} holds more new rows than the server counted", "run it again")
    file = await keep(taking.sink, f"{table.oid}.{next(taking.numbers)}.rows", from_records(()))
    new_file = await new_keys(taking, table, xids, new) if readable else None
    captured = CapturedTable(
        effect,
        table.columns,
        tuple(column.name for column in table.keys[0]) if table.keys else (),
        table.filenode,
        table.is_partition,
        rows=0,
        whole=False,
        changed=None,
        new=new,
        file=file.name,
        new_file=new_file.name if new_file else "",
    )
    return Taken(captured, (file, new_file) if new_file else (file,), proven)


async def new_keys(
    taking: Taking, table: Table, xids: Xids, new: int, where: sql.Composable | None = None
) -> File | None:
    """The keys of the `new` rows, which the agent's role may read; None: there are too many, or there is no key.

    `where` they are looked for first, since what is updated mostly still holds what it was found by."""
    if not table.keys or not new or new > taking.limits.keys:
        return None
    key = ", ".join("t." + sql.Identifier(column.name).as_string(None) for column in table.keys[0])
    query = _KEYS_SEEN.format(key=key, own=ids.listed(xids.possible), table=table.quoted.as_string(None))
    if where is not None:
        records = await _records(taking, f"{query} AND {where.as_string(None)}")
        if len(records) == new:
            return await keep(taking.sink, f"{table.oid}.new", from_records(records))
    (pages,) = await row(taking.own, _PAGES.format(oid=sql.Literal(table.oid)))
    first = pages - new - PAGES_MORE
    records = await _records(taking, query + _FROM_PAGE.format(page=first)) if first > 0 else []
    if len(records) != new:  # not all of them lie at its end: there was room elsewhere
        records = await _records(taking, query)
    if len(records) != new:
        raise Unguardable(f"the new rows of {table.label} changed while they were read", "run it again")
    return await keep(taking.sink, f"{table.oid}.new", from_records(records))


async def _records(taking: Taking, query: str) -> list[str]:
    return [record or "" for (record,) in await taking.agent.rows(query)]


async def _count_new(taking: Taking, table: Table, xids: Xids) -> tuple[int, frozenset[int]]:
    """The rows of the transaction that its own connection sees, and the ids that made them."""
    found = await taking.agent.rows(_NEW_SEEN.format(own=ids.listed(xids.possible), table=table.quoted.as_string(None)))
    makers = frozenset(int(maker or 0) for maker, _ in found)
    await must_be_running(taking, table, xids, makers)
    return sum(int(number or 0) for _, number in found), makers


async def must_be_running(taking: Taking, table: Table, xids: Xids, makers: frozenset[int]) -> None:
    if makers - await ids.still_running(taking.own, xids.top, makers):
        raise Unguardable(f"another session's rows in {table.label} look like the transaction's own", "run it again")
