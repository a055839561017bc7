"""Grants: one signature for a bounded set within a task.

Never for admin, unknown or irreversible acts, nor for a delete in production; what a grant does not cover is held.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import Row, insert, select, update

from yett.approvals.document import Document, strings, text
from yett.approvals.errors import NotOpen, NotSigned
from yett.approvals.facts import Situation
from yett.approvals.hold import SECOND
from yett.approvals.holds import new_id
from yett.approvals.people import Reader
from yett.ledger.journal import Entry, Transaction
from yett.model.effects import Effect
from yett.model.resource import Place
from yett.store.tables import grants

MOST_ACTS = 1000
LONGEST = 24 * 60 * 60 * SECOND


@dataclass(frozen=True, slots=True)
class Grant:
    """`actions` and `resources` (provider, kind, id) are listed one by one: no pattern stands for several."""

    id: str
    session: str
    actions: frozenset[str]
    resources: frozenset[tuple[str, str, str]]
    count: int
    used: int
    expires: int

    def covers(self, situations: Sequence[Situation]) -> bool:
        """Whether every act of an attempt is in the set."""
        return bool(situations) and all(self._covers(situation) for situation in situations)

    def _covers(self, situation: Situation) -> bool:
        resource, effect = situation.resource, situation.operation.effect
        if resource is None or situation.irreversible or effect not in (Effect.READ, Effect.WRITE, Effect.DELETE):
            return False
        if effect is Effect.DELETE and situation.place is not Place.TASK:
            return False
        ref = (resource.ref.provider, resource.ref.kind, resource.ref.id)
        return situation.operation.action in self.actions and ref in self.resources


def check_grant(body: Document, now: int) -> None:
    """Refuse a proposed grant that is not bounded, before anyone is asked to sign it.

    Raises:
        NotSigned: it names no session, action or resource, a pattern, too much, or too long a time.
    """
    count, expires = body.get("count"), body.get("expires")
    named = [*strings(body, "actions"), *(part for ref in _refs(body) for part in ref)]
    if not (text(body, "session") and text(body, "owner") and strings(body, "actions") and _refs(body)):
        raise NotSigned("grant", "a grant names its session, owner, actions and resources", "name them")
    if any(not name or "*" in name or "?" in name for name in named):
        raise NotSigned("grant", "a grant lists what it covers one by one", "write no patterns")
    if not isinstance(count, int) or isinstance(count, bool) or not 0 < count <= MOST_ACTS:
        raise NotSigned("grant", f"a grant is for 1 to {MOST_ACTS} acts", "say how many")
    if not isinstance(expires, int) or not now < expires <= now + LONGEST:
        raise NotSigned("grant", "a grant ends within a day", "say when")


def write_grant(tx: Transaction, body: Document, signed_by: str, now: int) -> str:
    """Write a grant that was signed; its id."""
    check_grant(body, now)
    grant_id = new_id("g")
    tx.execute(
        insert(grants).values(
            id=grant_id,
            session=text(body, "session"),
            actions=list(strings(body, "actions")),
            resources=[list(ref) for ref in _refs(body)],
            count=body["count"],
            used=0,
            expires_at=body["expires"],
            signed_by=signed_by,
        )
    )
    tx.append(Entry("grant", {"grant": grant_id, "change": "given", "by": signed_by, "body": dict(body)}))
    return grant_id


def covering_grant(reader: Reader, session: str, situations: Sequence[Situation], now: int) -> Grant | None:
    """A live grant of this session that covers all of it and has enough left."""
    if any(situation.resource is None for situation in situations):
        return None  # a grant lists resources
    query = select(grants).where(grants.c.session == session, grants.c.expires_at > now).order_by(grants.c.expires_at)
    for row in reader.execute(query):
        grant = _grant(row)
        if grant.covers(situations) and grant.used + len(situations) <= grant.count:
            return grant
    return None


def reserve_grant(tx: Transaction, grant_id: str, session: str, situations: Sequence[Situation], now: int) -> None:
    """Take this attempt out of the grant, in the transaction of its intent (law 12).

    Raises:
        NotOpen: it does not cover this, is used up, or has expired.
    """
    row = tx.execute(select(grants).where(grants.c.id == grant_id, grants.c.session == session)).first()
    if row is None or not _grant(row).covers(situations):
        raise NotOpen("grant", "the grant does not cover this", "ask for this one by itself")
    left = update(grants).where(
        grants.c.id == grant_id, grants.c.expires_at > now, grants.c.used + len(situations) <= grants.c.count
    )
    if tx.execute(left.values(used=grants.c.used + len(situations))).rowcount != 1:
        raise NotOpen("grant", "the grant is used up, or has expired", "ask for this one by itself")
    tx.append(Entry("grant", {"grant": grant_id, "change": "used", "acts": len(situations), "session": session}))


def end_grants(tx: Transaction, session: str, now: int) -> int:
    """End the grants of a session; with "" those of all."""
    mine = (grants.c.session == session) if session else grants.c.id.is_not(None)
    ended = tx.execute(update(grants).where(mine, grants.c.expires_at > now).values(expires_at=now)).rowcount
    if ended:
        tx.append(Entry("grant", {"change": "ended", "session": session, "grants": ended}))
    return ended


def _refs(body: Document) -> list[tuple[str, str, str]]:
    found = body.get("resources")
    if not isinstance(found, list | tuple):
        return []
    return [(str(ref[0]), str(ref[1]), str(ref[2])) for ref in found if isinstance(ref, list | tuple) and len(ref) == 3]


def _grant(row: Row[Any]) -> Grant:  # one row of `grants`
    return Grant(
        id=row.id,
        session=row.session,
        actions=frozenset(cast("list[str]", row.actions)),
        resources=frozenset(_refs({"resources": row.resources})),
        count=row._mapping["count"],  # a row's `count` is the tuple's method
        used=row.used,
        expires=row.expires_at,
    )
