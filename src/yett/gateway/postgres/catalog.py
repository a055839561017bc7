"""The catalog of a live database, read in bulk and looked at again before it is a second old.

It stands here and not in the provider's folder because it fills a value of operations/sql, which is a floor above it.

What is promised: a change that anybody commits is seen by the first decision that comes TTL_S after it, and what the
agent itself changes by its next statement (`defined`). A change is any new, updated or deleted row of a catalog that
the classifier reads: xmin and ctid of every live row go into a hash, and no row version ever has those of another. In
front of it stands a cheaper proof: if pg_current_snapshot() is what it was, with the same transactions running, nothing
at all was committed in the whole server since.

What is not: in the gap of TTL_S a statement can be decided on what somebody else has just changed: a function that has
become harmful, a new trigger. Then the lease's own grants hold, a guarded transaction measures what really happened
whatever was expected, and only a proven read is let through unmeasured. Nor does anybody else see what an open
transaction has defined: after DDL in it, the rest of that transaction is to be held, not looked up here.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Collection, Hashable, Mapping
from dataclasses import dataclass

import psycopg

from yett.model.errors import ConfigurationError, YettError
from yett.operations.sql.queries import QUERIES
from yett.operations.sql.snapshot import Snapshot, from_rows
from yett.providers.postgres.own import Own, transaction
from yett.providers.postgres.path import database_path

TTL_S = 1.0
TIMEOUT_S = 30.0

_CATALOGS = (
    "pg_class",
    "pg_proc",
    "pg_trigger",
    "pg_rewrite",
    "pg_type",
    "pg_operator",
    "pg_cast",
    "pg_constraint",
    "pg_attrdef",
    "pg_index",
    "pg_policy",
    "pg_inherits",
    "pg_partitioned_table",
    "pg_namespace",
    "pg_aggregate",
    "pg_range",
    "pg_language",
    "pg_extension",
    "pg_event_trigger",
    "pg_auth_members",
)
_HASHED = "bit_xor(hashtidextended(ctid, xmin::text::bigint)), count(*)"
_OTHERS = (
    # Columns of the system's own tables do not change; those of a user's table are half of all rows.
    f"SELECT 'pg_attribute', {_HASHED} FROM pg_attribute WHERE attrelid >= 16384 AND attnum > 0",
    f"SELECT 'pg_depend', {_HASHED} FROM pg_depend WHERE deptype = 'e'",
    # Only a superuser may read pg_authid itself.
    "SELECT 'pg_roles', bit_xor(hashtextextended(rolname::text, oid::bigint)), count(*) FROM pg_roles",
)
_FINGERPRINT = " UNION ALL ".join((*(f"SELECT '{name}', {_HASHED} FROM {name}" for name in _CATALOGS), *_OTHERS))
_MOMENT = "SELECT pg_current_snapshot()::text, oid FROM pg_database WHERE datname = current_database()"
_SCHEMAS = "SELECT nspname, has_schema_privilege('public', oid, 'USAGE') FROM pg_namespace"


@dataclass(frozen=True, slots=True)
class Seen:
    """What a database looked like. `moment`: all that was committed; `print`: only what the classifier reads."""

    moment: str
    print: Hashable
    path: tuple[str, ...]


async def load(own: Own, *, schemas: Collection[str] | None = None, longest_ms: int = 0) -> Snapshot:
    """Read the whole catalog, as of one moment.

    `schemas`: those that the leases on this database are granted, since the server skips what a role may not use of its
    search_path. None: not known, which is an error only where it matters.

    Raises:
        ConfigurationError: the search_path that a lease's session has cannot be known.
        psycopg.Error: the server refused or broke off.
    """
    return (await _load(own, schemas, longest_ms))[1]


class LiveCatalog:
    """One database's catalog, for all sessions on it. Used on one event loop.

    `connect` opens a connection of Yett's own, which stays open until `close`. The search_path is that of the first
    load: sessions keep theirs, so when the database's changes, every later decision is refused.
    """

    def __init__(
        self,
        connect: Callable[[], Awaitable[Own]],
        *,
        schemas: Collection[str] | None = None,
        longest_ms: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._connect = connect
        self._schemas = schemas
        self._longest_ms = longest_ms
        self._clock = clock
        self._own: Own | None = None
        self._seen: Seen | None = None
        self._snapshot: Snapshot | None = None
        self._looked = 0.0
        self._looked_at = -1  # the generation that was looked at
        self._generation = 0
        self._looking: asyncio.Task[None] | None = None

    async def now(self) -> Snapshot:
        """A catalog no older than TTL_S. The same object as long as nothing has changed.

        Raises:
            YettError: it could not be read.
        """
        wanted = self._generation
        while (known := self.mark()) is None:
            joined = self._looking
            if joined is None or joined.done():
                joined = self._looking = asyncio.create_task(self._look())
            await asyncio.shield(joined)
            if self._snapshot is not None and self._looked_at >= wanted:
                return self._snapshot
        return known

    def mark(self) -> Snapshot | None:
        """What `now` would answer without asking the server; None if it would have to."""
        young = self._looked_at == self._generation and self._clock() - self._looked < TTL_S
        return self._snapshot if young else None

    def defined(self) -> None:
        """Something has changed the catalog: the next decision looks again."""
        self._generation += 1

    async def close(self) -> None:
        """End the connection. Another `now` opens one."""
        if self._looking is not None and self._looking is not asyncio.current_task():
            self._looking.cancel()
        own, self._own = self._own, None
        if own is not None:
            with contextlib.suppress(psycopg.Error):
                await own.close()

    async def _look(self) -> None:
        started, generation = self._clock(), self._generation
        try:
            async with asyncio.timeout(TIMEOUT_S):
                await self._refresh_anew()
        except (psycopg.Error, TimeoutError) as error:
            await self.close()
            words = error.diag.message_primary if isinstance(error, psycopg.Error) else None
            raise YettError(
                f"The database's catalog cannot be read: {words or type(error).__name__}.",
                "Nothing is decided without it: look at Yett's own login in this database.",
            ) from None
        except BaseException:
            await self.close()
            raise
        self._looked, self._looked_at = started, generation

    async def _refresh_anew(self) -> None:
        """By the connection that is open; one that was cut meanwhile says so once, and another is opened."""
        own = self._own
        if own is not None and not own.closed:
            try:
                return await self._refresh(own)
            except psycopg.OperationalError:
                if not own.closed:
                    raise
        self._own = await self._connect()
        return await self._refresh(self._own)

    async def _refresh(self, own: Own) -> None:
        if self._seen is not None and await self._unchanged(own, self._seen):
            return
        seen, snapshot = await _load(own, self._schemas, self._longest_ms)
        if self._seen is not None and self._seen.path != seen.path:
            raise YettError(
                "The database's search_path has changed: what names mean in the open sessions cannot be known.",
                "End the sessions on this database and start anew.",
            )
        self._seen, self._snapshot = seen, snapshot

    async def _unchanged(self, own: Own, before: Seen) -> bool:
        async with transaction(own):
            seen = await _seen(own, before)
        if seen.print != before.print or seen.path != before.path:
            return False
        self._seen = seen
        return True


async def _seen(own: Own, before: Seen | None = None) -> Seen:
    """The rows are hashed only if something was committed since `before`."""
    await own.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
    moment, database = await (await own.execute(_MOMENT)).fetchone() or ("", 0)
    path = await database_path(own)
    if before is not None and before.moment == moment:
        return Seen(moment, before.print, path)
    rows = await (await own.execute(_FINGERPRINT)).fetchall()
    return Seen(moment, (database, tuple(sorted(rows))), path)


async def _load(own: Own, schemas: Collection[str] | None, longest_ms: int) -> tuple[Seen, Snapshot]:
    async with transaction(own):
        seen = await _seen(own)
        public: dict[str, bool] = dict(await (await own.execute(_SCHEMAS)).fetchall())
        await own.execute("SET LOCAL search_path = ''")  # pg_get_functiondef then qualifies what it prints
        rows = {name: await (await own.execute(query)).fetchall() for name, query in QUERIES.items()}
    path = _usable(seen.path, public, schemas)
    version = (seen.print, path)
    made = await asyncio.to_thread(from_rows, rows, version=version, search_path=path, longest_ms=longest_ms)
    return seen, made


def _usable(path: tuple[str, ...], public: Mapping[str, bool], schemas: Collection[str] | None) -> tuple[str, ...]:
    """The server skips schemas that are not there, and those that the role may not use."""
    there = [schema for schema in path if schema in public]
    private = [schema for schema in there if not public[schema]]
    if private and schemas is None:
        raise ConfigurationError(
            f"The database's search_path has {private[0]}, and whether a lease may use it is not known.",
            "Say which schemas the leases on this database are granted.",
        )
    return tuple(schema for schema in there if public[schema] or schema in (schemas or ()))
