"""When the log cannot be written: every waiter is told, nothing hangs, nothing unlogged is acknowledged."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager

import psycopg
import pytest
from sqlalchemy import insert, select, text

from yett.ledger import journal as module
from yett.ledger.journal import Entry, Journal, Transaction
from yett.ledger.notes import Signer
from yett.ledger.proofs import root_at
from yett.ledger.rows import log_size
from yett.ledger.tree import Tree, leaf_hash
from yett.model.errors import LedgerUnavailable
from yett.store import Store, open_store
from yett.store.tables import ledger_entry, remembered


def append(transaction: Transaction) -> int:
    return transaction.append(Entry("intent", {}))


@contextmanager
def busy(journal: Journal, then: Callable[[Transaction], object] = lambda _: None) -> Iterator[None]:
    """The writer is in the middle of a piece of work for as long as the block lasts; it ends with `then`."""
    began, end = threading.Event(), threading.Event()

    def work(transaction: Transaction) -> None:
        began.set()
        assert end.wait(30)
        then(transaction)

    journal.commit(work)
    assert began.wait(30)
    try:
        yield
    finally:
        end.set()


class Broken(BaseException):
    """Not an error that any code expects."""


def kills_the_writer(_: Transaction) -> None:
    raise Broken("out of the blue")


def test_a_dead_writer_fails_everyone_who_waits_and_everyone_who_comes(store: Store, signer: Signer) -> None:
    journal = Journal(store, signer)
    with busy(journal):
        waiting = [
            journal.commit(append),
            journal.commit(kills_the_writer),
            *(journal.commit(append) for _ in range(2000)),
        ]
    for future in waiting:
        with pytest.raises(LedgerUnavailable, match="out of the blue"):
            future.result()
    for late in (lambda: journal.commit(append), lambda: journal.enqueue(Entry("read", {}))):
        with pytest.raises(LedgerUnavailable, match="out of the blue"):
            late()
    with pytest.raises(LedgerUnavailable):
        asyncio.run(journal.run(append))
    assert store.read(log_size) == 0
    journal.close()


def test_reads_lost_with_the_writer_are_reported_on_closing(store: Store, signer: Signer) -> None:
    journal = Journal(store, signer)
    with busy(journal):
        died = journal.commit(kills_the_writer)
        journal.enqueue(Entry("read", {}))
    with pytest.raises(LedgerUnavailable):
        died.result()
    with pytest.raises(LedgerUnavailable, match="1 entries could not be written"):
        journal.close()


def test_a_broken_clock_kills_the_writer_rather_than_the_order(store: Store, signer: Signer) -> None:
    times = iter([5])
    journal = Journal(store, signer, clock=lambda: next(times))
    journal.commit(append).result()
    journal.enqueue(Entry("read", {}))
    with pytest.raises(LedgerUnavailable, match="1 entries could not be written"):
        journal.close()
    assert store.read(log_size) == 1


def test_a_wait_has_a_deadline_and_what_never_began_never_will(store: Store, signer: Signer) -> None:
    journal = Journal(store, signer, deadline=0.2)
    with busy(journal):
        future = journal.commit(append)
        with pytest.raises(LedgerUnavailable, match="in time"):
            future.result()
        with pytest.raises(LedgerUnavailable, match="in time"):
            asyncio.run(journal.run(append))
        assert future.cancelled()
        with pytest.raises((CancelledError, LedgerUnavailable)):
            future.result()
    journal.commit(lambda _: None).result(timeout=30)  # the disk may be slow now: only the waits above are timed
    assert store.read(log_size) == 0
    journal.close()


async def _give_up(journal: Journal) -> None:
    task = asyncio.create_task(journal.run(append))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_a_caller_who_leaves_takes_his_work_with_him(journal: Journal, store: Store) -> None:
    with busy(journal):
        asyncio.run(_give_up(journal))
    journal.commit(lambda _: None).result()
    assert store.read(log_size) == 0


def test_a_works_own_timeout_is_its_own(journal: Journal) -> None:
    def times_out(_: Transaction) -> None:
        raise TimeoutError("mine")

    with pytest.raises(TimeoutError, match="mine"):
        journal.commit(times_out).result()
    with pytest.raises(TimeoutError, match="mine"):
        asyncio.run(journal.run(times_out))


def test_a_full_queue_refuses(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_QUEUED", 3)
    with busy(journal):
        for _ in range(2):
            journal.enqueue(Entry("read", {}))
        journal.commit(append)
        with pytest.raises(LedgerUnavailable, match="full"):
            journal.enqueue(Entry("read", {}))
        with pytest.raises(LedgerUnavailable, match="full"):
            journal.commit(append)


def test_a_queue_of_few_large_entries_refuses_too(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_QUEUED_BYTES", 1000)
    with busy(journal):
        same_batch = journal.commit(lambda _: None)
        journal.enqueue(Entry("read", {"x": "y" * 1000}))
        with pytest.raises(LedgerUnavailable, match="full"):
            journal.enqueue(Entry("read", {}))
    same_batch.result()
    journal.enqueue(Entry("read", {}))


def test_reads_are_refused_while_an_older_one_waits(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    with busy(journal):
        journal.enqueue(Entry("read", {}))
        journal.enqueue(Entry("read", {}))  # the older one has waited for a moment only
        monkeypatch.setattr(module, "OLDEST_LINE_S", 0.0)
        with pytest.raises(LedgerUnavailable, match="more than a second"):
            journal.enqueue(Entry("read", {}))
    journal.commit(lambda _: None).result()
    journal.enqueue(Entry("read", {}))


def test_reads_are_refused_while_an_older_one_is_being_written(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    began, end = threading.Event(), threading.Event()

    def stuck(_: Transaction) -> None:
        began.set()
        assert end.wait(30)

    with busy(journal):
        journal.enqueue(Entry("read", {}))
        journal.commit(stuck)
    assert began.wait(30)  # the read and the stuck work are one batch
    monkeypatch.setattr(module, "OLDEST_LINE_S", 0.0)
    with pytest.raises(LedgerUnavailable, match="more than a second"):
        journal.enqueue(Entry("read", {}))
    end.set()
    journal.commit(lambda _: None).result()
    journal.enqueue(Entry("read", {}))


def break_inserts(store: Store) -> None:
    """From now on the database refuses every new entry, as a full disk would."""
    with store.writing() as connection:
        if store.dialect == "sqlite":
            connection.execute(
                text("CREATE TRIGGER full BEFORE INSERT ON ledger_entry BEGIN SELECT RAISE(ABORT, 'disk is full'); END")
            )
        else:
            connection.execute(
                text(
                    "CREATE FUNCTION full_up() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE 'disk is full'; END$$"
                )
            )
            connection.execute(text("CREATE TRIGGER full_up BEFORE INSERT ON ledger_entry EXECUTE FUNCTION full_up()"))


def mend_inserts(store: Store) -> None:
    with store.writing() as connection:
        connection.execute(
            text("DROP TRIGGER full" if store.dialect == "sqlite" else "DROP TRIGGER full_up ON ledger_entry")
        )


def test_after_a_failed_transaction_the_tree_is_what_is_on_disk(journal: Journal, store: Store) -> None:
    for _ in range(300):
        journal.commit(append)
    journal.commit(lambda _: None).result()
    before = journal.checkpoint()
    break_inserts(store)

    def with_state(transaction: Transaction) -> int:
        transaction.execute(insert(remembered), {"session": "s", "host": "h", "method": "POST"})
        return append(transaction)

    for _ in range(3):
        with pytest.raises(LedgerUnavailable, match="disk is full"):
            journal.commit(with_state).result()
        assert journal.checkpoint() == before
    assert store.read(lambda c: c.execute(select(remembered)).all()) == []
    mend_inserts(store)
    assert journal.commit(with_state).result() == 300
    root = store.read(lambda c: root_at(c, 301))
    data = store.read(lambda c: c.execute(select(ledger_entry.c.data).order_by(ledger_entry.c.idx)).scalars().all())
    assert Tree().grow([leaf_hash(bytes(d)) for d in data])[0].root() == root


def test_reads_that_could_not_be_written_are_written_later_in_their_order(
    journal: Journal, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "OLDEST_LINE_S", 60.0)
    break_inserts(store)
    for number in range(5):
        journal.enqueue(Entry("read", {"n": number}))
    with pytest.raises(LedgerUnavailable):
        journal.commit(append).result()
    with busy(journal, append):
        for number in range(5, 8):
            journal.enqueue(Entry("read", {"n": number}))
    mend_inserts(store)
    assert journal.commit(append).result() == 8
    rows = store.read(lambda c: c.execute(select(ledger_entry.c.data).order_by(ledger_entry.c.idx)).scalars().all())
    assert [json.loads(row)["body"].get("n") for row in rows] == [*range(8), None]


def test_reads_that_wait_for_the_disk_count_against_the_queue(
    journal: Journal, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RETRY_S", 30.0)
    break_inserts(store)
    journal.enqueue(Entry("read", {"x": "y" * 1000}))
    with pytest.raises(LedgerUnavailable):
        journal.commit(append).result()
    monkeypatch.setattr(module, "MOST_QUEUED_BYTES", 1000)
    with pytest.raises(LedgerUnavailable, match="full"):
        journal.enqueue(Entry("read", {}))
    mend_inserts(store)


def test_closing_tries_once_more(store: Store, signer: Signer) -> None:
    journal = Journal(store, signer)
    break_inserts(store)
    journal.enqueue(Entry("read", {}))
    with pytest.raises(LedgerUnavailable):
        journal.commit(append).result()
    mend_inserts(store)
    journal.close()
    assert store.read(log_size) == 1


def test_reads_that_cannot_be_written_are_reported_on_closing(store: Store, signer: Signer) -> None:
    journal = Journal(store, signer)
    break_inserts(store)
    journal.enqueue(Entry("read", {}))
    with pytest.raises(LedgerUnavailable, match="1 entries could not be written"):
        journal.close()


def test_a_store_locked_by_another_process_refuses_in_time(
    store_url: str, signer: Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("yett.store.engine.BUSY_MS", 100)
    store = open_store(store_url)
    journal = Journal(store, signer, deadline=10)
    elsewhere = open_store(store_url)
    with elsewhere.writing():
        with pytest.raises(LedgerUnavailable):
            journal.commit(append).result()
    assert journal.commit(append).result() == 0
    journal.close()
    elsewhere.close()
    store.close()


def test_a_lost_database_connection_is_a_refusal_and_heals(postgres, signer: Signer) -> None:
    url = postgres.database()
    store = open_store(url)
    journal = Journal(store, signer)
    assert journal.commit(append).result() == 0
    name = url.rpartition("/")[2]
    kill = (
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}' AND pid <> pg_backend_pid()"
    )
    with psycopg.connect(url, autocommit=True) as other:
        other.execute(kill)
    with pytest.raises(LedgerUnavailable):
        journal.commit(append).result()
    assert journal.commit(append).result() == 1
    journal.close()
    store.close()


def test_a_read_only_database_refuses(postgres, signer: Signer) -> None:
    url = postgres.database()
    store = open_store(url)
    Journal(store, signer).close()
    with store.writing() as connection:
        connection.exec_driver_sql(f"ALTER DATABASE {url.rpartition('/')[2]} SET default_transaction_read_only = on")
    store.close()
    store = open_store(url)  # opening and reading need no writing
    journal = Journal(store, signer)
    with pytest.raises(LedgerUnavailable, match="read-only"):
        journal.commit(append).result()
    journal.close()
    store.close()
