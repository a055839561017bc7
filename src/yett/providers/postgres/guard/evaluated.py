"""Let what the server evaluates for a row find what it names.

A check, a domain, a generated column or an index may call a function whose body names others without a schema: under
`pg_catalog` alone such a row could never come back. Yett's own role runs them, so that only schemas count in which
nobody but the owner may make anything, and what is built in comes first (CVE-2018-1058).
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from psycopg import sql

from yett.providers.postgres.guard.own import SEARCH_PATH, Connection, rows

_OWNERS_ALONE = sql.SQL("""
SELECT n.nspname FROM pg_catalog.unnest(pg_catalog.current_schemas(false)) WITH ORDINALITY AS s(name, place)
JOIN pg_catalog.pg_namespace n ON n.nspname OPERATOR(pg_catalog.=) s.name
WHERE n.nspname OPERATOR(pg_catalog.<>) 'pg_catalog' AND NOT EXISTS (
  SELECT FROM pg_catalog.aclexplode(n.nspacl) a WHERE a.privilege_type OPERATOR(pg_catalog.=) 'CREATE'
    AND a.grantee OPERATOR(pg_catalog.<>) n.nspowner)
ORDER BY s.place""")
_SET = sql.SQL("SET LOCAL search_path = pg_catalog, {}")


@asynccontextmanager
async def with_the_databases_path(own: Connection) -> AsyncIterator[None]:
    """Within a transaction. What is run in it by Yett itself names everything with its schema."""
    await own.execute("SET LOCAL search_path = DEFAULT")
    names = [sql.Identifier(name) for (name,) in await rows(own, _OWNERS_ALONE)]
    await own.execute(_SET.format(sql.SQL(", ").join([*names, sql.SQL("pg_temp")])))
    yield
    await own.execute(sql.SQL("SET LOCAL search_path = {}").format(SEARCH_PATH))
