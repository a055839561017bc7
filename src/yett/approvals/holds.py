"""Holds in the store: open or join, list, deny, expire, cancel. Every change stands in the ledger beside it."""

from __future__ import annotations

import hashlib
import secrets
from typing import Any

from sqlalchemy import Row, bindparam, func, insert, or_, select, update

from yett.approvals.challenge import NONCE_BYTES
from yett.approvals.errors import NotOpen, TooMany
from yett.approvals.facts import Facts, drift
from yett.approvals.hold import LIVE, SECOND, Hold, HoldState
from yett.approvals.people import Reader, active_persons
from yett.approvals.quorum import counts, quorum_for_hold
from yett.approvals.sealing import Seal
from yett.ledger.journal import Entry, Transaction
from yett.model.canonical import canonical
from yett.store.tables import holds

LIFETIME = 15 * 60 * SECOND
"""How long a hold waits, and its approval counts. A delay that is owed is added."""

WAITING_PER_AGENT = 50
"""Law 2, and a reviewer's patience (A20): an agent that has so many waiting gets no more."""

MAX_REASON = 2000

_ALPHABET = "23456789abcdefghjkmnpqrstvwxyz"
"""Of a hold's id: no 0/o, 1/i/l, u/v to confuse when it is read aloud or typed."""


def open_hold(tx: Transaction, seal: Seal, facts: Facts, note: str, now: int) -> Hold:
    """The hold for exactly these facts: the live one of an earlier send, or a new one.

    A live hold of the same request whose facts no longer cover these is cancelled: what was shown is not what would
    happen now (law 7).

    Raises:
        TooMany: the agent has too many waiting.
    """
    document = facts.document()
    session = facts.attempt.session
    earlier = live_hold(tx, seal, session.id, facts.digest, now)
    if earlier is not None:
        beyond = drift(earlier.document, document)
        if not beyond:
            return earlier
        _end(tx, earlier.id, HoldState.CANCELLED, f"replaced by a new hold: {'; '.join(beyond)}"[:300])
    _check_quota(tx, session.principal.agent, now)
    hold = Hold(
        id=new_id("h"),
        state=HoldState.WAITING,
        session=session.id,
        agent=session.principal.agent,
        digest=facts.digest,
        request_digest=facts.attempt.request_digest,
        document=document,
        nonce=secrets.token_bytes(NONCE_BYTES),
        note=note,
        created=now,
        expires=now + LIFETIME + delay_of(facts.decision.obligations),
        reason=facts.reason[:MAX_REASON],
    )
    _insert(tx, seal, hold, facts)
    return hold


def delay_of(obligations: frozenset[str]) -> int:
    """Nanoseconds between a sufficient approval and the moment it counts. At most a day: more is a mistake."""
    return min(max([0, *counts(obligations, "delay")]), 86_400) * SECOND


def new_id(prefix: str) -> str:
    """An id that a person can read out: 10 letters, 49 bits."""
    return prefix + "-" + "".join(secrets.choice(_ALPHABET) for _ in range(10))


def live_hold(reader: Reader, seal: Seal, session: str, digest: str, now: int) -> Hold | None:
    """The hold of this session's same request that waits, or is approved and not yet consumed."""
    id_ = reader.execute(_LIVE_HOLD, {"of": session, "request": digest, "now": now}).scalar()
    return None if id_ is None else find_hold(reader, seal, id_)


def approved_digests(reader: Reader, session: str, request_digest: str, now: int) -> frozenset[str]:
    """Digests of this session's holds of the same request bytes ("": of any) that people approved and nothing used."""
    query = select(holds.c.digest).where(
        holds.c.session == session, holds.c.state == HoldState.APPROVED, holds.c.expires_at > now
    )
    if request_digest:
        query = query.where(holds.c.request_digest == request_digest)
    return frozenset(reader.execute(query).scalars())


