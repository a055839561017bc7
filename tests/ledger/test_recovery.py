"""Law 2: an intent without an outcome is unknown after a crash, and stays so."""

from __future__ import annotations

import json

from sqlalchemy import insert, select, update

from yett.ledger.journal import Entry, Journal, Transaction
from yett.ledger.recovery import recover_inflight
from yett.store import Store
from yett.store.tables import inflight, ledger_entry


def intend(transaction: Transaction) -> int:
    index = transaction.append(Entry("intent", {"digest": "d"}))
    transaction.execute(insert(inflight), {"intent": index, "hold": "h1", "session": "s1", "state": "open"})
    return index


def test_what_a_crash_left_open_becomes_unknown_once(journal: Journal, store: Store) -> None:
    indices = [journal.commit(intend).result() for _ in range(3)]
    done = update(inflight).where(inflight.c.intent == indices[1]).values(state="done")
    journal.commit(lambda transaction: transaction.execute(done)).result()

    assert recover_inflight(journal) == (indices[0], indices[2])
    assert recover_inflight(journal) == ()

    states = store.read(lambda c: c.execute(select(inflight.c.state).order_by(inflight.c.intent)).scalars().all())
    assert states == ["unknown", "done", "unknown"]
    rows = store.read(lambda c: c.execute(select(ledger_entry.c.data).where(ledger_entry.c.idx >= 3)).scalars().all())
    outcomes = [json.loads(row) for row in rows]
    assert [entry["kind"] for entry in outcomes] == ["outcome", "outcome"]
    assert [entry["body"]["intent"] for entry in outcomes] == [indices[0], indices[2]]
    assert {entry["body"]["outcome"] for entry in outcomes} == {"unknown"}


def test_nothing_open_logs_nothing(journal: Journal) -> None:
    assert recover_inflight(journal) == ()
    assert journal.size == 0
