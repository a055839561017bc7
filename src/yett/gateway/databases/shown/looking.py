"""What a person is shown of the tables that a statement is about: how large, how many rows, what hangs on them.

Three questions, each worth less than the one before if time runs out: what the catalog says (it waits for no lock),
how large the files are, and how many rows there are, counted, the smallest table first. Rows that nobody had the time
to count are what the server's statistics say, and are marked as an estimate.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import LiteralString

import psycopg
from psycopg import sql

from yett.gateway.databases.pool import OwnPool
from yett.model.errors import YettError
from yett.providers.postgres.own import Own

_log = logging.getLogger("yett.gateway")

LOOK_S = 1.0
"""All of it: what cannot be counted by then is an estimate, and says so."""

COUNT_S = 0.7
"""For counting, of all tables together; the smallest first, so that a large one takes nothing from them."""

LOCK_MS = 100
MOST_TABLES = 200
_HOLD_ROWS = ("r", "m")
"""Tables and materialised views. The rows of a partitioned table lie in its partitions."""

_ABOUT: LiteralString = """
SELECT c.oid::int8, n.nspname, c.relname, c.relkind::text,
  ARRAY(SELECT format('%%s (foreign key%%s)', f.conrelid::regclass, CASE f.confdeltype WHEN 'c' THEN ', deletes with it'
      WHEN 'n' THEN ', set to null' WHEN 'd' THEN ', set to its default' ELSE '' END)
    FROM pg_constraint f WHERE f.confrelid = c.oid AND f.contype = 'f' AND f.conrelid <> c.oid ORDER BY 1)
  || ARRAY(SELECT DISTINCT format('view %%s', r.ev_class::regclass)
    FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid
    WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid
      AND r.ev_class <> c.oid ORDER BY 1)
  || ARRAY(SELECT format('trigger %%I', t.tgname) FROM pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal
    ORDER BY 1),
  c.reltuples::float8, c.relpages::int8, pg_stat_get_live_tuples(c.oid)::int8
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = ANY (%s::oid[])"""
_SIZES: LiteralString = """
SELECT c.oid::int8, pg_total_relation_size(c.oid), pg_relation_size(c.oid)
FROM pg_class c WHERE c.oid = ANY (%s::oid[])"""
_BLOCK = 8192


@dataclass(frozen=True, slots=True)
class About:
    """One relation. `rows` is -1 where not even the server's statistics know; `estimated`: nobody counted them.

    `holds_rows`: it is a table by itself. `copies`: what is known of its database's backups.
    """

    size_bytes: int
    dependants: tuple[str, ...]
    holds_rows: bool = True
    rows: int = -1
    estimated: bool = False
    copies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Stated:
    """What the catalog states of a relation, from its last ANALYZE and the server's running statistics."""

    schema: str
    name: str
    tuples: float
    pages: int
    live: int

    def rows(self, pages: int) -> int:
        """As the planner reckons (estimate_rel_size): the rows a page at the last ANALYZE, times its pages now."""
        if self.tuples > 0 and self.pages > 0:
            return round(self.tuples / self.pages * pages)
        return self.live if self.live > 0 or self.tuples == 0 else -1


async def about(own: OwnPool, oids: Sequence[int], *, count: bool) -> dict[int, About]:
    """What is known of them within a second; what could not be asked is left out. Changes nothing."""
    if not oids:
        return {}
    found: dict[int, About] = {}
    try:
        async with asyncio.timeout(LOOK_S), own.connection() as connection:
            await connection.execute(f"SET statement_timeout = 900; SET lock_timeout = {LOCK_MS}")
            stated = await _state(connection, list(oids)[:MOST_TABLES], found)
            await _measure(connection, stated, found)
            if count:
                await _count(connection, stated, found)
    except (YettError, psycopg.Error, TimeoutError) as error:
        _log.info("not everything could be shown of a table: %s", type(error).__name__)
    return found


async def _state(own: Own, oids: list[int], found: dict[int, About]) -> dict[int, _Stated]:
    stated = {}
    rows = await (await own.execute(_ABOUT, [oids])).fetchall()
    for oid, schema, name, kind, dependants, tuples, pages, live in rows:
        one = stated[int(oid)] = _Stated(schema, name, float(tuples), int(pages), int(live))
        holds = kind in _HOLD_ROWS
        known = one.rows(one.pages) if holds else -1
        listed = tuple(str(dependant) for dependant in dependants)
        found[int(oid)] = About(one.pages * _BLOCK, listed, holds, known, estimated=known >= 0)
    return stated


async def _measure(own: Own, stated: dict[int, _Stated], found: dict[int, About]) -> None:
    """Sizes now. A table that is locked against readers keeps what the catalog said, and so do the others."""
    try:
        rows = await (await own.execute(_SIZES, [list(stated)])).fetchall()
    except (psycopg.errors.LockNotAvailable, psycopg.errors.QueryCanceled):
        return
    for oid, total, heap in rows:
        one = found[int(oid)]
        rows_now = stated[int(oid)].rows(max(1, int(heap) // _BLOCK)) if one.holds_rows else -1
        found[int(oid)] = replace(one, size_bytes=int(total), rows=rows_now, estimated=rows_now >= 0)


async def _count(own: Own, stated: dict[int, _Stated], found: dict[int, About]) -> None:
    until = time.monotonic() + COUNT_S
    for oid in sorted((oid for oid, one in found.items() if one.holds_rows), key=lambda oid: found[oid].size_bytes):
        left_ms = int((until - time.monotonic()) * 1000)
        if left_ms < 1:
            return
        try:
            await own.execute(f"SET statement_timeout = {left_ms}")
            query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(stated[oid].schema, stated[oid].name))
            row = await (await own.execute(query)).fetchone()
        except (psycopg.errors.LockNotAvailable, psycopg.errors.QueryCanceled):
            continue
        if row is not None:
            found[oid] = replace(found[oid], rows=int(row[0]), estimated=False)
