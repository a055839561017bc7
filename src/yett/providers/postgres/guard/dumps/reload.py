"""Bring back tables from a dump, within a transaction: definitions and rows, or the rows of tables that were emptied.

Refused where somebody has done something with these tables since: rows or definitions that were made after the dump by
any transaction but the one that it was made for.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from psycopg import sql

from yett.model.errors import YettError
from yett.providers.postgres.guard.captured import Captured
from yett.providers.postgres.guard.copying import checked
from yett.providers.postgres.guard.dumps import archive
from yett.providers.postgres.guard.dumps.acls import of_leases, revoke_all_but
from yett.providers.postgres.guard.dumps.archive import Kind
from yett.providers.postgres.guard.dumps.dumped import Dump, DumpedTable, Key
from yett.providers.postgres.guard.dumps.gone_leases import standing_in
from yett.providers.postgres.guard.dumps.make_way import make_way
from yett.providers.postgres.guard.dumps.publications import back_in_place
from yett.providers.postgres.guard.dumps.read_back import AS_PG_DUMP, digest_query
from yett.providers.postgres.guard.dumps.shape import shapes
from yett.providers.postgres.guard.dumps.since import Now, Since
from yett.providers.postgres.guard.dumps.versions import found_again
from yett.providers.postgres.guard.evaluated import with_the_databases_path
from yett.providers.postgres.guard.own import Connection, answers, row, rows
from yett.providers.postgres.guard.rows.chain import Became
from yett.providers.postgres.guard.rows.silence import silenced
from yett.providers.postgres.guard.scratch import scratch
from yett.providers.postgres.guard.table import Table, tables
from yett.providers.postgres.guard.words.redefined import Change
from yett.providers.postgres.guard.words.types_back import types_back

_OID = sql.SQL("""
SELECT c.oid::int8 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = {schema} AND c.relname = {name}""")
_STATISTIC = sql.SQL("""
SELECT 1 FROM pg_statistic_ext s JOIN pg_namespace n ON n.oid = s.stxnamespace
WHERE n.nspname = {schema} AND s.stxname = {name}""")
_BY_HAND = "restore the undo beside and compare by hand: pg_dump's form of it does not say all"
_PRIVILEGES = {"USAGE": sql.SQL("USAGE"), "CREATE": sql.SQL("CREATE")}
_SETVAL = re.compile(rb"^SELECT pg_catalog\.setval\('((?:[^']|'')+)', (-?\d+), (true|false)\);\n$")
_SEQUENCE = sql.SQL("""
SELECT c.oid::int8, n.nspname, c.relname, s.seqincrement > 0
FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE s.seqrelid = {}::regclass""")
_POSITION = sql.SQL("SELECT last_value, is_called FROM {}")


@dataclass(frozen=True, slots=True)
class Reloaded:
    """How many rows came back, which foreign keys have to wait for tables that are not back yet, and what of the
    transaction's own work stood on the tables and is gone, described; and what the tables are now."""

    rows: int
    waiting: tuple[str, ...]
    gone: tuple[str, ...]
    became: tuple[Became, ...]


async def reload(
    own: Connection, captured: Captured, dump: Dump, since: Since, now: Now, redefined: Sequence[Change]
) -> Reloaded:
    """Bring them back, `now` being without conflicts, and with the enum types that were `redefined`.

    Raises:
        YettError: what came back is not what was dumped.
    """
    waiting = [] if now.only_rows else await since.waiting()
    emptied = [one.table for one in now.tables if one.table is not None and one.emptied]
    gone = list[str]()
    async with _on_disk(captured, dump) as path:
        if now.only_rows:
            async with silenced(own, emptied):
                await _load(own, path, {(table.schema, table.name) for table in emptied})
        else:
            leases = await of_leases(own, {(schema, name) for schema, name, _, _ in dump.rights})
            dropped, aside = await make_way(own, dump, since, now)
            await types_back(own, redefined)
            without = {one.key: one.name for one in waiting}
            tables_first, views, *behind = [
                await archive.script(path, parts, own.info.server_version, without)
                for parts in archive.in_order(views_apart=bool(aside.functions))
            ]
            async with standing_in(own, b"".join((tables_first, views, *behind))):
                await own.execute(tables_first)
                functions = await aside.functions_back(own)
                await own.execute(views)
                await _load(own, path, None)
                for script in behind:
                    await own.execute(script)
                await own.execute("SET LOCAL search_path = pg_catalog, pg_temp")
            await _statistics(own, dump)
            await back_in_place(own, dump.publications)
            await _foreign_keys(own, dump, since, dropped)
            gone = [*aside.views_gone, *await aside.rest_back(own, functions)]
            await _schema_grants(own, dump)
            await revoke_all_but(own, dump.rights)
            for grant in leases:
                await own.execute(grant)
    became = [await _became(own, captured, one, table) for one, table in await _must_equal(own, dump)]
    returned = sum(one.dumped.rows for one in now.tables if one.emptied or not now.only_rows)
    later = tuple(f"{one.name} to {one.schema}.{one.table_name}" for one in waiting)
    return Reloaded(returned, later, tuple(gone), tuple(became))


async def _became(own: Connection, captured: Captured, dumped: DumpedTable, table: Table) -> Became:
    shape = (await shapes(answers(own), [table.oid]))[table.oid]
    return Became(dumped.oid, table.oid, shape, await found_again(own, captured, table, dumped.oid))


