"""Roles of leases that a dump grants something to, and that are gone: a lease ends, and its undo is wanted after it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from psycopg import sql

from yett.providers.postgres.guard.own import Connection, rows
from yett.providers.postgres.own import own_membership, rights
from yett.providers.postgres.role import leases_in


@asynccontextmanager
async def standing_in(own: Connection, script: bytes) -> AsyncIterator[None]:
    """While `script` runs in an open transaction, each of them is there, without a login; and gone before its end."""
    named = leases_in(script.decode("utf-8", "replace"))
    there = {name for (name,) in await rows(own, sql.SQL("SELECT rolname::text FROM pg_roles"))}
    gone = sorted(named - there)
    facts = await rights(own) if gone else None
    for name in gone:
        await own.execute(sql.SQL("CREATE ROLE {} NOLOGIN NOINHERIT").format(sql.Identifier(name)))
        if facts is not None and not facts.superuser:
            await own.execute(own_membership(name, facts))
    yield
    for name in gone:
        await own.execute(sql.SQL("DROP OWNED BY {0}; DROP ROLE {0}").format(sql.Identifier(name)))
