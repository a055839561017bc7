"""Acts that nobody knew the end of, once the provider could be asked: what it says is their outcome (law 2)."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, select, update

from yett.approvals.desk import Desk
from yett.ledger.journal import Entry, Transaction
from yett.model.canonical import Json
from yett.store.tables import inflight


@dataclass(frozen=True, slots=True)
class Unsettled:
    """An intent whose outcome is `unknown`, and where the provider can be asked about it."""

    intent: int
    hold: str
    session: str
    xact: str


def unsettled(connection: Connection) -> list[Unsettled]:
    """Those that somebody can still be asked about, the oldest first."""
    asked = select(inflight).where(inflight.c.state == "unknown", inflight.c.xact.is_not(None))
    rows = connection.execute(asked.order_by(inflight.c.intent))
    return [Unsettled(row.intent, row.hold or "", row.session, row.xact) for row in rows]


def write_settled(tx: Transaction, desk: Desk, one: Unsettled, outcome: str, why: str) -> None:
    """`outcome`: done or refused, in the provider's own words as `why`; unknown: it will never know, either."""
    row = inflight.c.intent == one.intent, inflight.c.state == "unknown", inflight.c.xact.is_not(None)
    if tx.execute(update(inflight).where(*row).values(state=outcome, xact=None)).rowcount != 1:
        return
    body: dict[str, Json] = {"intent": one.intent, "outcome": outcome, "status": 0, "hold": one.hold or None}
    tx.append(Entry("outcome", {**body, "session": one.session, "why": why}))
    if one.hold:
        desk.settle_unknown(tx, one.hold, outcome, why)