# Made once, and of one column: every write asks, and there is nearly never one.
_LIVE_HOLD = (
    select(holds.c.id)
    .where(holds.c.session == bindparam("of"), holds.c.digest == bindparam("request"))
    .where(or_(*(holds.c.state == state for state in LIVE)), holds.c.expires_at > bindparam("now"))
    .order_by(holds.c.created_at.desc())
    .limit(1)
)


def find_hold(reader: Reader, seal: Seal, hold_id: str) -> Hold:
    """That hold.

    Raises:
        NotOpen: there is none of that id.
    """
    row = reader.execute(select(holds).where(holds.c.id == hold_id)).first()
    if row is None:
        raise NotOpen("unknown-hold", "there is no hold of that id", "yett holds lists those that wait")
    return _hold(seal, row)


def list_live(reader: Reader, seal: Seal, now: int) -> tuple[Hold, ...]:
    """Holds that wait for people, or for the agent to send its approved request again; oldest first."""
    query = select(holds).where(holds.c.state.in_(LIVE), holds.c.expires_at > now).order_by(holds.c.created_at)
    return tuple(_hold(seal, row) for row in reader.execute(query))


def list_of_session(reader: Reader, seal: Seal, session: str) -> tuple[Hold, ...]:
    """All holds of one session, newest first, at most 50."""
    query = select(holds).where(holds.c.session == session).order_by(holds.c.created_at.desc()).limit(50)
    return tuple(_hold(seal, row) for row in reader.execute(query))


def list_ended(reader: Reader, seal: Seal, limit: int = 10) -> tuple[Hold, ...]:
    """The holds that ended last, newest first."""
    query = select(holds).where(holds.c.state.not_in(LIVE)).order_by(holds.c.created_at.desc()).limit(limit)
    return tuple(_hold(seal, row) for row in reader.execute(query))


def list_unknown(reader: Reader, seal: Seal, limit: int = 20) -> tuple[Hold, ...]:
    """Released ones of which nobody knows whether they took effect, newest first."""
    query = select(holds).where(holds.c.state == HoldState.UNKNOWN).order_by(holds.c.created_at.desc()).limit(limit)
    return tuple(_hold(seal, row) for row in reader.execute(query))


def deny_hold(tx: Transaction, hold_id: str, by: str, why: str = "") -> None:
    """Say no. Needs nobody's key (law 8: narrowing), and undoes an approval that has not been consumed.

    Raises:
        NotOpen: it is over already.
    """
    _end(tx, hold_id, HoldState.DENIED, f"denied by {by}{': ' + why if why else ''}"[:300], by=by)


def cancel_session(tx: Transaction, session: str, why: str) -> int:
    """End every live hold of a session: nothing runs after its task. Returns how many there were."""
    return _end_all(tx, holds.c.session == session, HoldState.CANCELLED, why)


def cancel_all(tx: Transaction, why: str) -> int:
    """End every live hold."""
    return _end_all(tx, holds.c.id.is_not(None), HoldState.CANCELLED, why)


def expire_due(tx: Transaction, now: int) -> int:
    """Mark those whose time is up. Only tidying: an expired hold is refused by every function here anyway."""
    return _end_all(tx, holds.c.expires_at <= now, HoldState.EXPIRED, "nobody answered in time")


def any_due(reader: Reader, now: int) -> bool:
    """Whether `expire_due` has something to do."""
    due = select(holds.c.id).where(holds.c.state.in_(LIVE), holds.c.expires_at <= now).limit(1)
    return reader.execute(due).first() is not None


def renew_nonces(tx: Transaction, note: str, now: int) -> int:
    """Give every waiting hold a fresh nonce; done when a control plane starts.

    Signatures made before do not fit any more, so a store put back to an earlier state, counters and all, cannot be fed
    the answers that were given to it then. People who had signed one of several sign again.
    """
    waiting = tx.execute(select(holds.c.id).where(holds.c.state == HoldState.WAITING, holds.c.expires_at > now))
    renewed = [row.id for row in waiting]
    for hold_id in renewed:
        nonce = secrets.token_bytes(NONCE_BYTES).hex()
        tx.execute(update(holds).where(holds.c.id == hold_id).values(nonce=nonce, checkpoint=note))
        tx.append(Entry("hold", {"hold": hold_id, "state": "waiting", "nonce": nonce, "renewed": True}))
    return len(renewed)


