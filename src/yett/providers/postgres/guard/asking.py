"""What the agent's own connection answers about itself.

These statements run in the agent's session, whose search_path the agent chooses: every name, operator and cast in them
is qualified, so that no function of the agent's can answer in the server's place. A statement that fails would abort
the agent's transaction, so rights are asked for before tables are.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from psycopg import sql

from yett.providers.postgres.guard.dumps.dumped import DumpedTable, Key
from yett.providers.postgres.guard.effects import Unguardable
from yett.providers.postgres.guard.executing import Executing

_FORCED = """
SELECT c.oid::pg_catalog.text FROM pg_catalog.pg_class c
WHERE c.relforcerowsecurity AND c.relrowsecurity
  AND c.oid OPERATOR(pg_catalog.=) ANY ('{{{oids}}}'::pg_catalog.oid[])"""
_STATE = """
SELECT pg_catalog.pg_current_xact_id_if_assigned()::pg_catalog.text, pg_catalog.current_setting('track_counts'),
  pg_catalog.pg_backend_pid()::pg_catalog.text, pg_catalog.mxid_age('1'::pg_catalog.xid)::pg_catalog.text,
  pg_catalog.current_setting('transaction_isolation')"""
ASSIGN = "SELECT pg_catalog.pg_current_xact_id()::pg_catalog.text"
_COUNTS = """
SELECT relid::pg_catalog.text, schemaname, relname,
  n_tup_del::pg_catalog.text, n_tup_upd::pg_catalog.text, n_tup_ins::pg_catalog.text
FROM pg_catalog.pg_stat_xact_all_tables
WHERE n_tup_ins OPERATOR(pg_catalog.>) 0 OR n_tup_upd OPERATOR(pg_catalog.>) 0 OR n_tup_del OPERATOR(pg_catalog.>) 0"""
# A holdable cursor that this transaction made runs to its end at COMMIT, with every function that it calls.
_HELD_CURSORS = """
SELECT name FROM pg_catalog.pg_cursors
WHERE is_holdable AND creation_time OPERATOR(pg_catalog.>=) pg_catalog.transaction_timestamp()"""
# Portals count, too, but for the one that this very text runs in.
_OPEN_CURSORS = """
SELECT name FROM pg_catalog.pg_cursors
WHERE name OPERATOR(pg_catalog.<>) '' AND statement OPERATOR(pg_catalog.<>) pg_catalog.current_query()
  AND creation_time OPERATOR(pg_catalog.>=) pg_catalog.transaction_timestamp()"""
_DEFERRABLE_TRIGGERS = """
SELECT CASE WHEN pg_catalog.has_schema_privilege(n.oid, 'USAGE')
  THEN pg_catalog.format('%I.%I', n.nspname, k.conname) ELSE 'ALL' END
FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) k.connamespace
WHERE k.contype OPERATOR(pg_catalog.=) 't' AND k.condeferrable"""
_MADE = """
SELECT c.oid::pg_catalog.text, n.nspname, c.relname, c.relpersistence::pg_catalog.text
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
WHERE c.oid OPERATOR(pg_catalog.=) ANY ('{{{oids}}}'::pg_catalog.oid[])"""
_NAMES = """
SELECT c.oid::pg_catalog.text, pg_catalog.format('%I.%I', n.nspname, c.relname)
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
WHERE c.relkind IN ('r', 'p') AND c.oid OPERATOR(pg_catalog.=) ANY ('{{{oids}}}'::pg_catalog.oid[])"""
_THERE = """
SELECT c.oid::pg_catalog.text FROM pg_catalog.pg_class c
WHERE c.oid OPERATOR(pg_catalog.=) ANY ('{{{oids}}}'::pg_catalog.oid[])"""
_NAMED = """
SELECT w.oid::pg_catalog.text, c.oid::pg_catalog.text, pg_catalog.format('%I.%I', n.nspname, c.relname)
FROM (VALUES {wanted}) w (oid, schema, name)
JOIN pg_catalog.pg_namespace n ON n.nspname OPERATOR(pg_catalog.=) w.schema::pg_catalog.name
JOIN pg_catalog.pg_class c ON c.relnamespace OPERATOR(pg_catalog.=) n.oid
  AND c.relname OPERATOR(pg_catalog.=) w.name::pg_catalog.name
