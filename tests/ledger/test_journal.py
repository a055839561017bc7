"""The journal: state and log together, durable when the future resolves, each work by itself."""

from __future__ import annotations

import asyncio
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import delete, insert, select
from sqlalchemy.exc import IntegrityError

from yett.ledger.entries import encode
from yett.ledger.journal import Encoded, Entry, Journal, Transaction
from yett.ledger.notes import Signer, open_checkpoint
from yett.ledger.proofs import root_at
from yett.ledger.writer import LedgerDamaged
from yett.model.errors import LedgerUnavailable
from yett.store import Store, open_store
from yett.store.tables import ledger_checkpoint, ledger_entry, ledger_tile, remembered


def entries(store: Store) -> list[dict[str, Any]]:
    rows = store.read(lambda c: c.execute(select(ledger_entry.c.data).order_by(ledger_entry.c.idx)).scalars().all())
    return [json.loads(row) for row in rows]


def hosts(store: Store) -> list[str]:
    return list(store.read(lambda c: c.execute(select(remembered.c.host).order_by(remembered.c.host)).scalars()))


def remember(host: str) -> Any:
    def work(transaction: Transaction) -> int:
        transaction.execute(insert(remembered), {"session": "s", "host": host, "method": "POST"})
        return transaction.append(Entry("intent", {"host": host}))

    return work


def test_when_the_future_resolves_state_and_entry_are_there(journal: Journal, store: Store) -> None:
    assert journal.commit(remember("a.example")).result() == 0
    assert hosts(store) == ["a.example"]
    [entry] = entries(store)
    assert (entry["v"], entry["kind"], entry["body"]) == (1, "intent", {"host": "a.example"})
    assert journal.size == 1


def test_indices_follow_the_log(journal: Journal) -> None:
    def two(transaction: Transaction) -> tuple[int, int]:
        return transaction.append(Entry("a", {})), transaction.append(Entry("b", {}))

    futures = [journal.commit(two) for _ in range(600)]
    assert [future.result() for future in futures] == [(2 * n, 2 * n + 1) for n in range(600)]


def test_work_that_raises_is_undone_alone(journal: Journal, store: Store) -> None:
    def fails(transaction: Transaction) -> None:
        remember("b.example")(transaction)
        raise KeyError("no")

    futures = [journal.commit(work) for work in (remember("a.example"), fails, remember("c.example"))]
    assert futures[0].result() == 0
    with pytest.raises(KeyError):
        futures[1].result()
    assert futures[2].result() == 1
    assert hosts(store) == ["a.example", "c.example"]
    assert [e["body"]["host"] for e in entries(store)] == ["a.example", "c.example"]


def test_a_clash_of_rows_is_the_works_own_error(journal: Journal, store: Store) -> None:
    assert journal.commit(remember("a.example")).result() == 0
    again = journal.commit(remember("a.example"))
    other = journal.commit(remember("b.example"))
    with pytest.raises(IntegrityError):
        again.result()
    assert other.result() == 1
    assert hosts(store) == ["a.example", "b.example"]


def test_a_statement_that_failed_spoils_its_work_even_if_swallowed(journal: Journal, store: Store) -> None:
    journal.commit(remember("a.example")).result()

    def swallows(transaction: Transaction) -> str:
        transaction.append(Entry("intent", {"host": "b.example"}))
        try:
            remember("a.example")(transaction)
        except IntegrityError:
            return "went on"
        return "?"

    with pytest.raises(IntegrityError):
        journal.commit(swallows).result()
    assert len(entries(store)) == 1


def test_work_that_keeps_its_transaction_cannot_use_it_later(journal: Journal, store: Store) -> None:
    kept: list[Transaction] = []
    journal.commit(kept.append).result()
    with pytest.raises(RuntimeError):
        kept[0].append(Entry("late", {}))
    with pytest.raises(RuntimeError):
        kept[0].execute(select(remembered))
    assert entries(store) == []


def test_work_reads_what_it_wrote(journal: Journal) -> None:
    def work(transaction: Transaction) -> int:
        remember("a.example")(transaction)
        return len(transaction.execute(select(remembered)).all())

    assert journal.commit(work).result() == 1


