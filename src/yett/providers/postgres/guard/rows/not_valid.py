"""Constraints that are NOT VALID hold for new rows alone: rows from before them come back past them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

from psycopg import sql

from yett.providers.postgres.guard.own import Connection, rows
from yett.providers.postgres.guard.table import Table

# One that is inherited, or that others inherit, cannot be taken off one table alone: the server checks it.
_NOT_VALID = sql.SQL("""
SELECT k.conname, pg_get_constraintdef(k.oid), obj_description(k.oid, 'pg_constraint') FROM pg_constraint k
WHERE k.conrelid = {oid} AND k.contype IN ('c', 'n') AND NOT k.convalidated AND k.coninhcount = 0
  AND (k.connoinherit OR NOT EXISTS (SELECT FROM pg_inherits i WHERE i.inhparent = k.conrelid))
ORDER BY k.conname""")


async def has_not_valid(own: Connection, table: Table) -> bool:
    return bool(await rows(own, _NOT_VALID.format(oid=sql.Literal(table.oid))))


@asynccontextmanager
async def unchecked(own: Connection, tables: Collection[Table]) -> AsyncIterator[None]:
    """Within a transaction: they are taken off, and made again as they were, without a look at any row."""
    again: list[sql.Composed] = []
    for table in tables:
        for name, definition, comment in await rows(own, _NOT_VALID.format(oid=sql.Literal(table.oid))):
            what = (table.quoted, sql.Identifier(name))
            await own.execute(sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(*what))
            again.append(sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} {}").format(*what, sql.SQL(definition)))
            if comment is not None:
                said = sql.SQL("COMMENT ON CONSTRAINT {1} ON {0} IS {2}").format(*what, sql.Literal(comment))
                again.append(said)
    yield
    for statement in again:
        await own.execute(statement)
