"""The one use of an approval: consumed in the checkpoint's own transaction, beside the intent (law 2)."""

from __future__ import annotations

from sqlalchemy import select, update

from yett.approvals.answer import challenge_of, quorum_of, signatures
from yett.approvals.challenge import Answer, Site
from yett.approvals.errors import NotOpen, NotSigned
from yett.approvals.facts import Facts, drift
from yett.approvals.hold import Hold, HoldState
from yett.approvals.holds import find_hold, move
from yett.approvals.passkeys import verify_assertion
from yett.approvals.people import active_keys
from yett.approvals.sealing import Seal
from yett.ledger.journal import Entry, Transaction
from yett.store.tables import holds, inflight

OUTCOMES = {
    "done": (HoldState.RELEASED, "released"),
    "refused": (HoldState.RELEASED, "released; the upstream refused it"),
    "taken back": (HoldState.APPROVED, ""),
    "unknown": (HoldState.UNKNOWN, "nobody knows whether it took effect: look there"),
}


def consume(tx: Transaction, seal: Seal, site: Site, hold_id: str, facts: Facts, now: int) -> Hold:
    """Spend the approval of `hold_id` on `facts`, the request as it was judged again just now. At most once.

    Nothing that the store says is believed by itself: the signatures are verified again over the document as it lies
    there, by keys that are still enrolled, against today's quorum.

    Raises:
        NotOpen: not approved, expired, delayed still, spent already, or not for this (law 7).
        NotSigned: the recorded signatures do not carry it.
    """
    hold = find_hold(tx, seal, hold_id)
    _check_due(hold, now)
    beyond = list(drift(hold.document, facts.document()))
    if (hold.session, hold.digest) != (facts.attempt.session.id, facts.digest):
        beyond.append("it is another request")
    if hold.request_digest != facts.attempt.request_digest:
        beyond.append("the request's bytes changed")
    if beyond:
        raise NotOpen("drifted", f"the approval is for something else: {'; '.join(beyond)}", "ask for a new one")
    signers = _verified_signers(tx, site, hold)
    if not quorum_of(tx, hold).met_by(signers):
        raise NotSigned("quorum", "the approval's signatures do not suffice any more", "ask for a new one")
    move(tx, hold.id, HoldState.APPROVED, HoldState.CONSUMED, consumed_at=now)
    tx.append(Entry("hold", {"hold": hold.id, "state": "consumed", "persons": sorted(signers)}))
    return find_hold(tx, seal, hold.id)


def settle(tx: Transaction, hold_id: str, outcome: str) -> None:
    """Note what became of a consumed hold: done, refused (by the upstream), unknown, or taken back.

    What was taken back never became final, so its approval is still to be used: until it expires, and for the same.
    """
    after, ended = OUTCOMES[outcome]
    move(tx, hold_id, HoldState.CONSUMED, after, ended=ended)
    tx.append(Entry("hold", {"hold": hold_id, "state": after.value, "outcome": outcome}))


def settle_unknown(tx: Transaction, hold_id: str, outcome: str, why: str) -> None:
    """What became of a hold that was `unknown`, as the provider says later; it is shown with `why`."""
    after, _ = OUTCOMES[outcome]
    mine = holds.c.id == hold_id, holds.c.state == HoldState.UNKNOWN
    if tx.execute(update(holds).where(*mine).values(state=after, ended=why)).rowcount == 1:
        tx.append(Entry("hold", {"hold": hold_id, "state": after.value, "outcome": outcome, "why": why}))


def settle_lost(tx: Transaction) -> tuple[str, ...]:
    """Mark consumed holds whose intent the ledger's recovery found without an outcome; done when a plane starts."""
    lost = select(inflight.c.hold).where(inflight.c.state == "unknown", inflight.c.hold.is_not(None))
    query = select(holds.c.id).where(holds.c.state == HoldState.CONSUMED, holds.c.id.in_(lost))
    found = tuple(row.id for row in tx.execute(query))
    for hold_id in found:
        settle(tx, hold_id, "unknown")
    return found


def _check_due(hold: Hold, now: int) -> None:
    if hold.state is not HoldState.APPROVED:
        raise NotOpen("not-approved", f"hold {hold.id} is {hold.state.value}", "an approval is used once")
    if now >= hold.expires:
        raise NotOpen("expired", f"the approval of {hold.id} has expired", "send the request again: a new hold")
    if now < hold.approve_after:
        seconds = -(-(hold.approve_after - now) // 10**9)
        raise NotOpen("delayed", f"the approval of {hold.id} counts in {seconds} s", "send the request again then")


def _verified_signers(tx: Transaction, site: Site, hold: Hold) -> frozenset[str]:
    """Persons whose recorded signature verifies now. The counter was checked when it was given."""
    challenge = challenge_of(site, hold, Answer.APPROVE)
    public = {key.id: key for key in active_keys(tx)}
    found = set()
    for signature in signatures(tx, site, hold):
        verify_assertion(site, challenge, signature.assertion, public[signature.key].public_key, 0)
        found.add(public[signature.key].person)
    return frozenset(found)