def test_work_must_not_wait_for_its_own_journal(journal: Journal) -> None:
    with pytest.raises(RuntimeError, match="must not wait"):
        journal.commit(lambda _: journal.commit(remember("a.example"))).result()


def test_reads_are_written_soon_and_in_order(journal: Journal, store: Store) -> None:
    for number in range(3000):
        journal.enqueue(Entry("read", {"n": number}))
    journal.commit(lambda _: None).result()
    assert [e["body"]["n"] for e in entries(store)] == list(range(3000))


def test_a_read_that_nobody_waits_for_is_written_all_the_same(journal: Journal, store: Store) -> None:
    journal.enqueue(Entry("read", {}))
    for _ in range(1000):
        if journal.size:
            break
        threading.Event().wait(0.005)
    assert len(entries(store)) == 1


def test_closing_writes_and_signs_what_is_queued(store: Store, signer: Signer) -> None:
    journal = Journal(store, signer)
    futures = [journal.commit(remember(f"{n}.example")) for n in range(50)]
    for number in range(50):
        journal.enqueue(Entry("read", {"n": number}))
    journal.close()
    assert [future.result() for future in futures] == list(range(50))
    assert len(entries(store)) == 100
    note = store.read(lambda c: c.execute(select(ledger_checkpoint.c.note)).scalar_one())
    assert open_checkpoint(note, signer.verifier).size == 100
    journal.close()


def test_after_closing_everything_is_refused(store: Store, signer: Signer) -> None:
    journal = Journal(store, signer)
    journal.close()
    with pytest.raises(LedgerUnavailable):
        journal.enqueue(Entry("read", {}))
    with pytest.raises(LedgerUnavailable):
        journal.commit(lambda _: None)
    with pytest.raises(LedgerUnavailable):
        asyncio.run(journal.run(lambda _: None))


def test_many_threads_share_commits_and_lose_nothing(journal: Journal, store: Store) -> None:
    def caller(number: int) -> list[int]:
        return [journal.commit(remember(f"{number}-{n}.example")).result() for n in range(25)]

    with ThreadPoolExecutor(16) as pool:
        indices = [index for found in pool.map(caller, range(16)) for index in found]
    assert sorted(indices) == list(range(400))
    assert len(hosts(store)) == 400


async def _sixteen(journal: Journal) -> list[int]:
    return await asyncio.gather(*(journal.run(remember(f"{n}.example")) for n in range(16)))


def test_asyncio_callers_wait_without_blocking_the_loop(journal: Journal, store: Store) -> None:
    assert sorted(asyncio.run(_sixteen(journal))) == list(range(16))
    assert len(hosts(store)) == 16


def test_the_log_goes_on_where_it_stopped(store: Store, signer: Signer) -> None:
    for size in (1, 255, 256, 257, 700):
        journal = Journal(store, signer)
        while journal.size < size:
            for _ in range(size - journal.size):
                journal.enqueue(Entry("read", {}))
            journal.commit(lambda _: None).result()
        root = open_checkpoint(journal.checkpoint(), signer.verifier).root
        journal.close()
        assert store.read(lambda c, size=size: root_at(c, size)) == root


def test_time_never_goes_back(store: Store, signer: Signer) -> None:
    times = iter([50, 70, 20, 60, 80])
    journal = Journal(store, signer, clock=lambda: next(times))
    for _ in range(3):
        journal.commit(lambda t: t.append(Entry("x", {}))).result()
    journal.close()
    journal = Journal(store, signer, clock=lambda: next(times))  # and not across a restart
    for _ in range(2):
        journal.commit(lambda t: t.append(Entry("x", {}))).result()
    journal.close()
    assert [e["at"] for e in entries(store)] == [50, 70, 70, 70, 80]


def test_the_checkpoint_covers_everything_durable(journal: Journal, signer: Signer, store: Store) -> None:
    assert open_checkpoint(journal.checkpoint(), signer.verifier).size == 0
    for number in range(1, 5):
        journal.commit(remember(f"{number}.example")).result()
        signed = open_checkpoint(journal.checkpoint(), signer.verifier)
        assert (signed.size, signed.root) == (number, store.read(lambda c, n=number: root_at(c, n)))
        assert journal.checkpoint() == journal.checkpoint()


