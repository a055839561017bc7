"""Open a store, read from it, and hold the one writing transaction."""

from __future__ import annotations

import os
import sqlite3
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, event, insert, make_url, select
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

from yett.model.errors import ConfigurationError, StoreUnavailable
from yett.store import tables
from yett.store.migrate import Step, migrate, pending, steps

T = TypeVar("T")

BUSY_MS = 2000
"""How long a statement waits for another process's lock before it fails."""

_WRITER_LOCK = 0x59455454
"""PostgreSQL advisory lock ("YETT") that makes writers take turns, as BEGIN IMMEDIATE does on SQLite."""


class Store:
    """An open store. `id` names it for life; `realm` is "real" or "drill"."""

    def __init__(self, readers: Engine, writer: Engine, identity: str, realm: str) -> None:
        self._readers = readers
        self._writer = writer
        self.id = identity
        self.realm = realm

    @property
    def dialect(self) -> str:
        """sqlite or postgresql."""
        return self._writer.dialect.name

    def read(self, query: Callable[[Connection], T]) -> T:
        """Run `query` on one consistent, read-only snapshot. Fetch inside it: results die with the connection.

        Raises:
            StoreUnavailable: the database failed.
        """
        try:
            with self._readers.connect() as connection, connection.begin():
                return query(connection)
        except SQLAlchemyError as error:
            raise unavailable(error) from error

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """The writing transaction: others wait their turn, leaving it commits. Only the ledger's journal asks for it.

        Raises:
            SQLAlchemyError: whatever failed; the transaction is rolled back.
        """
        with self._writer.connect() as connection, connection.begin():
            if self.dialect == "postgresql":
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITER_LOCK})")
            yield connection

    def close(self) -> None:
        """Drop every connection."""
        self._readers.dispose()
        self._writer.dispose()


def open_store(url: str, realm: str = "real") -> Store:
    """Open the store at `url` (sqlite:///PATH or postgresql://...), creating and migrating it as needed.

    Raises:
        ConfigurationError: not a store's url, a newer schema, or a store of the other realm.
        StoreUnavailable: the database cannot be reached, read, or (where it must be migrated) written.
    """
    address = _address(url)
    readers, writer = _engine(address, writes=False), _engine(address, writes=True)
    try:
        store = Store(readers, writer, "", realm)
        _bring_up_to_date(store, steps())
        facts = store.read(_facts)
        if facts["realm"] != realm:
            raise ConfigurationError(
                f"This is a store of the {facts['realm']} realm; {realm} was asked for.",
                "A drill never runs on a real store, nor the daemon on a drill's: choose another YETT_HOME.",
            )
        store.id = facts["store"]
    except (SQLAlchemyError, StoreUnavailable, ConfigurationError) as error:
        readers.dispose()
        writer.dispose()
        raise unavailable(error) if isinstance(error, SQLAlchemyError) else error from error
    return store


def unavailable(error: SQLAlchemyError) -> StoreUnavailable:
    """The same failure in words, without the statement or its parameters (they may hold what must not be shown)."""
    cause = getattr(error, "orig", None) or error
    first = str(cause).strip().partition("\n")[0]
    return StoreUnavailable(f"The store failed: {first}", "Check its disk, its permissions and the database server.")


def _address(url: str) -> URL:
    try:
        address = make_url(url)
    except ArgumentError as error:
        raise ConfigurationError("That is not a store's address.", "Use sqlite:///PATH or postgresql://...") from error
    match address.get_backend_name():
        case "sqlite" if address.database and address.database != ":memory:":
            return address.set(drivername="sqlite+pysqlite")
        case "postgresql":
            return address.set(drivername="postgresql+psycopg")
        case backend:
            raise ConfigurationError(
                f"A store cannot live on {backend} at {address.database or 'memory'!r}.",
                "Use sqlite:///PATH (a file) or postgresql://...",
            )


def _engine(address: URL, *, writes: bool) -> Engine:
    if address.get_backend_name() == "sqlite":
        return _sqlite(address, writes=writes)
    return _postgresql(address, writes=writes)


def _sqlite(address: URL, *, writes: bool) -> Engine:
    _create_private(Path(str(address.database)))
    engine = create_engine(address, pool_size=1 if writes else 5, max_overflow=0 if writes else 10, pool_timeout=5)
    begin = "BEGIN IMMEDIATE" if writes else "BEGIN"

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
        # The driver's own transactions begin late and skip SELECT and DDL; ours begin where we say.
        connection.isolation_level = None
        try:
            _set_pragmas(connection, writes=writes)
        except sqlite3.Error as error:
            raise StoreUnavailable(
                f"The store {address.database} cannot be used: {error}.", "Check its disk and its permissions."
            ) from error

    @event.listens_for(engine, "begin")
    def start(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _set_pragmas(connection: sqlite3.Connection, *, writes: bool) -> None:
    connection.execute(f"PRAGMA busy_timeout={BUSY_MS}")
    mode = connection.execute("PRAGMA journal_mode=WAL").fetchone()[0]
    if mode != "wal":
        raise sqlite3.OperationalError(f"its file system allows journal mode {mode}, not WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA trusted_schema=OFF")
    connection.execute("PRAGMA cache_size=-16384")  # KiB
    if not writes:
        connection.execute("PRAGMA query_only=ON")


def _create_private(path: Path) -> None:
    """Create the file readable by its owner only; SQLite gives its WAL the same mode."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_RDONLY | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise StoreUnavailable(
            f"The store {path} cannot be opened: {error.strerror}.", "Check that its folder exists and is yours."
        ) from error


def _postgresql(address: URL, *, writes: bool) -> Engine:
    settings = {
        "connect_timeout": 5,
        "tcp_user_timeout": 5000,
        "application_name": "yett",
        "options": f"-c statement_timeout=5000 -c lock_timeout={BUSY_MS} -c idle_in_transaction_session_timeout=60000",
    }
    engine = create_engine(
        address, pool_size=1 if writes else 5, max_overflow=0 if writes else 10, pool_timeout=5, connect_args=settings
    )
    if not writes:
        return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _entry: ConnectionPoolEntry) -> None:  # psycopg.Connection, typed by its own driver
        # A commit that returns before it is on disk would break law 2; stricter settings stay.
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT set_config('synchronous_commit', 'on', false)"
                " WHERE current_setting('synchronous_commit') = 'off'"
            )
        connection.commit()

    return engine


def _facts(connection: Connection) -> dict[str, str]:
    return {row.key: row.value for row in connection.execute(select(tables.meta))}


def _bring_up_to_date(store: Store, known: tuple[Step, ...]) -> None:
    if not store.read(lambda connection: pending(connection, known)):
        return
    with store.writing() as connection:
        todo = pending(connection, known)  # again, under the lock: another process may have been first
        fresh = len(todo) == len(known)
        migrate(connection, todo)
        if fresh:
            facts = [{"key": "store", "value": uuid.uuid4().hex}, {"key": "realm", "value": store.realm}]
            connection.execute(insert(tables.meta), facts)
