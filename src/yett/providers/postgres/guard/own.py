"""Yett's own connection to the database that the agent works in: what it is set to, and how its errors are told."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

import psycopg
from psycopg import sql

from yett.providers.postgres.guard.effects import Unguardable

Connection = psycopg.AsyncConnection[Any]  # Any: psycopg's own default for the row type

STATEMENT_TIMEOUT_MS = 600_000
LOCK_TIMEOUT_MS = 10_000

SEARCH_PATH = sql.SQL("pg_catalog, pg_temp")
_SETTINGS = sql.SQL("""
SET search_path = {};
SET row_security = off;
SET jit = off;
SET client_encoding = 'UTF8';
SET default_transaction_read_only = off;
SET default_transaction_isolation = 'read committed';
SET default_transaction_deferrable = off;
SET idle_in_transaction_session_timeout = 0;
SET synchronous_commit = local;
SET statement_timeout = {};
SET lock_timeout = {}""").format(SEARCH_PATH, sql.Literal(STATEMENT_TIMEOUT_MS), sql.Literal(LOCK_TIMEOUT_MS))

# A commit of Yett's own that is flushed: all that the agent's transaction wrote to the log before is flushed with it,
# so that no crash lets another transaction be given its id (what `restore.settle` goes by).
FLUSH = sql.SQL("SELECT pg_logical_emit_message(true, 'yett', '')")


class Own(Protocol):
    """Gives connections as Yett's own role, to the primary that the agent's connection goes to: no pooler between.

    The role reads every table (owner, or SELECT and BYPASSRLS); to restore it also writes them. Each connection is
    used by one caller at a time and comes back with other settings than it was given with: close it, or DISCARD ALL.
    """

    def connection(self) -> AbstractAsyncContextManager[Connection]: ...


@contextlib.asynccontextmanager
async def opened(own: Own) -> AsyncIterator[Connection]:
    """A connection in autocommit that finds only the system's own functions by name and bypasses row security.

    Raises:
        Unguardable: the server refused or broke off; the message holds its words, never a connection string.
    """
    try:
        async with own.connection() as connection:
            if not connection.autocommit:
                await connection.set_autocommit(True)
            await connection.execute(_SETTINGS)
            yield connection
    except psycopg.Error as error:
        raise Unguardable(
            f"Yett's own connection to the database failed ({error.sqlstate or 'no answer'}): {told(error)}",
            "look at the rights of Yett's own role in this database, then run the statement again",
        ) from None


def told(error: psycopg.Error) -> str:
    """The server's own words. Not its detail, which quotes rows, and nothing of the statement or the connection."""
    return error.diag.message_primary or type(error).__name__


async def rows(connection: Connection, query: sql.Composable) -> list[Any]:
    """All rows of a query. Any: what the columns hold is the caller's knowledge."""
    return list(await (await connection.execute(composed(query))).fetchall())


def answers(connection: Connection) -> Callable[[str], Awaitable[list[tuple[str | None, ...]]]]:
    """Answers queries that are made of constants and oids."""

    async def asked(query: str) -> list[tuple[str | None, ...]]:
        return list(await (await connection.execute(query.encode())).fetchall())

    return asked


async def row(connection: Connection, query: sql.Composable) -> Any:
    """The one row of a query."""
    (found,) = await rows(connection, query)
    return found


def composed(query: sql.Composable) -> sql.Composed:
    return query if isinstance(query, sql.Composed) else sql.Composed([query])
