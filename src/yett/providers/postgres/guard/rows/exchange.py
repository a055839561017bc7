"""Rows that the transaction left go out, rows from before come back, within a transaction whose triggers are silent."""

from __future__ import annotations

from collections.abc import Sequence

import psycopg
from psycopg import sql

from yett.providers.postgres.guard.evaluated import with_the_databases_path
from yett.providers.postgres.guard.own import Connection
from yett.providers.postgres.guard.rows.compare import Compared
from yett.providers.postgres.guard.rows.not_valid import has_not_valid
from yett.providers.postgres.guard.table import Table

_TAKE_OUT = sql.SQL("DELETE FROM ONLY {table} AS t USING {there} r WHERE t.ctid = r.row_at")
_PUT_IN = sql.SQL("""
INSERT INTO {table} ({columns}) OVERRIDING SYSTEM VALUE SELECT {kept} FROM {pre} p WHERE p.gone""")


async def exchange(connection: Connection, parts: Sequence[Compared]) -> None:
    for part in parts:
        await connection.execute(_TAKE_OUT.format(table=part.table.quoted, there=part.there))
    async with with_the_databases_path(connection):
        for part in parts:
            await connection.execute(_insert(part))


async def tried(connection: Connection, parts: Sequence[Compared]) -> list[Table]:
    """The tables whose constraints that are NOT VALID must be taken off: none, unless a row does not come back else."""
    loose = [part.table for part in parts if part.returning and await has_not_valid(connection, part.table)]
    if not loose:
        return []
    try:
        async with connection.transaction(force_rollback=True):
            await exchange(connection, parts)
    except (psycopg.errors.CheckViolation, psycopg.errors.NotNullViolation):
        return loose
    return []


def _insert(part: Compared) -> sql.Composed:
    written = part.table.written
    return _PUT_IN.format(
        table=part.table.quoted,
        columns=sql.SQL(", ").join([column.quoted for column in written]),
        kept=sql.SQL(", ").join([sql.SQL("p.{}").format(part.pre.column(column.name)) for column in written]),
        pre=part.pre.quoted,
    )
