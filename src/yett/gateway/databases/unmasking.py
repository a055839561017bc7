"""Unmasking for one running session is an act (law 8): a person's key signs it.

Which columns are shown, of which database, to whom, until when: the lease is granted them and the wire stops masking
them, until then or until the session ends. What counts for every later task is `widening`'s.
"""

from __future__ import annotations

from yett.approvals.acts import Act
from yett.gateway.databases.scopes import columns_from
from yett.ledger.journal import Entry, Transaction
from yett.providers.postgres.scope import Columns


def write_signed(tx: Transaction, act: Act, by: str, now: int) -> None:
    """For the log; the lease is granted the columns after it."""
    tx.append(Entry("unmask", {"act": act.id, "by": by, **dict(act.body)}))


def columns_of(act: Act) -> Columns:
    listed = act.body.get("columns")
    return columns_from([str(one) for one in listed] if isinstance(listed, list | tuple) else [])
