"""The one writer of the store: many callers' work, one thread, one durable transaction a batch.

Whatever is queued while a batch is being written is the next batch, so the cost of a disk flush is shared by all who
wait for it (group commit).
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from sqlalchemy.exc import SQLAlchemyError

from yett.ledger.entries import Encoded, Entry, encode
from yett.ledger.notes import Checkpoint, Signer
from yett.ledger.rows import LedgerDamaged
from yett.ledger.writer import SIGN_EVERY_S, Job, Line, Transaction, Writer
from yett.model.errors import LedgerUnavailable, StoreUnavailable
from yett.store.engine import Store, unavailable

__all__ = ["Encoded", "Entry", "Journal", "Transaction"]

T = TypeVar("T")

MOST_QUEUED = 16_384
MOST_QUEUED_BYTES = 64 * 1024 * 1024
MOST_IN_BATCH = 1024
OLDEST_LINE_S = 1.0
"""Law 2: a read whose entry has waited longer than this means that further reads are refused."""
LINGER_S = 0.005
"""A batch that nobody waits for (reads, outcomes) waits this long for company; a waiting caller ends it."""
DEADLINE_S = 5.0
"""Whoever waits for the log longer is refused."""
RETRY_S = 0.1
"""Pause after a batch that failed, when only reads are waiting."""


class _Pending(Future[T]):
    """A future whose `result` never waits for ever."""

    def __init__(self, deadline: float) -> None:
        super().__init__()
        self._deadline = deadline

    def result(self, timeout: float | None = None) -> T:
        try:
            return super().result(self._deadline if timeout is None else timeout)
        except TimeoutError:
            if self.done():
                return super().result(0)  # the work's own timeout, or an answer at the last moment
            self.cancel()  # what has not begun never will
            raise _too_slow() from None


class Journal:
    """Commits work and log entries together. Thread-safe; close it to flush."""

    def __init__(
        self, store: Store, signer: Signer, *, clock: Callable[[], int] = time.time_ns, deadline: float | None = None
    ) -> None:
        """Open the log and start writing. `deadline` bounds every wait, in seconds; None: DEADLINE_S.

        Raises:
            LedgerUnavailable: the log on disk is not the one that `signer` signed.
            StoreUnavailable: the store cannot be read.
        """
        self.store = store
        self._signer = signer
        self._deadline = DEADLINE_S if deadline is None else deadline
        self._writer = Writer(store, signer, clock)
        self._writer.open()
        self._lock = threading.Lock()
        self._wake = threading.Condition(self._lock)
        self._queue: deque[Line | Job] = deque()
        self._hurried = 0  # jobs in the queue that somebody waits for
        self._bytes = 0  # of the lines in the queue
        self._queued_since: float | None = None  # the oldest line in the queue
        self._flushing_since: float | None = None  # the oldest line in the batch being written
        self._writing: list[Line | Job] = []
        self._failing = False
        self._closing = False
        self._gave_up = False  # a last attempt, while closing, failed
        self._dead: LedgerUnavailable | None = None
        self._note = (-1, "")
        self._thread = threading.Thread(target=self._run, name="yett-ledger", daemon=True)
        self._thread.start()

    @property
    def size(self) -> int:
        """How many entries are durable."""
        return self._writer.durable.size

    def enqueue(self, entry: Entry | Encoded) -> None:
        """Log a read: returns at once, durable within milliseconds.

        Raises:
            LedgerUnavailable: queue full, writer dead, or an earlier read unflushed for more than a second.
        """
        line = Line(entry.rest if isinstance(entry, Encoded) else encode(entry), time.monotonic())
        with self._lock:
            self._refuse_if_over()
            oldest = self._queued_since if self._flushing_since is None else self._flushing_since
            if oldest is not None and line.since - oldest > OLDEST_LINE_S:
                raise LedgerUnavailable(
                    "The log has not been written for more than a second.", "Check the store's disk, then retry."
                )
            self._queue.append(line)
            self._bytes += len(line.rest)
            if self._queued_since is None:
                self._queued_since = line.since
                self._wake.notify()

    def commit(self, work: Callable[[Transaction], T]) -> Future[T]:
        """Queue `work`; the future resolves when it and its entries are durable, or with what stopped it.

        The work runs on the writer's thread, once, and must neither block nor call the journal. If it raises, only its
        own changes are undone. The future's `result()` has a deadline of its own; work that has not begun by then is
        cancelled.

        Raises:
            LedgerUnavailable: queue full, or writer dead.
        """
        return self._queue_job(work, hurried=True)

    def commit_later(self, work: Callable[[Transaction], T]) -> Future[T]:
        """`commit` for what nobody waits for, an outcome: like a read, it lingers for company, and shares its flush."""
        return self._queue_job(work, hurried=False)

    async def run(self, work: Callable[[Transaction], T]) -> T:
        """`commit` for asyncio. A cancelled caller cancels work that has not begun. Raises LedgerUnavailable."""
        return await self._awaited(self.commit(work))

    async def run_later(self, work: Callable[[Transaction], T]) -> T:
        """`commit_later` for asyncio. Raises LedgerUnavailable."""
        return await self._awaited(self.commit_later(work))

    def checkpoint(self) -> str:
        """The signed note over everything that is durable now."""
        tree = self._writer.durable
        size, note = self._note
        if size != tree.size:
            note = self._signer.sign(Checkpoint(self._signer.name, tree.size, tree.root()).text())
            self._note = (tree.size, note)
        return note

    def close(self) -> None:
        """Write and sign what is queued, then stop. Raises LedgerUnavailable if something could not be written."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._thread.join(self._deadline)
        with self._wake:
            left = len(self._queue) + len(self._writing)
            if self._dead is None:
                self._dead = LedgerUnavailable("The log is closed.", "Start the daemon again.")
        if left:
            raise LedgerUnavailable(
                f"{left} entries could not be written before closing.", "Check the store's disk; reads were forwarded."
            )

    async def _awaited(self, future: Future[T]) -> T:
        try:
            async with asyncio.timeout(self._deadline) as limit:
                return await asyncio.wrap_future(future)
        except TimeoutError:
            if limit.expired():
                raise _too_slow() from None
            raise

    def _queue_job(self, work: Callable[[Transaction], T], *, hurried: bool) -> Future[T]:
        if threading.current_thread() is self._thread:
            raise RuntimeError("work must not wait for the journal that runs it")
        future: _Pending[T] = _Pending(self._deadline)
        with self._lock:
            self._refuse_if_over()
            self._queue.append(Job(work, future, hurried))
            self._hurried += hurried
            if self._hurried == 1 if hurried else len(self._queue) == 1:
                self._wake.notify()
        return future

    def _refuse_if_over(self) -> None:
        if self._dead is not None:
            raise LedgerUnavailable(self._dead.what, self._dead.remedy) from self._dead
        if self._closing:
            raise LedgerUnavailable("The log is closing.", "Start the daemon again.")
        if len(self._queue) >= MOST_QUEUED or self._bytes >= MOST_QUEUED_BYTES:
            raise LedgerUnavailable("The log's queue is full.", "Slow down; it empties within milliseconds.")

    # The writer's thread.

    def _run(self) -> None:
        try:
            while self._take():
                self._flush()
        except BaseException as error:  # noqa: BLE001 - whatever kills the writer must reach everyone who waits
            self._die(error)

    def _take(self) -> bool:
        """Wait for work and make it the batch; an empty batch signs. False when it is time to stop."""
        with self._wake:
            if self._failing:
                self._wake.wait_for(lambda: self._hurried or self._closing, RETRY_S)
            elif not self._queue:
                idle = SIGN_EVERY_S if self._writer.unsigned else None
                self._wake.wait_for(lambda: self._queue or self._closing, idle)
            if self._queue and not self._hurried and not self._closing:
                self._wake.wait_for(lambda: self._hurried or self._closing, LINGER_S)
            if self._closing and (self._gave_up or not (self._queue or self._writer.unsigned)):
                return False
            self._fill_batch()
            return True

    def _fill_batch(self) -> None:
        count = min(len(self._queue), MOST_IN_BATCH)
        batch = [self._queue.popleft() for _ in range(count)]
        for item in batch:
            if isinstance(item, Job):
                self._hurried -= item.hurried
            else:
                self._bytes -= len(item.rest)
        self._flushing_since = _oldest_line(batch)
        self._queued_since = _oldest_line(self._queue)
        # A caller who has given up gets no work done (and RUNNING futures can no longer be cancelled).
        self._writing = [i for i in batch if isinstance(i, Line) or i.future.set_running_or_notify_cancel()]

    def _flush(self) -> None:
        batch = self._writing
        try:
            self._writer.write(batch)
        except (SQLAlchemyError, StoreUnavailable) as error:
            if isinstance(error, LedgerDamaged):
                raise
            self._give_back(error)
            return
        with self._wake:
            self._failing, self._flushing_since, self._writing = False, None, []
        for item in batch:
            if isinstance(item, Job):
                _resolve(item)

    def _give_back(self, error: SQLAlchemyError | StoreUnavailable) -> None:
        """After a batch that failed: its jobs fail, its lines go back to the head of the queue."""
        told = unavailable(error) if isinstance(error, SQLAlchemyError) else error
        with self._wake:
            batch, self._writing = self._writing, []
            lines = [item for item in batch if isinstance(item, Line)]
            self._queue.extendleft(reversed(lines))
            self._bytes += sum(len(line.rest) for line in lines)
            self._queued_since = _oldest_line(self._queue)
            self._flushing_since = None
            self._failing, self._gave_up = True, self._closing
        for item in batch:
            if isinstance(item, Job):
                item.future.set_exception(LedgerUnavailable(told.what, told.remedy))

    def _die(self, error: BaseException) -> None:
        """Fail everyone who waits, and everyone who will come."""
        remedy = error.remedy if isinstance(error, LedgerUnavailable) else "Restart the daemon, and report this."
        dead = LedgerUnavailable(f"The log's writer has stopped: {error}", remedy)
        dead.__cause__ = error
        with self._wake:
            self._dead = dead
            left, self._writing = [*self._writing, *self._queue], []
            self._queue = deque(item for item in left if isinstance(item, Line))  # what `close` reports as lost
        waiting = [item for item in left if isinstance(item, Job)]
        for job in waiting:
            if job.future.running() or job.future.set_running_or_notify_cancel():
                job.future.set_exception(LedgerUnavailable(dead.what, dead.remedy))


def _oldest_line(items: deque[Line | Job] | list[Line | Job]) -> float | None:
    return next((item.since for item in items if isinstance(item, Line)), None)


def _resolve(job: Job) -> None:
    if job.error is not None:
        job.future.set_exception(job.error)
    else:
        job.future.set_result(job.result)


def _too_slow() -> LedgerUnavailable:
    return LedgerUnavailable("The log did not answer in time.", "Check the store's disk, then retry.")
