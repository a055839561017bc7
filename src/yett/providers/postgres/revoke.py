"""The end of a lease: no login, no session, no grant, no role. From any half state, as often as one likes.

An open session survives NOLOGIN, an elapsed VALID UNTIL and even DROP ROLE, so its sessions are ended and waited for. A
login that has passed its password check but is not yet in pg_stat_activity cannot be seen: whoever holds the password
(the gateway alone does) closes its own connections before it calls this.

What the role still owns is not dropped with it: a table may be the task's work. It goes to `yett_estate`, a role
without login and without any right, so that a SECURITY DEFINER function or a view that an agent planted runs with
nobody's.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection

import psycopg
from psycopg import sql

from yett.model.errors import YettError
from yett.providers.postgres.own import Own, Rights, own_membership, retried, rights, transaction
from yett.providers.postgres.role import LIKE, is_lease, made_by, must_be_lease

ESTATE = "yett_estate"
SESSIONS_DEADLINE_S = 10.0
_SHUT_ATTEMPTS = 3
_LOCKED = "55P03"

_OWNED = """
SELECT pg_describe_object(classid, objid, objsubid) FROM pg_shdepend
WHERE refclassid = 'pg_authid'::regclass AND refobjid = (SELECT oid FROM pg_roles WHERE rolname = %(role)s)
  AND deptype = 'o' AND dbid IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))"""

_OWNED_SCHEMAS = """
SELECT DISTINCT n.nspname FROM pg_shdepend d
CROSS JOIN LATERAL pg_identify_object(d.classid, d.objid, 0) o JOIN pg_namespace n ON n.nspname = o.schema
WHERE d.refclassid = 'pg_authid'::regclass AND d.deptype = 'o'
  AND d.refobjid = (SELECT oid FROM pg_roles WHERE rolname = %(role)s)
  AND d.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND NOT has_schema_privilege(%(estate)s, n.oid, 'CREATE')"""

_LEFT = """
SELECT rolname FROM pg_roles WHERE rolname LIKE %(like)s AND (rolvaliduntil < now()
  OR shobj_description(oid, 'pg_authid') = %(mine)s) ORDER BY rolname"""


async def revoke_lease(own: Own, name: str) -> tuple[str, ...]:
    """End a lease. Gives what it owned, now the estate's, in the server's words; () if there was nothing, or no role.

    Raises:
        YettError: `name` is no lease's (nothing is done to other roles); its sessions do not end; or the role owns
        things
            in another database and stays, shut and without sessions.
    """
    must_be_lease(name)
    facts = await rights(own)
    if not await _exists(own, name):
        return ()
    await retried(lambda: _shut(own, name, facts), name)
    return await retried(lambda: _drop(own, name, facts), name)


async def sweep(own: Own, alive: Collection[str]) -> list[str]:
    """End every lease in this server that is not `alive`; gives their names. What a crash has left.

    Leases that another own role made are left alone until they have expired: another Yett may be using them. Call it
    where no lease is being made.

    Raises:
        YettError: some could not be ended; all others were.
    """
    facts = await rights(own)
    cursor = await own.execute(_LEFT, {"like": LIKE, "mine": made_by(facts.role)})
    names = [name for (name,) in await cursor.fetchall() if is_lease(name) and name not in alive]
    failed: list[str] = []
    for name in names:
        try:
            await revoke_lease(own, name)
        except YettError as error:
            failed.append(error.what)
    if failed:
        raise YettError(f"{len(failed)} of {len(names)} leftover leases could not be ended: {failed[0]}")
    return names


async def _exists(own: Own, name: str) -> bool:
    cursor = await own.execute("SELECT FROM pg_catalog.pg_roles WHERE rolname = %s", [name])
    return await cursor.fetchone() is not None


async def _shut(own: Own, name: str, facts: Rights) -> None:
    """No login any more, then no session any more.

    A session may hold the lock on the role's own row (ALTER ROLE of its own password, uncommitted), so sessions are
    ended before, too; and again, if one came in between.
    """
    role = sql.Identifier(name)
    for attempt in range(_SHUT_ATTEMPTS):
        try:
            await _end_sessions(own, name)
            async with transaction(own):
                await own.execute("SET LOCAL lock_timeout = 1000")
                if not facts.superuser and not await _is_member(own, name):
                    await own.execute(own_membership(name, facts))
                await own.execute(
                    sql.SQL("ALTER ROLE {} NOLOGIN CONNECTION LIMIT 0 PASSWORD NULL VALID UNTIL '1970-01-01Z'").format(
                        role
                    )
                )
            break
        except psycopg.Error as error:
            if error.sqlstate != _LOCKED or attempt + 1 == _SHUT_ATTEMPTS:
                raise
    await _end_sessions(own, name)


async def _end_sessions(own: Own, name: str) -> None:
    end = time.monotonic() + SESSIONS_DEADLINE_S
    while await _told_to_end(own, name):
        if time.monotonic() > end:
            raise YettError("The sessions of a lease do not end, though the server was told to end them.")
        await asyncio.sleep(0.003)
    await _roll_back_prepared(own, name)


async def _told_to_end(own: Own, name: str) -> int:
    cursor = await own.execute(
        "SELECT pg_catalog.count(pg_catalog.pg_terminate_backend(pid)) FROM pg_catalog.pg_stat_activity"
        " WHERE usesysid = (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = %s)",
        [name],
    )
    row = await cursor.fetchone()
    return int(row[0]) if row else 0


async def _roll_back_prepared(own: Own, name: str) -> None:
    """A prepared transaction keeps its locks without any session. Only its owner, or a superuser, may end it."""
    cursor = await own.execute(
        "SELECT gid FROM pg_catalog.pg_prepared_xacts WHERE owner = %s AND database = pg_catalog.current_database()",
        [name],
    )
    if not (found := await cursor.fetchall()):
        return
    await own.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(name)))
    try:
        for (gid,) in found:
            await own.execute(sql.SQL("ROLLBACK PREPARED {}").format(gid))
    finally:
        await own.execute("RESET ROLE")


async def _is_member(own: Own, name: str) -> bool:
    cursor = await own.execute("SELECT pg_catalog.pg_has_role(%s, 'USAGE')", [name])
    row = await cursor.fetchone()
    return bool(row and row[0])


async def _drop(own: Own, name: str, facts: Rights) -> tuple[str, ...]:
    role = sql.Identifier(name)
    async with transaction(own):
        owned = tuple(str(row[0]) for row in await (await own.execute(_OWNED, {"role": name})).fetchall())
        if owned:
            await _reassign(own, name, facts)
        await own.execute(sql.SQL("DROP OWNED BY {0}; DROP ROLE {0}").format(role))
    return owned


async def _reassign(own: Own, name: str, facts: Rights) -> None:
    role, estate = sql.Identifier(name), sql.Identifier(ESTATE)
    if not await _exists(own, ESTATE):
        await own.execute(sql.SQL("CREATE ROLE {} NOLOGIN NOINHERIT").format(estate))
    if not facts.superuser:
        await own.execute(own_membership(ESTATE, facts))
    cursor = await own.execute(_OWNED_SCHEMAS, {"role": name, "estate": ESTATE})
    schemas = [] if facts.superuser else [sql.Identifier(schema) for (schema,) in await cursor.fetchall()]
    for schema in schemas:
        await own.execute(sql.SQL("GRANT CREATE ON SCHEMA {} TO {}").format(schema, estate))
    await own.execute(sql.SQL("REASSIGN OWNED BY {} TO {}").format(role, estate))
    for schema in schemas:
        await own.execute(sql.SQL("REVOKE CREATE ON SCHEMA {} FROM {}").format(schema, estate))
