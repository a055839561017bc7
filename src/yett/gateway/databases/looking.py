"""What a person is shown of the tables that a statement is about: how large, how many rows, what hangs on them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

import psycopg
from psycopg import sql

from yett.gateway.databases.pool import OwnPool
from yett.model.errors import YettError

_log = logging.getLogger("yett.gateway")

LOOK_S = 1.0
"""All of it: what cannot be counted by then is unknown, and says so."""

MOST_TABLES = 200
_HOLD_ROWS = ("r", "m")
"""Tables and materialised views. The rows of a partitioned table lie in its partitions."""

_ABOUT = """
SELECT c.oid::int8, pg_total_relation_size(c.oid), c.relkind::text,
  ARRAY(SELECT format('%%s (foreign key%%s)', f.conrelid::regclass, CASE f.confdeltype WHEN 'c' THEN ', deletes with it'
      WHEN 'n' THEN ', set to null' WHEN 'd' THEN ', set to its default' ELSE '' END)
    FROM pg_constraint f WHERE f.confrelid = c.oid AND f.contype = 'f' AND f.conrelid <> c.oid ORDER BY 1)
  || ARRAY(SELECT DISTINCT format('view %%s', r.ev_class::regclass)
    FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid
    WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid
      AND r.ev_class <> c.oid ORDER BY 1)
  || ARRAY(SELECT format('trigger %%I', t.tgname) FROM pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal
    ORDER BY 1),
  n.nspname, c.relname
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = ANY (%s::oid[])"""


@dataclass(frozen=True, slots=True)
class About:
    """One relation. `rows` is exact, -1 where nobody had the time to count; `holds_rows`: it is a table by itself."""

    size_bytes: int
    dependants: tuple[str, ...]
    holds_rows: bool = True
    rows: int = -1


async def about(own: OwnPool, oids: Sequence[int], *, count: bool) -> dict[int, About]:
    """What is known of them within a second; what could not be asked is left out. Changes nothing."""
    if not oids:
        return {}
    found: dict[int, About] = {}
    try:
        async with asyncio.timeout(LOOK_S), own.connection() as connection:
            await connection.execute("SET statement_timeout = 900; SET lock_timeout = 100")
            rows = await (await connection.execute(_ABOUT, [list(oids)[:MOST_TABLES]])).fetchall()
            for oid, size, kind, dependants, _, _ in rows:
                found[int(oid)] = About(int(size), tuple(str(one) for one in dependants), kind in _HOLD_ROWS)
            for oid, _, kind, _, schema, name in rows if count else ():
                if kind in _HOLD_ROWS:
                    counted = await connection.execute(
                        sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(schema, name))
                    )
                    row = await counted.fetchone()
                    known = found[int(oid)]
                    found[int(oid)] = replace(known, rows=int(row[0]) if row else -1)
    except (YettError, psycopg.Error, TimeoutError) as error:
        _log.info("not everything could be shown of a table: %s", type(error).__name__)
    return found
