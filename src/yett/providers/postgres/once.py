"""A role for one statement that no transaction takes: made for it, gone with it, and used by nobody but Yett.

The table's owner is lent to a role that no agent knows and no agent's session is, on a connection of Yett's own. It may
say SET ROLE for two round trips, the membership is taken back, and only then the statement is sent. So at no time does
a session of the agent's lease have a right that it had not before, and what the statement makes the server run can
fall back to no role that may more (SESSION_USER is this one; it would be a superuser on Yett's own connection).
Whatever happens to Yett, a role without rights is left, which the next sweep ends with its sessions.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

import psycopg
from psycopg import AsyncConnection, sql
from psycopg.conninfo import make_conninfo

from yett.model.errors import YettError
from yett.providers.postgres.elevation import elevate, lower
from yett.providers.postgres.own import (
    CONNECT_TIMEOUT_S,
    Own,
    identifiers,
    own_membership,
    retried,
    rights,
    transaction,
)
from yett.providers.postgres.revoke import revoke_lease
from yett.providers.postgres.role import LeaseRole, made_by, new_role, scram_verifier

_log = logging.getLogger("yett.providers")

LOOKS_FOR_ITS_CLIENT = "5s"
"""How often the server looks whether the connection is there still: what nobody waits for any more ends."""

_DURABLE = """
SELECT pg_catalog.set_config('synchronous_commit', 'on', false)
WHERE pg_catalog.current_setting('synchronous_commit') OPERATOR(pg_catalog.=) 'off'"""
_ADDRESS = frozenset({"host", "hostaddr", "port", "dbname", "sslmode", "sslrootcert"})
_NAME = "once"


class Pool(Protocol):
    """Yett's own connections. See `guard.own.Own`."""

    def connection(self) -> AbstractAsyncContextManager[Own]: ...


class Roles(Protocol):
    """Who keeps account of the roles that Yett has made in a server, so that no sweep ends one that is in use."""

    def made(self, name: str) -> None:
        """Right before the server is told."""
        ...

    def over(self, name: str, *, gone: bool) -> None:
        """It is not used any more; not `gone`: it could not be ended, and is to be looked for again."""
        ...


@dataclass(frozen=True, slots=True)
class Terms:
    """What the statement runs under. `path`: where its unqualified names are looked up; milliseconds, 0 is for ever."""

    owner: str
    path: Sequence[str]
    lock_ms: int
    statement_ms: int


@contextlib.asynccontextmanager
async def lent_once(pool: Pool, roles: Roles, terms: Terms) -> AsyncIterator[Own]:
    """A connection in autocommit that acts as the owner, to the end of the block.

    Raises:
        YettError: it could not be made; nothing is left of it, or a role without any right.
    """
    role = new_role(_NAME)
    roles.made(role.name)
    gone = False
    try:
        async with pool.connection() as own:
            await _make(own, role, terms.statement_ms)
            connection = await _logged_in(own, role)
        try:
            await _set(connection, terms)
            async with pool.connection() as own:
                await _become(own, connection, role.name, terms.owner)
            yield connection
        finally:
            await connection.close()
    except psycopg.OperationalError as error:
        raise YettError(f"the connection for this statement was lost: {error.sqlstate or 'no answer'}") from None
    finally:
        gone = await _end(pool, role.name)
        roles.over(role.name, gone=gone)


async def _make(own: Own, role: LeaseRole, statement_ms: int) -> None:
    name, verifier = sql.Identifier(role.name), scram_verifier(role.password)
    until = datetime.now(UTC) + timedelta(milliseconds=statement_ms, hours=1)

    async def make() -> None:
        async with transaction(own):
            facts = await rights(own)
            parts: list[sql.Composable] = [
                sql.SQL(
                    "CREATE ROLE {} LOGIN NOINHERIT NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS"
                    " CONNECTION LIMIT 1 PASSWORD {} VALID UNTIL {}"
                ).format(name, verifier, until.isoformat()),
                sql.SQL("COMMENT ON ROLE {} IS {}").format(name, made_by(facts.role)),
            ]
            if not facts.superuser:
                parts.append(own_membership(role.name, facts))
            if not facts.public_connects:
                parts.append(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(sql.Identifier(facts.database), name))
            await own.execute(sql.SQL("; ").join(parts))

    await retried(make, role.name, verifier)


async def _logged_in(own: Own, role: LeaseRole) -> Own:
    """To where Yett's own connection goes."""
    there = {key: value for key, value in own.info.get_parameters().items() if key in _ADDRESS}
    there |= {"host": own.info.host, "port": str(own.info.port), "dbname": own.info.dbname}
    try:
        return await AsyncConnection.connect(
            make_conninfo(**there),
            user=role.name,
            password=role.password.text(),
            connect_timeout=CONNECT_TIMEOUT_S,
            autocommit=True,
            prepare_threshold=None,
            client_encoding="UTF8",
            application_name="yett",
        )
    except psycopg.OperationalError:
        raise YettError(
            "the role that this statement would run as could not log in",
            "pg_hba.conf must let roles of Yett in by password from this machine",
        ) from None


async def _set(connection: Own, terms: Terms) -> None:
    path = identifiers([(schema,) for schema in terms.path]) if terms.path else sql.Literal("")
    await connection.execute(sql.SQL("SET search_path = {}").format(path))
    for name, value in (
        ("standard_conforming_strings", "on"),
        ("backslash_quote", "safe_encoding"),
        ("default_transaction_read_only", "off"),
        ("lock_timeout", str(terms.lock_ms)),
        ("statement_timeout", str(terms.statement_ms)),
    ):
        await connection.execute(sql.SQL("SET {} = {}").format(sql.SQL(name), value))
    await connection.execute(_DURABLE)
    with contextlib.suppress(psycopg.errors.InvalidParameterValue):  # not every system can tell
        await connection.execute(f"SET client_connection_check_interval = '{LOOKS_FOR_ITS_CLIENT}'")


async def _become(own: Own, connection: Own, role: str, owner: str) -> None:
    """Raises YettError: the owner's rights could not be had, or not be taken back; nothing runs with them."""
    await elevate(own, role, owner, mighty=True)
    try:
        await connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(owner)))
    except psycopg.Error as error:
        raise YettError(f"the owner's rights could not be lent: {error.sqlstate}", "look at Yett's own login") from None
    finally:
        await lower(own, role, owner)


async def _end(pool: Pool, name: str) -> bool:
    try:
        async with pool.connection() as own:
            await revoke_lease(own, name)
    except (YettError, psycopg.Error) as error:
        said = error.what if isinstance(error, YettError) else type(error).__name__
        _log.error("the role of one statement is still there, without any right: %s", said)
        return False
    return True