def test_an_idle_log_is_signed_in_the_store(journal: Journal, signer: Signer, store: Store) -> None:
    journal.commit(remember("a.example")).result()
    for _ in range(1000):
        note = store.read(lambda c: c.execute(select(ledger_checkpoint.c.note)).scalar())
        if note and open_checkpoint(note, signer.verifier).size == 1:
            return
        threading.Event().wait(0.005)
    raise AssertionError("never signed")


def test_two_processes_on_one_store_make_one_log(store: Store, store_url: str, signer: Signer) -> None:
    other_store = open_store(store_url)
    one, two = Journal(store, signer), Journal(other_store, signer)
    found = [j.commit(lambda t: t.append(Entry("x", {}))).result() for _ in range(300) for j in (one, two)]
    assert found == list(range(600))
    assert one.commit(lambda _: one.size).result() in (599, 600)
    two.close()
    one.close()
    other_store.close()
    Journal(store, signer).close()
    root = store.read(lambda c: root_at(c, 600))
    note = store.read(lambda c: c.execute(select(ledger_checkpoint.c.note)).scalar_one())
    assert open_checkpoint(note, signer.verifier).root == root


def test_a_log_cut_short_under_a_running_writer_stops_it(store: Store, signer: Signer) -> None:
    journal = Journal(store, signer)
    for number in range(3):
        journal.commit(remember(f"{number}.example")).result()
    with store.writing() as connection:
        connection.execute(delete(ledger_entry).where(ledger_entry.c.idx == 2))
    with pytest.raises(LedgerUnavailable, match="2 entries on disk; 3 were durable"):
        journal.commit(remember("x.example")).result()
    with pytest.raises(LedgerUnavailable):
        journal.commit(remember("y.example"))
    journal.close()


def test_a_log_that_was_changed_after_it_was_signed_does_not_open(store: Store, signer: Signer) -> None:
    journal = Journal(store, signer)
    for number in range(3):
        journal.commit(remember(f"{number}.example")).result()
    journal.close()
    with store.writing() as connection:
        connection.execute(ledger_entry.update().where(ledger_entry.c.idx == 1).values(data=b'{"at":1}'))
    with pytest.raises(LedgerDamaged, match="not the one that was signed at size 3"):
        Journal(store, signer)
    with store.writing() as connection:
        connection.execute(delete(ledger_entry))
    with pytest.raises(LedgerDamaged):
        Journal(store, signer)


def test_a_log_with_holes_at_its_end_does_not_open(store: Store, signer: Signer) -> None:
    journal = Journal(store, signer)
    for _ in range(300):
        journal.enqueue(Entry("read", {}))
    journal.close()
    for hole in (delete(ledger_tile), delete(ledger_entry).where(ledger_entry.c.idx == 290)):
        with store.writing() as connection:
            connection.execute(hole)
        with pytest.raises(LedgerDamaged, match="incomplete"):
            Journal(store, signer)


def test_another_key_does_not_open_the_log(store: Store, signer: Signer) -> None:
    Journal(store, signer).close()
    with pytest.raises(LedgerDamaged, match="another key"):
        Journal(store, Signer(signer.name, Ed25519PrivateKey.generate()))


def test_what_nobody_waits_for_shares_the_next_callers_flush(journal: Journal, store: Store) -> None:
    journal.commit(remember("first.example")).result()
    later = journal.commit_later(remember("later.example"))
    assert journal.commit(remember("hurried.example")).result() == 2
    assert later.done() or later.result() == 1
    assert hosts(store) == ["first.example", "hurried.example", "later.example"]


def test_what_nobody_waits_for_is_written_all_the_same(journal: Journal, store: Store) -> None:
    assert journal.commit_later(remember("alone.example")).result() == 0
    assert hosts(store) == ["alone.example"]


def test_an_entry_that_is_encoded_already_is_logged_like_any_other(journal: Journal, store: Store) -> None:
    entry = Entry("read", {"summary": "é\u2028", "rules": ["b", "a"], "n": 1})
    journal.enqueue(entry)
    journal.enqueue(Encoded(encode(entry)))
    journal.commit(lambda _: None).result()
    plain, encoded = entries(store)
    assert plain | {"at": 0} == encoded | {"at": 0}
