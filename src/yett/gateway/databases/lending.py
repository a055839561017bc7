"""The owner's rights, lent for one approved statement: a lease has none, and DDL is the owner's.

The membership lives for two round trips: the gateway gives it, says SET LOCAL ROLE in the transaction of the approved
statement, and takes it back before that statement is sent. What was said keeps its effect until `give_back`, or until
the transaction ends. SET ROLE is never passed from an agent.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Sequence

import psycopg
from psycopg import sql

from yett.gateway.databases.place import Place
from yett.gateway.postgres.catalog_inside import Batching
from yett.gateway.postgres.fields import Malformed
from yett.model.errors import YettError
from yett.providers.postgres.elevation import elevate, lower
from yett.providers.postgres.own import Own, rights

_log = logging.getLogger("yett.gateway")

# The owner of schema public is pg_database_owner since 15: nobody can be a member of it but the database's owner. It is
# the agent's transaction that is asked, which sees what it has made itself: every name in it is qualified.
_OWNERS = """
SELECT DISTINCT CASE WHEN r.rolname OPERATOR(pg_catalog.=) 'pg_database_owner' THEN d.rolname ELSE r.rolname END FROM (
  SELECT relowner AS owner FROM pg_catalog.pg_class WHERE oid OPERATOR(pg_catalog.=) ANY ({oids}::pg_catalog.oid[])
  UNION SELECT nspowner FROM pg_catalog.pg_namespace
    WHERE nspname OPERATOR(pg_catalog.=) ANY ({schemas}::pg_catalog.name[])
) o JOIN pg_catalog.pg_roles r ON r.oid OPERATOR(pg_catalog.=) o.owner,
  pg_catalog.pg_database b JOIN pg_catalog.pg_roles d ON d.oid OPERATOR(pg_catalog.=) b.datdba
WHERE b.datname OPERATOR(pg_catalog.=) pg_catalog.current_database()"""
_PUBLIC = "public"
_TAKEN_BACK_S = 10
# A backend in a transaction hears of a membership that was granted just now when it locks a table that it does not hold
# yet (AcceptInvalidationMessages in lmgr.c); what a savepoint locked is let go with it.
_HEAR = (
    "SAVEPOINT _yett_hear",
    "SELECT FROM pg_catalog.pg_ts_template LIMIT 0",
    "ROLLBACK TO SAVEPOINT _yett_hear",
    "RELEASE SAVEPOINT _yett_hear",
)


async def lend(place: Place, agent: Batching, oids: Sequence[int], schemas: Sequence[str]) -> None:
    """The transaction goes on as the owner of these relations and schemas; of neither: as schema public's.

    Raises:
        YettError: nobody owns all of them, or Yett's own role may not lend it.
        ServerError: the agent's transaction is aborted.
        Malformed: what was lent could not be taken back; the session ends, and no other begins before it is.
    """
    lending = asyncio.ensure_future(_lend(place, agent, oids, schemas))
    try:
        await asyncio.shield(lending)
    except asyncio.CancelledError:
        await _ended(lending)
        raise


async def _ended(lending: asyncio.Future[None]) -> None:
    """What was lent is taken back before the session ends, whatever ends it. A server that does not answer any more is
    not waited for: the next session takes it back."""
    until = asyncio.get_running_loop().time() + _TAKEN_BACK_S
    while not lending.done() and (left := until - asyncio.get_running_loop().time()) > 0:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait({lending}, timeout=left)
    if lending.done() and not lending.cancelled() and (error := lending.exception()) is not None:
        _log.warning("what was lent to a session that ended was: %s", type(error).__name__)


async def _lend(place: Place, agent: Batching, oids: Sequence[int], schemas: Sequence[str]) -> None:
    async with place.own.connection() as own:
        owner = await _owner(own, agent, oids, schemas)
        if owner == place.lease:  # a temporary table of its own
            return
        await elevate(own, place.lease, owner, mighty=True)
        place.owed.add(owner)
        try:
            await agent.batch([*_HEAR, "SET LOCAL ROLE " + sql.Identifier(owner).as_string(None)])
        finally:
            await _lowered(place, own, owner)


async def take_back(place: Place) -> None:
    """What an earlier session was lent and kept. Raises YettError: it still cannot be taken back."""
    for owner in tuple(place.owed):
        try:
            async with place.own.connection() as own:
                await lower(own, place.lease, owner)
        except psycopg.Error as error:
            raise YettError(
                f"the rights of {owner} that an approved statement was lent cannot be taken back: {error.sqlstate}",
                "look at Yett's own login in this database",
            ) from None
        place.owed.discard(owner)


async def _lowered(place: Place, own: Own, owner: str) -> None:
    """At once, or by another connection. Raises Malformed: the agent's session must not go on."""
    try:
        await lower(own, place.lease, owner)
        place.owed.discard(owner)
    except (psycopg.Error, YettError) as error:
        _log.warning("%s: rights were not taken back at the first try: %s", place.database.name, type(error).__name__)
        try:
            await take_back(place)
        except YettError as again:
            _log.error("%s: %s", place.database.name, again.what)
            raise Malformed("the owner's rights could not be taken back from this session's role") from None


async def give_back(agent: Batching) -> None:
    """The transaction goes on as the lease's role. Raises ServerError."""
    await agent.rows("SET LOCAL ROLE NONE")


async def owners(agent: Batching, oids: Sequence[int], schemas: Sequence[str]) -> list[str]:
    """Who owns these relations and schemas. Raises ServerError."""
    wanted = {"oids": sql.Literal(list(oids)).as_string(None), "schemas": sql.Literal(list(schemas)).as_string(None)}
    return [owner for (owner,) in await agent.rows(_OWNERS.format(**wanted)) if owner]


async def _owner(own: Own, agent: Batching, oids: Sequence[int], schemas: Sequence[str]) -> str:
    where = list(schemas) if oids or schemas else [_PUBLIC]
    found = await owners(agent, oids, where)
    if len(found) == 1:
        return found[0]
    facts = await rights(own)
    if facts.superuser:
        return facts.role
    raise YettError(
        "what it changes belongs to several roles, and Yett's own role is none of them",
        "send the statements one by one, for what one role owns",
    )
