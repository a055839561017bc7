"""An archive, read back: the rows in it are those that the tables hold, as one snapshot shows them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from psycopg import sql

from yett.providers.postgres.guard.dumps import archive
from yett.providers.postgres.guard.dumps.archive import Kind
from yett.providers.postgres.guard.dumps.dependents import Relation
from yett.providers.postgres.guard.dumps.dumped import DumpedTable
from yett.providers.postgres.guard.effects import Unguardable
from yett.providers.postgres.guard.labels import Labels, labels
from yett.providers.postgres.guard.own import Connection, row, rows
from yett.providers.postgres.guard.table import Table, tables
from yett.providers.postgres.guard.xids import EPOCH

# As pg_dump sets them, so that the text of a row is the same.
AS_PG_DUMP = """
SET LOCAL extra_float_digits = 3; SET LOCAL datestyle = ISO; SET LOCAL intervalstyle = POSTGRES;
SET LOCAL synchronize_seqscans = off"""
_DIGEST = sql.SQL("""
SELECT count(*), coalesce(encode(sha256(convert_to(string_agg(d, '' ORDER BY d COLLATE "C"), 'UTF8')), 'hex'), '')
FROM (SELECT md5(record_send(ROW({columns}))) AS d FROM ONLY {table} AS t) x""")


@dataclass(frozen=True, slots=True)
class Held:
    """What one snapshot shows of the tables in an archive: `next_xid` and `open_xids` as in `Dump`, and the enum types
    (oid) of their columns."""

    next_xid: int
    open_xids: frozenset[int]
    tables: tuple[DumpedTable, ...]
    enums: frozenset[int]
    labels: Labels


async def archived(own: Connection, relations: Sequence[Relation], selected: Sequence[str], target: Path) -> Held:
    """Write it and compare it, in one snapshot. Raises Unguardable: it is not what the tables hold, or they cannot be
    kept."""
    async with own.transaction():
        await own.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        (snapshot,) = await row(own, sql.SQL("SELECT pg_export_snapshot()"))
        await archive.dump(own, snapshot, target, selected)
        (next_xid,) = await row(own, sql.SQL("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::int8"))
        running = await rows(own, sql.SQL("SELECT pg_snapshot_xip(pg_current_snapshot())::text::int8"))
        open_xids = frozenset(xid % EPOCH for (xid,) in running)
        found = list((await tables(own, [relation.oid for relation in relations if relation.kind == "r"])).values())
        for table in found:
            if table.obstacle:
                raise Unguardable(f"{table.label} {table.obstacle}")
        await own.execute(AS_PG_DUMP)
        described = tuple([await _described(own, table) for table in found])
        enums = frozenset[int]().union(*(table.enums for table in found))
        held = Held(next_xid, open_xids, described, enums, await labels(own, enums))
        await _must_hold_all(own, target, found)
    return held


async def _described(own: Connection, table: Table) -> DumpedTable:
    count, digest = await row(own, digest_query(table))
    return DumpedTable(table.oid, table.schema, table.name, table.filenode, table.columns, count, digest)


def digest_query(table: Table, *, by_oid: bool = False) -> sql.Composed:
    """Query for the number of rows, and SHA-256 over the rows' own digests in order.

    Sent, a value of a type that is not built in holds its type's oid, which is another once the type was made again: so
    it counts as text, under `AS_PG_DUMP`, as its type's own output gives it (a cast may be somebody's function).
    `by_oid`: as digests were made before.
    """
    sent = [by_oid or "." not in column.type for column in table.columns]  # format_type names a built-in one alone
    columns = sql.SQL(", ").join(
        [
            sql.SQL("t.{}" if as_it_is else "format('%L', t.{})").format(column.quoted)
            for column, as_it_is in zip(table.columns, sent, strict=True)
        ]
    )
    return _DIGEST.format(columns=columns, table=table.quoted)


async def _must_hold_all(own: Connection, target: Path, found: list[Table]) -> None:
    """The rows in the archive are, byte for byte, those that the server gives in the same form."""
    archived = await _archived(target)
    for table in found:
        columns = sql.SQL(", ").join([column.quoted for column in table.written])
        statement = sql.SQL("COPY {} ({}) TO STDOUT").format(table.quoted, columns)
        digest = hashlib.sha256()
        async with own.cursor() as cursor, cursor.copy(statement) as copy:
            async for line in copy:
                digest.update(line)
        if archived.get((table.schema, table.name), hashlib.sha256().hexdigest()) != digest.hexdigest():
            raise Unguardable(f"the dump does not hold the rows of {table.label}", "run the statement again")


async def _archived(target: Path) -> dict[tuple[str, str], str]:
    found: dict[tuple[str, str], str] = {}
    name, digest = ("", ""), hashlib.sha256()
    async with archive.data(target) as lines:
        async for kind, line in archive.read(lines):
            if kind is Kind.COPY:
                name, digest = archive.copied(line), hashlib.sha256()
            elif kind is Kind.ROW:
                digest.update(line)
            elif kind is Kind.END:
                found[name] = digest.hexdigest()
    return found