async def _schema_grants(own: Connection, dump: Dump) -> None:
    """What roles may do in the schemas, PUBLIC too; a role that has gone since is left out."""
    there = {name for (name,) in await rows(own, sql.SQL("SELECT rolname::text FROM pg_roles"))}
    for schema in dump.schemas:
        await own.execute(sql.SQL("REVOKE ALL ON SCHEMA {} FROM PUBLIC").format(sql.Identifier(schema)))
    for schema, role, privilege, grantable in dump.grants:
        if role and role not in there:
            continue
        statement = sql.SQL("GRANT {} ON SCHEMA {} TO {}{}").format(
            _PRIVILEGES[privilege],
            sql.Identifier(schema),
            sql.Identifier(role) if role else sql.SQL("PUBLIC"),
            sql.SQL(" WITH GRANT OPTION" if grantable else ""),
        )
        await own.execute(statement)


@asynccontextmanager
async def _on_disk(captured: Captured, dump: Dump) -> AsyncIterator[Path]:
    """pg_restore reads a file: the archive is checked on its way to one that only Yett can read."""
    if captured.source is None:
        raise YettError("the undo's files cannot be read from where they were written")
    (file,) = [file for file in captured.files if file.name == dump.file]
    with scratch() as folder:
        path = folder / dump.file
        with path.open("wb") as target:
            async for piece in checked(captured.source, file):
                target.write(piece)
        yield path


async def _load(own: Connection, path: Path, wanted: set[tuple[str, str]] | None) -> None:
    """The rows of `wanted` tables, or of all. Sequences go on from where they are, if that is further."""
    positions: list[tuple[bytes, int, bool]] = []
    async with with_the_databases_path(own), archive.data(path) as lines, own.cursor() as cursor:
        parts = archive.read(lines)
        async for kind, line in parts:
            if kind is Kind.COPY and (wanted is None or archive.copied(line) in wanted):
                async with cursor.copy(line) as copy:
                    await _copy(copy, parts)
            elif kind is Kind.SQL and (found := _SETVAL.match(line)):
                positions.append((found[1], int(found[2]), found[3] == b"true"))
    for name, value, called in positions:
        await _position(own, name.decode().replace("''", "'"), value, called)


async def _copy(copy: Any, parts: AsyncIterator[tuple[Kind, bytes]]) -> None:  # Any: psycopg's AsyncCopy
    piece = bytearray()
    async for kind, line in parts:
        if kind is Kind.END:
            break
        piece += line
        if len(piece) >= archive.PIECE:
            await copy.write(bytes(piece))
            piece = bytearray()
    await copy.write(bytes(piece))


async def _position(own: Connection, name: str, value: int, called: bool) -> None:
    """Set a sequence where the dump has it, unless it has gone on since. `name` is as regclass reads it."""
    oid, schema, plain, ascending = await row(own, _SEQUENCE.format(sql.Literal(name)))
    now = await row(own, _POSITION.format(sql.Identifier(schema, plain)))
    ahead = now > (value, called) if ascending else (-now[0], now[1]) > (-value, called)
    if not ahead:
        values = (sql.Literal(oid), sql.Literal(value), sql.Literal(called))
        await own.execute(sql.SQL("SELECT setval({}::oid::regclass, {}, {})").format(*values))


async def _foreign_keys(own: Connection, dump: Dump, since: Since, dropped: set[Key]) -> None:
    """Those of other tables, but for one that was gone and comes back with its table, which has an undo, too.

    Without ONLY: a partitioned table's is its partitions', too; heirs of others have none of their parent's."""
    keys = zip(dump.keys, dump.foreign_keys, dump.key_comments, strict=True)
    for key, (schema, table, name, definition), comment in keys:
        relation = await since.named(schema, table, "rp")
        if key.table in dump.beside and key not in dropped and (relation is None or relation.oid == key.table):
            continue
        if relation is None:
            raise YettError(f"{schema}.{table} refers to it and is not there, so nothing was undone", "undo that first")
        add = sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} ").format(relation.quoted, sql.Identifier(name))
        await own.execute(sql.Composed([add, sql.SQL(definition)]))
        if comment:
            on = sql.SQL("COMMENT ON CONSTRAINT {} ON {} IS ").format(sql.Identifier(name), relation.quoted)
            await own.execute(sql.Composed([on, sql.SQL(comment)]))


async def _statistics(own: Connection, dump: Dump) -> None:
    """Those that pg_dump leaves out: it dumps statistics with their schema, not with their table."""
    for schema, name, definition, owner in dump.statistics:
        if await rows(own, _STATISTIC.format(schema=sql.Literal(schema), name=sql.Literal(name))):
            continue
        await own.execute(definition.encode())
        alter = sql.SQL("ALTER STATISTICS {} OWNER TO {}")
        await own.execute(alter.format(sql.Identifier(schema, name), sql.Identifier(owner)))


async def _must_equal(own: Connection, dump: Dump) -> list[tuple[DumpedTable, Table]]:
    found = []
    await own.execute(AS_PG_DUMP)
    for dumped in dump.tables:
        oids = await rows(own, _OID.format(schema=sql.Literal(dumped.schema), name=sql.Literal(dumped.name)))
        (table,) = (await tables(own, [oid for (oid,) in oids])).values() or (None,)
        if table is None or table.columns != dumped.columns:
            raise YettError(
                f"{dumped.schema}.{dumped.name} did not come back as it was, so nothing was changed", _BY_HAND
            )
        digests = [tuple(await row(own, digest_query(table)))]
        if digests != [(dumped.rows, dumped.sha256)]:
            digests.append(tuple(await row(own, digest_query(table, by_oid=True))))
        if (dumped.rows, dumped.sha256) not in digests:
            raise YettError(f"the rows of {table.label} did not come back the same, so nothing was changed", _BY_HAND)
        found.append((dumped, table))
    return found
