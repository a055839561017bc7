"""Writing ahead: the intent in one durable transaction with everything that it spends, then the outcome (law 2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass

from sqlalchemy import bindparam, insert, select, update

from yett.approvals.desk import Desk
from yett.approvals.facts import Facts
from yett.approvals.grants import Grant, reserve_grant
from yett.checkpoint.attempts import total_cost
from yett.checkpoint.state import SessionState
from yett.ledger.journal import Entry, Transaction
from yett.model.canonical import Json
from yett.model.decision import Decision, Refused
from yett.model.effects import Verdict
from yett.model.operation import UNKNOWN_COST, Amount, Attempt, Host
from yett.store import tables

# Made once: making a statement takes longer than running it.
_IN_FLIGHT = insert(tables.inflight)
_SETTLED = (
    update(tables.inflight)
    .where(tables.inflight.c.intent == bindparam("of"), tables.inflight.c.state == "open")
    .values(state=bindparam("as"))
)
_SPENT = select(tables.budgets).where(tables.budgets.c.session == bindparam("of"))

OVER_BUDGET = "budget"
"""The code of a refusal: sent again, it is held."""
TAKEN_BACK = "taken back"
"""An outcome: what it let happen was rolled back before it was final, because a person must look at more of it."""


@dataclass(frozen=True, slots=True)
class Pass:
    """Permission for one attempt to leave, once. `intent` is its index in the log, -1 for a read."""

    attempt: Attempt
    intent: int
    hold: str
    obligations: frozenset[str]
    undos: tuple[str, ...] = ()


def read_entry(attempt: Attempt, decision: Decision) -> Entry:
    """A read: short, because every one of them is written."""
    session = attempt.session
    body: dict[str, Json] = {
        "agent": session.principal.agent,
        "session": session.id,
        "summary": attempt.summary,
        "request": attempt.request_digest,
        "rules": list(decision.rules),
    }
    return Entry("read", body)


def refusal_entry(attempt: Attempt, decision: Decision, digest: str, why: str) -> Entry:
    session = attempt.session
    return Entry(
        "refusal",
        {
            "agent": session.principal.agent,
            "session": session.id,
            "summary": attempt.summary,
            "digest": digest,
            "verdict": decision.verdict.value,
            "rules": list(decision.rules),
            "why": why,
        },
    )


def intent_entry(facts: Facts, hold: str, undos: Sequence[str]) -> Entry:
    attempt, session = facts.attempt, facts.attempt.session
    return Entry(
        "intent",
        {
            "agent": session.principal.agent,
            "owner": session.principal.owner,
            "session": session.id,
            "task": session.task.id,
            "summary": attempt.summary,
            "digest": facts.digest,
            "request": attempt.request_digest,
            "actions": [operation.action for operation in attempt.operations],
            "lease": attempt.lease,
            "hold": hold,
            "undos": list(undos),
            "rules": list(facts.decision.rules),
            "policy": facts.decision.policy_digest,
        },
    )


def write_intent(
    tx: Transaction,
    state: SessionState,
    desk: Desk,
    facts: Facts,
    hold: str,
    grant: Grant | None,
    undos: Sequence[str],
    signed: str = "",
) -> tuple[int, Amount]:
    """Consume the approval or the grant, reserve the budget, append the intent: all of it or nothing.

    `signed`: a hold that was consumed for the whole of which this is a part. Returns the intent's index and what the
    task has now spent.

    Raises:
        NotOpen, NotSigned: the approval or grant does not carry it.
        Refused: the budget was used up by an operation that ran at the same time.
    """
    now = desk.clock()
    if hold:
        desk.consume(tx, hold, facts, now)
    if grant is not None:
        reserve_grant(tx, grant.id, state.session.id, facts.situations, now)
    spent = _reserve(tx, state, facts.impact, held=bool(hold or signed))
    if hold:
        _remember(tx, facts)
    intent = tx.append(intent_entry(facts, hold or signed, undos))
    own = facts.attempt.undo
    asked = {"xact": own.xact or None if own else None}
    row = {"intent": intent, "hold": hold or None, "session": state.session.id, "state": "open"}
    tx.execute(_IN_FLIGHT, row | asked)
    return intent, spent


def write_outcome(tx: Transaction, desk: Desk, granted: Pass, outcome: str, status: int) -> Amount | None:
    """What became of an intent; its hold is settled with it. Answers what the task has now spent, if that is less:
    what was taken back will be asked for again."""
    state = "refused" if outcome == TAKEN_BACK else outcome
    if tx.execute(_SETTLED, {"of": granted.intent, "as": state}).rowcount != 1:
        return None
    body: dict[str, Json] = {
        "intent": granted.intent,
        "outcome": outcome,
        "status": status,
        "hold": granted.hold or None,
    }
    tx.append(Entry("outcome", {**body, "session": granted.attempt.session.id}))
    if granted.hold:
        desk.settle(tx, granted.hold, outcome)
    return _give_back(tx, granted.attempt) if outcome == TAKEN_BACK else None


def _give_back(tx: Transaction, attempt: Attempt) -> Amount:
    before = _spent(tx, attempt.session.id)
    cost = _countable(total_cost(attempt))
    left = Amount(*(max(0, had - gone) for had, gone in zip(astuple(before), astuple(cost), strict=True)))
    of = tables.budgets.c.session == attempt.session.id
    tx.execute(update(tables.budgets).where(of).values(deletes=left.deletes, rows=left.rows, bytes=left.bytes))
    return left


def _spent(tx: Transaction, session: str) -> Amount:
    row = tx.execute(_SPENT, {"of": session}).first()
    return Amount(row.deletes, row.rows, row.bytes) if row else Amount()


def _reserve(tx: Transaction, state: SessionState, cost: Amount, *, held: bool) -> Amount:
    """Add to what the task has spent. What a person approved may go over the limit; it counts all the same."""
    session = state.session.id
    before = _spent(tx, session)
    spent = before + _countable(cost)
    limit = state.limit
    asked = before + cost
    over = asked.deletes > limit.deletes or asked.rows > limit.rows or asked.bytes > limit.bytes
    if over and not held and cost != Amount():
        raise Refused(
            Verdict.DENY, "the task's budget is used up", "send it again: a person will be asked", code=OVER_BUDGET
        )
    if spent == before:
        return spent
    values = {"deletes": spent.deletes, "rows": spent.rows, "bytes": spent.bytes}
    known = update(tables.budgets).where(tables.budgets.c.session == session).values(**values)
    if tx.execute(known).rowcount == 0:
        tx.execute(insert(tables.budgets).values(session=session, **values))
    return spent


def _countable(cost: Amount) -> Amount:
    """What an approved act of unknown size adds: one delete, and nothing that nobody counted."""
    known = (n if n < UNKNOWN_COST else 0 for n in (cost.rows, cost.bytes))
    return Amount(cost.deletes if cost.deletes < UNKNOWN_COST else 1, *known)


def _remember(tx: Transaction, facts: Facts) -> None:
    """An approved method on an ungoverned host is approved for the task (design, section 5)."""
    session = facts.attempt.session.id
    for operation in facts.attempt.operations:
        if isinstance(operation.target, Host):
            key = {"session": session, "host": operation.target.name, "method": operation.action}
            known = select(tables.remembered).filter_by(**key)
            if tx.execute(known).first() is None:
                tx.execute(insert(tables.remembered).values(**key))
