"""Yett's own connection to a customer's database: what its role may do, and how it speaks.

The role is a superuser, or (managed databases have none to give) one with CREATEROLE that owns the database's tables or
is a member of the roles that do. It is used by one caller at a time.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import psycopg
from psycopg import AsyncConnection, sql
from psycopg.conninfo import make_conninfo
from psycopg.rows import TupleRow

from yett.model.errors import ConfigurationError, YettError
from yett.providers.postgres.dump import Address

Own = AsyncConnection[TupleRow]
T = TypeVar("T")

CONNECT_TIMEOUT_S = 10
LOCK_TIMEOUT_MS = 5_000
ATTEMPTS = 8
_CLASHES = ("40001", "40P01")
_CONCURRENT = "concurrently"  # XX000 "tuple concurrently updated": two GRANTs on one object at a time


@dataclass(frozen=True, slots=True)
class Rights:
    """What Yett's own role is and may do. `version` is server_version_num: 150018 is 15.18."""

    role: str
    database: str
    version: int
    superuser: bool
    createrole: bool
    inherits: bool
    bypasses_rls: bool
    public_connects: bool

    @property
    def signed_memberships(self) -> bool:
        """From 16 on, GRANT of a role needs ADMIN OPTION on it, and says WITH INHERIT and WITH SET."""
        return self.version >= 160000


async def connect(address: Address) -> Own:
    """Open a connection as the functions of this package need it: autocommit, UTF-8, nobody's objects in its path.

    Raises:
        YettError: the database cannot be reached. The password is in no message.
    """
    try:
        own = await AsyncConnection.connect(
            make_conninfo(**dict(address.parameters)),
            password=address.password,
            connect_timeout=CONNECT_TIMEOUT_S,
            autocommit=True,
            prepare_threshold=None,  # whoever keeps the connection says DISCARD ALL between two uses
            client_encoding="UTF8",
            application_name="yett",
        )
    except psycopg.OperationalError as error:
        said = str(error).replace(address.password, "***") if address.password else str(error)
        raise YettError(f"the database cannot be reached: {said}") from None
    await own.execute("SET search_path = pg_catalog, pg_temp")
    return own


async def rights(own: Own) -> Rights:
    """Ask the server what this connection's role is.

    Raises:
        ConfigurationError: it can make no lease.
    """
    cursor = await own.execute(
        "SELECT current_user, pg_catalog.current_database(), pg_catalog.current_setting('server_version_num')::int,"
        " rolsuper, rolcreaterole, rolinherit, rolbypassrls,"
        " pg_catalog.has_database_privilege('public', pg_catalog.current_database(), 'CONNECT')"
        " FROM pg_catalog.pg_roles WHERE rolname = current_user"
    )
    row = await cursor.fetchone()
    if row is None:
        raise ConfigurationError("Yett's own role is not in pg_roles.")
    found = Rights(*row)
    if not found.superuser and not (found.createrole and found.inherits):
        raise ConfigurationError(
            "Yett's own role in this database can make no leases: it is neither a superuser nor has"
            " CREATEROLE and INHERIT.",
            f"As an administrator: ALTER ROLE {found.role} CREATEROLE INHERIT.",
        )
    return found


async def is_standby(own: Own) -> bool:
    """Raises YettError: the server broke off."""
    try:
        row = await (await own.execute("SELECT pg_catalog.pg_is_in_recovery()")).fetchone()
    except psycopg.Error as error:
        raise YettError(_said(error, ())) from None
    return bool(row and row[0])


@contextlib.asynccontextmanager
async def transaction(own: Own) -> AsyncIterator[None]:
    """One transaction that waits for no lock longer than 5 s and finds only the system's own functions by name.

    Raises:
        ConfigurationError: the connection is not in autocommit, so that what is done here would not be final.
    """
    if not own.autocommit:
        raise ConfigurationError("Yett's own connection must be in autocommit.")
    async with own.transaction():
        await own.execute(
            f"SET LOCAL search_path = pg_catalog, pg_temp; SET LOCAL lock_timeout = {LOCK_TIMEOUT_MS};"
            " SET LOCAL statement_timeout = 60000"
        )
        yield


async def retried(work: Callable[[], Awaitable[T]], *hidden: str) -> T:
    """Do it again while the server says that somebody changed the same catalog row. `hidden` is kept out of errors.

    Raises:
        YettError: it failed. The message has the server's own words without `hidden`, and no statement.
    """
    for attempt in range(ATTEMPTS):
        try:
            return await work()
        except psycopg.Error as error:
            if attempt + 1 == ATTEMPTS or not _clashed(error):
                raise YettError(_said(error, hidden)) from None
        await asyncio.sleep(random.uniform(0, 0.01 * 2**attempt))
    raise AssertionError("the loop returns or raises")


def own_membership(role: str, facts: Rights) -> sql.Composed:
    """Make Yett's own role, not a superuser, a member: so that it may end that role's sessions and drop its grants.

    Up to 15, CREATEROLE may do this for any role that is no superuser; from 16 on for the roles that it made itself.
    """
    how = " WITH INHERIT TRUE, SET TRUE" if facts.signed_memberships else ""
    return sql.SQL("GRANT {} TO CURRENT_USER" + how).format(sql.Identifier(role))


def identifiers(names: list[tuple[str, ...]]) -> sql.Composed:
    """Quoted names, separated by commas."""
    return sql.SQL(", ").join(sql.Identifier(*name) for name in names)


def _clashed(error: psycopg.Error) -> bool:
    return error.sqlstate in _CLASHES or (error.sqlstate == "XX000" and _CONCURRENT in str(error))


def _said(error: psycopg.Error, hidden: tuple[str, ...]) -> str:
    said = error.diag.message_primary or type(error).__name__
    for name in hidden:
        said = said.replace(name, "***") if name else said
    return f"The database refused ({error.sqlstate or 'no connection'}): {said}"