WHERE c.relkind OPERATOR(pg_catalog.=) 'r'"""
_KEYS = """
SELECT k.conrelid::pg_catalog.text, k.conname FROM pg_catalog.pg_constraint k
WHERE k.contype OPERATOR(pg_catalog.=) 'f' AND k.conrelid OPERATOR(pg_catalog.=) ANY ('{{{oids}}}'::pg_catalog.oid[])"""
_SHAPES = """
SELECT c.oid::pg_catalog.text, pg_catalog.concat_ws('/', c.relkind, c.relfilenode, c.relnamespace, c.relname,
  (SELECT pg_catalog.string_agg(pg_catalog.concat_ws(' ', a.attnum, a.attname, a.atttypid, a.atttypmod, a.attisdropped,
      a.attgenerated), ',' ORDER BY a.attnum)
    FROM pg_catalog.pg_attribute a WHERE a.attrelid OPERATOR(pg_catalog.=) c.oid),
  (SELECT pg_catalog.string_agg(pg_catalog.md5(r.ev_action::pg_catalog.text), ',' ORDER BY r.oid)
    FROM pg_catalog.pg_rewrite r WHERE r.ev_class OPERATOR(pg_catalog.=) c.oid))
FROM pg_catalog.pg_class c WHERE c.oid OPERATOR(pg_catalog.=) ANY ('{{{oids}}}'::pg_catalog.oid[])"""
_READABLE = """
SELECT c.oid::pg_catalog.text
FROM pg_catalog.pg_class c
WHERE c.oid OPERATOR(pg_catalog.=) ANY ('{{{oids}}}'::pg_catalog.oid[])
  AND pg_catalog.has_schema_privilege(c.relnamespace, 'USAGE')
  AND pg_catalog.has_table_privilege(c.oid, 'SELECT') AND NOT pg_catalog.row_security_active(c.oid)"""

Counts = dict[int, tuple[str, str, int, int, int]]
"""By table's oid: schema, name, rows deleted, updated, inserted."""


@dataclass(frozen=True, slots=True)
class State:
    """`xid` is 0 if none is assigned. `next_multixact` has 32 bits. `read_committed`: each statement sees what others
    have committed."""

    xid: int
    next_multixact: int
    read_committed: bool


async def state(agent: Executing) -> State:
    """Raises Unguardable if the server counts no changes, or this is not the connection that it is said to be."""
    ((xid, counting, pid, age, isolation),) = await agent.rows(_STATE)
    if counting != "on":
        raise Unguardable(
            "this database does not count what a transaction changes (track_counts is off)",
            "switch track_counts on for this database; without it nothing can be undone",
        )
    if int(pid or 0) != agent.pid:
        raise Unguardable("the agent's connection goes through a pooler", "connect Yett's gateway to the server itself")
    return State(int(xid or 0), (int(age or 0) + 1) % 2**32, isolation == "read committed")


async def counts(agent: Executing) -> Counts:
    """What the session has changed in this transaction and in those whose statistics it has not sent yet."""
    found = await agent.rows(_COUNTS)
    return {int(r[0] or 0): (r[1] or "", r[2] or "", int(r[3] or 0), int(r[4] or 0), int(r[5] or 0)) for r in found}


async def run_what_waits_for_commit(agent: Executing) -> None:
    """Fire deferred triggers and constraints now, so that COMMIT changes nothing more.

    Raises:
        ServerError: a deferred constraint is violated, as COMMIT would have said.
        Unguardable: something else would still run at COMMIT.
    """
    await agent.rows("SET CONSTRAINTS ALL IMMEDIATE")
    cursors = [name for (name,) in await agent.rows(_HELD_CURSORS)]
    if cursors:
        raise Unguardable(
            f"the cursor {cursors[0]} WITH HOLD would run at COMMIT, after everything was measured",
            "close it before COMMIT, or declare it without WITH HOLD",
        )


