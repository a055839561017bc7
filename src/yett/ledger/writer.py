"""One batch of work as one durable transaction: state, log entries, filled tiles, and a checkpoint when one is due.

Not thread-safe: the journal's thread owns it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, CursorResult, Executable, delete, insert, select
from sqlalchemy.exc import DBAPIError, IntegrityError

from yett.ledger.entries import Entry, encode, stamp
from yett.ledger.notes import Checkpoint, NoteRefused, Signer, open_checkpoint
from yett.ledger.proofs import root_at
from yett.ledger.rows import LedgerDamaged, insert_entries, last_time, load_tree, log_size
from yett.ledger.tree import Tree, leaf_hash
from yett.model.errors import LedgerUnavailable
from yett.store.engine import Store, unavailable
from yett.store.tables import ledger_checkpoint, meta

SIGN_EVERY_S = 0.25
"""Signing every commit halves the rate of small batches (measured); a quarter of a second costs nothing."""


class Transaction:
    """What a piece of work may do: read and write the store, append to the log. Use it inside the work only.

    A statement that fails spoils the work, even when the work catches the error: PostgreSQL would refuse the rest, and
    SQLite may have rolled back more than the statement. Use ON CONFLICT where a clash is expected.
    """

    __slots__ = ("_clock", "_connection", "_entries", "_first", "ended", "failure", "touched")

    def __init__(self, connection: Connection, first: int, entries: list[bytes], clock: Callable[[], int]) -> None:
        self._connection = connection
        self._first = first
        self._entries = entries
        self._clock = clock
        self.failure: DBAPIError | None = None
        self.ended = False
        self.touched = False

    def execute(self, statement: Executable, parameters: Any = None) -> CursorResult[Any]:
        """Run one SQLAlchemy Core statement. (`Any`: SQLAlchemy's own row and parameter types.)"""
        self._check_open()
        try:
            if not self.touched:  # work that only appends needs no savepoint
                self._connection.exec_driver_sql("SAVEPOINT work")
                self.touched = True
            result = self._connection.execute(statement, parameters)
        except DBAPIError as error:
            self.failure = error
            raise
        assert isinstance(result, CursorResult)  # what Core statements give
        return result

    def append(self, entry: Entry) -> int:
        """Log an entry, durable with this transaction; its index. Raises EntryRefused."""
        self._check_open()
        self._entries.append(stamp(encode(entry), self._clock()))
        return self._first + len(self._entries) - 1

    def _check_open(self) -> None:
        if self.ended:  # a late append would be acknowledged and never written
            raise RuntimeError("this transaction is over")
        if self.failure is not None:
            raise self.failure


@dataclass(slots=True)
class Line:
    """An encoded entry that nobody waits for, queued at `since` (monotonic seconds)."""

    rest: bytes
    since: float


@dataclass(slots=True)
class Job:
    """A piece of work, and who waits for it: `hurried`, at once. `result` and `error` are set before the commit."""

    work: Callable[[Transaction], Any]
    future: Future[Any]
    hurried: bool = True
    result: Any = None
    error: Exception | None = field(default=None)


class Writer:
    """Owns the tree's right edge and the clock of the log. A transaction that fails changes neither."""

    def __init__(self, store: Store, signer: Signer, clock: Callable[[], int]) -> None:
        self._store = store
        self._signer = signer
        self._clock = clock
        self._last_at = 0
        self._signed_size = -1
        self._signed_at = 0.0
        self.durable = Tree()
        """The newest tree whose entries are on disk. A value: any thread may read it."""

    def open(self) -> None:
        """Read the log's edge and check it against the last checkpoint that this key signed.

        Raises:
            LedgerDamaged: entries are missing or changed since, or another key signed it.
            StoreUnavailable: the store cannot be read.
        """
        note = self._store.read(lambda c: c.execute(select(ledger_checkpoint.c.note)).scalar())
        vkey = self._store.read(lambda c: c.execute(select(meta.c.value).where(meta.c.key == "log.vkey")).scalar())
        if vkey not in (None, str(self._signer.verifier)):
            raise LedgerDamaged("The log was signed with another key.", "Put back the log.key of this store.")
        tree = self._store.read(load_tree)
        if note is not None:
            self._check(note, tree)
        self._last_at = self._store.read(last_time)
        self.durable = tree

    @property
    def unsigned(self) -> bool:
        """The log has grown since its last stored checkpoint."""
        return self.durable.size != self._signed_size

    def write(self, batch: Sequence[Line | Job]) -> None:
        """Do the whole batch, or nothing of it. Leaves each job's `result` or `error` set.

        Raises:
            SQLAlchemyError, StoreUnavailable: nothing is durable (or, on a lost connection, perhaps all is).
        """
        last_at = self._last_at
        try:
            with self._store.writing() as connection:
                tree = self._catch_up(connection)
                entries = self._work_off(connection, tree.size, batch)
                grown, tiles = tree.grow([leaf_hash(data) for data in entries])
                insert_entries(connection, tree.size, entries, tiles)
                signing = grown.size != self._signed_size and (not batch or self._signing_is_due())
                if signing:
                    self._store_checkpoint(connection, grown)
        except BaseException:
            self._last_at = last_at
            raise
        self.durable = grown
        if signing:
            self._signed_size, self._signed_at = grown.size, time.monotonic()

    def _work_off(self, connection: Connection, first: int, batch: Sequence[Line | Job]) -> list[bytes]:
        entries: list[bytes] = []
        for item in batch:
            if isinstance(item, Line):
                entries.append(stamp(item.rest, self._now()))
            else:
                self._do(connection, first, item, entries)
        return entries

    def _do(self, connection: Connection, first: int, job: Job, entries: list[bytes]) -> None:
        """Run a job in its own savepoint; its entries count only if the savepoint holds."""
        before = len(entries)
        transaction = Transaction(connection, first, entries, self._now)
        try:
            job.result, job.error = job.work(transaction), None
        except Exception as error:  # noqa: BLE001 - whatever the work raises is its caller's to see
            job.error = _as_seen_by_caller(error)
        transaction.ended = True
        if transaction.failure is not None and job.error is None:
            job.error = _as_seen_by_caller(transaction.failure)
        if transaction.failure is not None and not transaction.touched:
            raise transaction.failure  # not even a savepoint: nothing is known of the transaction
        if job.error is not None:
            del entries[before:]
            # Fails where the database has dropped the transaction (SQLite on a full disk): then the batch does.
            if transaction.touched:
                connection.exec_driver_sql("ROLLBACK TO SAVEPOINT work")
        if transaction.touched:
            connection.exec_driver_sql("RELEASE SAVEPOINT work")

    def _catch_up(self, connection: Connection) -> Tree:
        """The tree as it is on disk now: ours, unless another process or a commit of unknown outcome made it grow."""
        size = log_size(connection)
        if size == self.durable.size:
            return self.durable
        if size < self.durable.size:
            raise LedgerDamaged(
                f"The log has {size} entries on disk; {self.durable.size} were durable.",
                "Stop, keep a copy of the store, and run yett log verify against an earlier receipt.",
            )
        self._last_at = max(self._last_at, last_time(connection))
        return load_tree(connection)

    def _now(self) -> int:
        """The clock, never behind the entry before."""
        self._last_at = max(self._last_at, self._clock())
        return self._last_at

    def _signing_is_due(self) -> bool:
        return time.monotonic() - self._signed_at >= SIGN_EVERY_S

    def _store_checkpoint(self, connection: Connection, tree: Tree) -> None:
        """Sign within the transaction: the note is seen by no one unless the entries under it are durable."""
        if self._signed_size < 0:
            vkey = {"key": "log.vkey", "value": str(self._signer.verifier)}
            connection.execute(delete(meta).where(meta.c.key == "log.vkey"))
            connection.execute(insert(meta), vkey)
        note = self._signer.sign(Checkpoint(self._signer.name, tree.size, tree.root()).text())
        connection.execute(delete(ledger_checkpoint))
        connection.execute(insert(ledger_checkpoint), {"size": tree.size, "note": note})

    def _check(self, note: str, tree: Tree) -> None:
        try:
            signed = open_checkpoint(note, self._signer.verifier)
        except NoteRefused as error:
            raise LedgerDamaged(f"The log's last checkpoint is not good. {error}", error.remedy) from error
        root = None
        if signed.size <= tree.size:
            root = self._store.read(lambda connection: root_at(connection, signed.size))
        if root != signed.root:
            raise LedgerDamaged(
                f"The log on disk is not the one that was signed at size {signed.size}.",
                "Keep a copy of the store, and run yett log verify to name the place.",
            )
        self._signed_size = signed.size


def _as_seen_by_caller(error: Exception) -> Exception:
    """A clash of rows is the work's own affair; any other database error means that nothing can be recorded."""
    if isinstance(error, DBAPIError) and not isinstance(error, IntegrityError):
        told = unavailable(error)
        return LedgerUnavailable(told.what, told.remedy)
    return error
