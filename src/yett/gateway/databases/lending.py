"""The owner's rights, lent for one approved statement: a lease has none, and DDL is the owner's.

The membership lives for two round trips: the gateway gives it, says SET LOCAL ROLE in the transaction of the approved
statement, and takes it back before that statement is sent. What was said keeps its effect until `give_back`, or until
the transaction ends. SET ROLE is never passed from an agent.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import LiteralString, cast

import psycopg
from psycopg import sql

from yett.gateway.databases.place import Place
from yett.gateway.postgres.framing import Malformed
from yett.model.errors import YettError
from yett.providers.postgres.elevation import elevate, lower
from yett.providers.postgres.guard.executing import Executing
from yett.providers.postgres.own import Own, rights

_log = logging.getLogger("yett.gateway")

# The owner of schema public is pg_database_owner since 15: nobody can be a member of it but the database's owner.
_OWNERS: LiteralString = """
SELECT DISTINCT CASE WHEN r.rolname = 'pg_database_owner' THEN d.rolname ELSE r.rolname END FROM (
  SELECT relowner AS owner FROM pg_class WHERE oid = ANY (%(oids)s::oid[])
  UNION SELECT nspowner FROM pg_namespace WHERE nspname = ANY (%(schemas)s::text[])
  UNION SELECT n.nspowner FROM pg_namespace n WHERE %(nothing)s AND n.nspname = 'public'
) o JOIN pg_roles r ON r.oid = o.owner, pg_database b JOIN pg_roles d ON d.oid = b.datdba
WHERE b.datname = current_database()"""


async def lend(place: Place, agent: Executing, oids: Sequence[int], schemas: Sequence[str]) -> None:
    """The transaction goes on as the owner of these relations and schemas; of neither: as schema public's.

    Raises:
        YettError: nobody owns all of them, or Yett's own role may not lend it.
        ServerError: the agent's transaction is aborted.
        Malformed: what was lent could not be taken back; the session ends, and no other begins before it is.
    """
    async with place.own.connection() as own:
        owner = await _owner(own, oids, schemas)
        await elevate(own, place.lease, owner, mighty=True)
        place.owed.add(owner)
        try:
            await agent.rows("SET LOCAL ROLE " + sql.Identifier(owner).as_string(None))
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


async def give_back(agent: Executing) -> None:
    """The transaction goes on as the lease's role. Raises ServerError."""
    await agent.rows("SET LOCAL ROLE NONE")


async def _owner(own: Own, oids: Sequence[int], schemas: Sequence[str]) -> str:
    wanted = {"oids": list(oids), "schemas": list(schemas), "nothing": not (oids or schemas)}
    try:
        rows = await (await own.execute(_OWNERS, wanted)).fetchall()
    except psycopg.Error as error:
        raise YettError(f"who owns what it changes cannot be asked: {error.sqlstate}") from None
    owners = [cast(str, row[0]) for row in rows]
    if len(owners) == 1:
        return owners[0]
    facts = await rights(own)
    if facts.superuser:
        return facts.role
    raise YettError(
        "what it changes belongs to several roles, and Yett's own role is none of them",
        "send the statements one by one, for what one role owns",
    )