async def run_what_was_let(agent: Executing) -> None:
    """Before something is redefined: nothing that was let run before may run what it is then.

    Raises:
        ServerError: a deferred constraint trigger fails, as it would have at COMMIT.
        Unguardable: a cursor, or a portal with a name, is open.
    """
    cursors = [name for (name,) in await agent.rows(_OPEN_CURSORS)]
    if cursors:
        raise Unguardable(
            f"the cursor {cursors[0]} is open, and this could change what it does",
            "close it first, and send this again",
        )
    triggers = {str(name) for (name,) in await agent.rows(_DEFERRABLE_TRIGGERS)}
    if triggers:  # who may not name one of them can still say ALL
        await agent.rows(f"SET CONSTRAINTS {'ALL' if 'ALL' in triggers else ', '.join(sorted(triggers))} IMMEDIATE")


async def made(agent: Executing, oids: Collection[int]) -> dict[int, tuple[str, bool]]:
    """Name and whether temporary, of the relations among `oids` that the agent's transaction sees."""
    if not oids:
        return {}
    found = await agent.rows(_MADE.format(oids=_listed(oids)))
    return {int(oid or 0): (f"{schema}.{name}", kind == "t") for oid, schema, name, kind in found}


async def names(agent: Executing, oids: Collection[int]) -> dict[int, str]:
    """How to write those of the tables that are there, quoted and qualified."""
    found = await agent.rows(_NAMES.format(oids=_listed(oids))) if oids else []
    return {int(oid or 0): name or "" for oid, name in found}


async def there(agent: Executing, oids: Collection[int]) -> set[int]:
    """Those of the relations that the agent has not dropped."""
    found = await agent.rows(_THERE.format(oids=_listed(oids))) if oids else []
    return {int(oid or 0) for (oid,) in found}


async def named(agent: Executing, tables: Collection[DumpedTable]) -> dict[int, tuple[int, str]]:
    """By the oid that each had: the relation that has its name now, and how to write it."""
    if not tables:
        return {}
    wanted = sql.SQL(", ").join(
        [sql.SQL("({}, {}, {})").format(*map(sql.Literal, (one.oid, one.schema, one.name))) for one in tables]
    )
    found = await agent.rows(_NAMED.format(wanted=wanted.as_string(None)))
    return {int(was or 0): (int(now or 0), said or "") for was, now, said in found}


async def hidden_from_owners(agent: Executing, oids: Collection[int]) -> frozenset[int]:
    """Those relations (oids) whose policies hold for their owner, too."""
    found = await agent.rows(_FORCED.format(oids=_listed(oids))) if oids else []
    return frozenset(int(oid or 0) for (oid,) in found)


async def keys(agent: Executing, wanted: Collection[Key]) -> frozenset[tuple[int, str]]:
    """All foreign keys of their tables (oid), by name."""
    oids = {key.table for key in wanted if key.table}
    found = await agent.rows(_KEYS.format(oids=_listed(oids))) if oids else []
    return frozenset((int(table or 0), name or "") for table, name in found)


def shapes_query(oids: Collection[int]) -> str:
    """Query for what each relation's rows and columns rest on: its file, its columns, a view's own query.

    It takes no lock, and is asked on both sides: a lock alone may only be for a foreign key that went.
    """
    return _SHAPES.format(oids=_listed(oids))


async def readable(agent: Executing, oids: Collection[int]) -> frozenset[int]:
    """The tables that the agent's role may read as a whole, with every row."""
    if not oids:
        return frozenset()
    return frozenset(int(oid or 0) for (oid,) in await agent.rows(_READABLE.format(oids=_listed(oids))))


def _listed(oids: Collection[int]) -> str:
    return ",".join(str(int(oid)) for oid in sorted(oids))