def move(tx: Transaction, hold_id: str, before: HoldState, after: HoldState, **values: object) -> None:
    """Change the state of a hold that is in `before`, once.

    Raises:
        NotOpen: it is not, any more.
    """
    statement = update(holds).where(holds.c.id == hold_id, holds.c.state == before).values(state=after, **values)
    if tx.execute(statement).rowcount != 1:
        raise NotOpen("not-" + before.value, f"hold {hold_id} is not {before.value} any more", "look at it again")


def _end(tx: Transaction, hold_id: str, state: HoldState, why: str, by: str = "") -> None:
    statement = update(holds).where(holds.c.id == hold_id, holds.c.state.in_(LIVE)).values(state=state, ended=why)
    if tx.execute(statement).rowcount != 1:
        raise NotOpen("ended", f"hold {hold_id} is over already, or there is none of that id", "look at it again")
    tx.append(Entry("hold", {"hold": hold_id, "state": state.value, "why": why, "by": by}))


def _end_all(tx: Transaction, condition: Any, state: HoldState, why: str) -> int:  # a SQLAlchemy column expression
    found = [row.id for row in tx.execute(select(holds.c.id).where(condition, holds.c.state.in_(LIVE)))]
    for hold_id in found:
        _end(tx, hold_id, state, why)
    return len(found)


def _check_quota(tx: Transaction, agent: str, now: int) -> None:
    query = select(func.count()).where(
        holds.c.agent == agent, holds.c.state == HoldState.WAITING, holds.c.expires_at > now
    )
    if tx.execute(query).scalar_one() >= WAITING_PER_AGENT:
        raise TooMany(
            "hold-quota",
            f"{WAITING_PER_AGENT} operations of this agent wait for a person already",
            "answer or deny those first: yett holds",
        )


def _insert(tx: Transaction, seal: Seal, hold: Hold, facts: Facts) -> None:
    decision = hold.document["decision"]
    tx.execute(
        insert(holds).values(
            id=hold.id,
            session=hold.session,
            agent=hold.agent,
            digest=hold.digest,
            operation=seal.close(hold.document, hold.id),
            state=hold.state,
            nonce=hold.nonce.hex(),
            created_at=hold.created,
            expires_at=hold.expires,
            approve_after=0,
            quorum=quorum_for_hold(hold.document, active_persons(tx)).needed,
            obligations=sorted(facts.decision.obligations),
            decision=decision,
            impact=hold.document["impact"],
            undo=[{"possible": s.undo.possible, "how": s.undo.how} for s in facts.situations],
            request_digest=hold.request_digest,
            summary=facts.attempt.summary,
            reason_by_agent=hold.reason,
            checkpoint=hold.note,
            ended="",
        )
    )
    tx.append(
        Entry(
            "hold",
            {
                "hold": hold.id,
                "state": hold.state.value,
                "session": hold.session,
                "agent": hold.agent,
                "summary": facts.attempt.summary,
                "digest": hold.digest,
                "request": hold.request_digest,
                "document": document_digest(hold),
                "decision": decision,
                "nonce": hold.nonce.hex(),
                "expires": hold.expires,
            },
        )
    )


def document_digest(hold: Hold) -> str:
    """SHA-256 of the canonical document: what the ledger keeps of it."""
    return hashlib.sha256(canonical(hold.document)).hexdigest()


def _hold(seal: Seal, row: Row[Any]) -> Hold:  # one row of `holds`
    return Hold(
        id=row.id,
        state=HoldState(row.state),
        session=row.session,
        agent=row.agent,
        digest=row.digest,
        request_digest=row.request_digest,
        document=seal.open(row.operation, row.id),
        nonce=bytes.fromhex(row.nonce),
        note=row.checkpoint,
        created=row.created_at,
        expires=row.expires_at,
        reason=row.reason_by_agent,
        approve_after=row.approve_after,
        ended=row.ended,
    )
