"""Keep triggers and rules from firing while rows are brought back.

`session_replication_role = replica` silences all that are not marked ENABLE REPLICA or ENABLE ALWAYS, those of foreign
keys included, so that no cascade runs and no order of tables matters. It needs a superuser, or (15 and later) GRANT SET
ON PARAMETER session_replication_role. The others are disabled by name, and enabled again as they were.
`ALTER TABLE .. DISABLE TRIGGER USER`, which an owner may, leaves foreign keys' own triggers on: taking out a row that
the transaction inserted would delete rows that others have since made refer to it (ON DELETE CASCADE), so it is no
substitute.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
from psycopg import sql

from yett.model.errors import YettError
from yett.providers.postgres.guard.own import Connection, rows
from yett.providers.postgres.guard.table import Table

_ALWAYS = sql.SQL("""
SELECT 'TRIGGER', tgname::text, tgenabled::text FROM pg_trigger
WHERE tgrelid = {oid} AND tgenabled IN ('A', 'R') AND NOT tgisinternal
UNION ALL SELECT 'RULE', rulename::text, ev_enabled::text FROM pg_rewrite
WHERE ev_class = {oid} AND ev_enabled IN ('A', 'R') AND ev_type <> '1'""")
_INTERNAL = sql.SQL(
    "SELECT count(*) FROM pg_trigger WHERE tgrelid = {oid} AND tgenabled IN ('A', 'R') AND tgisinternal"
)


async def no_triggers(own: Connection) -> None:
    """To the end of the transaction, or of `silenced`: of tables, and event triggers, which a temporary table wakes,
    too. Raises YettError if Yett's own role may not."""
    try:
        await own.execute("SET LOCAL session_replication_role = replica")
    except psycopg.errors.InsufficientPrivilege:
        raise YettError(
            "Yett's own role may not keep triggers from firing, so nothing was brought back",
            "as a superuser: GRANT SET ON PARAMETER session_replication_role TO that role",
        ) from None


@asynccontextmanager
async def silenced(own: Connection, tables: list[Table]) -> AsyncIterator[None]:
    """Within a transaction. Raises YettError if Yett's own role may not."""
    await no_triggers(own)
    enabled = []
    for table in tables:
        ((internal,),) = await rows(own, _INTERNAL.format(oid=sql.Literal(table.oid)))
        if internal:
            raise YettError(f"a foreign key's trigger on {table.label} is marked ALWAYS: it would fire")
        for kind, name, state in await rows(own, _ALWAYS.format(oid=sql.Literal(table.oid))):
            what = (table.quoted, sql.SQL("TRIGGER") if kind == "TRIGGER" else sql.SQL("RULE"), sql.Identifier(name))
            await own.execute(sql.SQL("ALTER TABLE {} DISABLE {} {}").format(*what))
            again = sql.SQL("ALWAYS") if state == "A" else sql.SQL("REPLICA")
            enabled.append(sql.SQL("ALTER TABLE {0} ENABLE {3} {1} {2}").format(*what, again))
    yield
    for statement in enabled:
        await own.execute(statement)
    await own.execute("SET LOCAL session_replication_role = DEFAULT")
