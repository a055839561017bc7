"""A short string that changes whenever a page that shows holds, acts, keys or lockdown is out of date."""

from __future__ import annotations

import hashlib

from sqlalchemy import func, select

from yett.approvals.acts import ActState
from yett.approvals.hold import LIVE
from yett.approvals.people import Reader
from yett.store.tables import act_signatures, acts, approvals, holds, keys, lockdown


def pulse(reader: Reader) -> str:
    """Read from the store, so that it also sees what another process on the same store has done."""
    live = select(holds.c.id, holds.c.state, holds.c.nonce).where(holds.c.state.in_(LIVE)).order_by(holds.c.id)
    ended = select(func.count()).where(holds.c.state.not_in(LIVE))
    open_acts = select(acts.c.id, acts.c.nonce).where(acts.c.state == ActState.WAITING).order_by(acts.c.id)
    closed = select(func.count()).where(acts.c.state != ActState.WAITING)
    signed = select(func.count()).select_from(approvals)
    act_signed = select(func.count()).select_from(act_signatures)
    enrolled = select(func.count(), func.count(keys.c.removed_at)).select_from(keys)
    scopes = select(lockdown.c.scope, lockdown.c.on).order_by(lockdown.c.scope)
    queries = (live, ended, open_acts, closed, signed, act_signed, enrolled, scopes)
    seen = [[tuple(row) for row in reader.execute(query)] for query in queries]
    return hashlib.sha256(repr(seen).encode()).hexdigest()[:16]
