"""What the checkpoint remembers of a running session: its budget, what was approved for its hosts, what it asked."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field

from sqlalchemy import Connection, select

from yett.checkpoint.asks import Asks
from yett.checkpoint.quota import Quota
from yett.model.identity import Session
from yett.model.operation import Amount
from yett.policy import Policies
from yett.store import tables

NOTHING = Amount()
DEFAULT_LIMIT = Amount(deletes=20, rows=100_000, bytes=1 << 30)
"""What a task may do before a person is asked again (law 12)."""


@dataclass
class SessionState:
    """Mirrors what the store holds of one session; changed only after the store's transaction committed."""

    session: Session
    policies: Policies | None = None
    """What the workspace narrows, frozen when the run starts (law 9); None: nothing of its own."""
    spent: Amount = NOTHING
    limit: Amount = DEFAULT_LIMIT
    remembered: frozenset[tuple[str, str]] = frozenset()
    asks: Asks = field(default_factory=Asks)
    quota: Quota = field(default_factory=Quota)
    alarm_quota: Quota = field(default_factory=Quota)
    """Apart: an agent that has itself refused a thousand times must not hide an alarm behind that."""
    counts: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    releasing: dict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))


def load_state(connection: Connection, session: Session) -> SessionState:
    """The state as the store has it: a restarted daemon forgets no budget."""
    state = SessionState(session)
    budget = connection.execute(select(tables.budgets).where(tables.budgets.c.session == session.id)).first()
    if budget is not None:
        state.spent = Amount(budget.deletes, budget.rows, budget.bytes)
    rows = connection.execute(select(tables.remembered).where(tables.remembered.c.session == session.id))
    state.remembered = frozenset((row.host, row.method) for row in rows)
    return state
