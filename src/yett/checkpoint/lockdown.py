"""The switch that stops everything: for all, for one agent, or for one session (R14, law 10).

Turning it on needs nobody's key, turning it off does (law 8); the caller proves that. State is in the store, so it
survives a restart; the copy in memory is what every request reads.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from sqlalchemy import Connection, delete, insert, select

from yett.approvals.acts import Act
from yett.approvals.document import text
from yett.approvals.errors import NotOpen
from yett.ledger.journal import Entry, Journal, Transaction
from yett.model.identity import Session
from yett.store import Store, tables

EVERYTHING = "*"


class Lockdown:
    """Scopes: "*", "agent:NAME", "session:ID". `on_lock` is called after a scope is closed, to end open sessions."""

    def __init__(self, store: Store, journal: Journal) -> None:
        self._store = store
        self._journal = journal
        self._scopes: frozenset[str] = store.read(_scopes)
        self._unwritten: frozenset[str] = frozenset()
        self.on_lock: list[Callable[[str], None]] = []

    @property
    def scopes(self) -> frozenset[str]:
        return self._scopes

    def stops(self, session: Session) -> bool:
        scopes = self._scopes
        if not scopes:
            return False
        return not scopes.isdisjoint((EVERYTHING, f"agent:{session.principal.agent}", f"session:{session.id}"))

    async def lock(self, scope: str, by: str, why: str) -> None:
        """Close the scope. In memory first: if the store is gone, the refusal still stands (law 1)."""
        self._scopes, self._unwritten = self._scopes | {scope}, self._unwritten | {scope}
        for closed in self.on_lock:
            closed(scope)

        def work(tx: Transaction) -> None:
            tx.execute(delete(tables.lockdown).where(tables.lockdown.c.scope == scope))
            tx.execute(insert(tables.lockdown).values(scope=scope, on=True, since=time.time_ns(), by=by))
            tx.append(Entry("lockdown", {"scope": scope, "on": True, "by": by, "why": why}))

        await self._journal.run(work)
        self._unwritten = self._unwritten - {scope}

    def reload(self) -> None:
        """Read the scopes again: a signed act has opened one. What could not be written stays closed (law 1)."""
        self._scopes = self._store.read(_scopes) | self._unwritten


def open_again(tx: Transaction, act: Act, by: str, now: int) -> None:
    """Open the scope of a signed act, in the transaction of the signature that suffices (law 8).

    Raises:
        NotOpen: it is not closed, so there was nothing to sign for.
    """
    scope = text(act.body, "scope")
    if tx.execute(delete(tables.lockdown).where(tables.lockdown.c.scope == scope)).rowcount != 1:
        raise NotOpen("not-locked", "that is not locked down any more", "look at the page again")
    tx.append(Entry("lockdown", {"scope": scope, "on": False, "by": by, "act": act.id}))


def _scopes(connection: Connection) -> frozenset[str]:
    return frozenset(connection.execute(select(tables.lockdown.c.scope).where(tables.lockdown.c.on)).scalars())
