"""After a crash: an intent without an outcome is `unknown`, shown to a person, never retried (law 2)."""

from __future__ import annotations

from sqlalchemy import select, update

from yett.ledger.entries import Entry
from yett.ledger.journal import Journal
from yett.ledger.writer import Transaction
from yett.store.tables import inflight


def recover_inflight(journal: Journal) -> tuple[int, ...]:
    """Mark what an earlier process left open; the indices of those intents. Call it before the first new intent.

    Raises:
        LedgerUnavailable: they could not be recorded; do not start.
    """
    return journal.commit(_mark_unknown).result()


def _mark_unknown(transaction: Transaction) -> tuple[int, ...]:
    left = select(inflight).where(inflight.c.state == "open").order_by(inflight.c.intent)
    rows = transaction.execute(left).all()
    for row in rows:
        body = {"intent": row.intent, "hold": row.hold, "session": row.session, "outcome": "unknown", "status": 0}
        transaction.append(Entry("outcome", body))
    transaction.execute(update(inflight).where(inflight.c.state == "open").values(state="unknown"))
    return tuple(row.intent for row in rows)
