"""A person's answer to a hold: options for their key, and the verified signature recorded, all in one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import func, insert, select, update

from yett.approvals.challenge import Answer, Site, hold_challenge
from yett.approvals.document import part, strings
from yett.approvals.errors import NotEntitled, NotOpen, NotSigned, TooMany
from yett.approvals.hold import SECOND, Hold, HoldState
from yett.approvals.holds import delay_of, deny_hold, document_digest, find_hold, move, new_id
from yett.approvals.passkeys import assertion_options, credential_id, proof_of, verify_assertion
from yett.approvals.people import Key, Reader, active_key, active_keys, active_persons, keys_of
from yett.approvals.quorum import Person, Quorum, quorum_for_hold
from yett.approvals.sealing import Seal
from yett.ledger.journal import Entry, Transaction
from yett.model.canonical import Json
from yett.store.tables import approvals, keys

PACE = 40
PACE_PER = 60 * 60 * SECOND
"""Approvals of one person in an hour. Few holds are wanted; more than this means the policy or the agent is wrong."""


@dataclass(frozen=True, slots=True)
class Signature:
    """One recorded approval of a hold as it stands now; those of an earlier nonce do not count."""

    person: str
    key: str
    assertion: Mapping[str, Json]
    at: int


def challenge_of(site: Site, hold: Hold, answer: Answer) -> bytes:
    """What a key signs to give this answer to this hold, on this page."""
    return hold_challenge(site, answer, hold.nonce, hold.expires, hold.note.encode(), hold.document)


def quorum_of(reader: Reader, hold: Hold) -> Quorum:
    """Who may answer now, and how many it takes."""
    return quorum_for_hold(hold.document, active_persons(reader))


def answer_options(reader: Reader, seal: Seal, site: Site, hold_id: str, answer: Answer, now: int) -> dict[str, Json]:
    """Options for `navigator.credentials.get()`.

    Raises:
        NotOpen: the hold does not take this answer (any more).
        NotEntitled: nobody who is enrolled may give it.
    """
    hold = _answerable(find_hold(reader, seal, hold_id), answer, now)
    if answer is Answer.DENY:
        people = frozenset(person.id for person in active_persons(reader))
    else:
        people = quorum_of(reader, hold).entitled - {s.person for s in signatures(reader, site, hold)}
    allowed = keys_of(reader, people)
    if not allowed:
        raise NotEntitled("nobody", "nobody who is enrolled may approve this", "enrol another person, or deny it")
    return assertion_options(challenge_of(site, hold, answer), allowed)


def signatures(reader: Reader, site: Site, hold: Hold) -> tuple[Signature, ...]:
    """Approvals that are for exactly this hold, by keys that are still enrolled, oldest first."""
    challenge = challenge_of(site, hold, Answer.APPROVE).hex()
    enrolled = {key.id for key in active_keys(reader)}
    query = (
        select(approvals)
        .where(approvals.c.hold == hold.id, approvals.c.verdict == Answer.APPROVE, approvals.c.challenge == challenge)
        .order_by(approvals.c.at)
    )
    return tuple(
        Signature(row.person, row.key, row.assertion, row.at) for row in reader.execute(query) if row.key in enrolled
    )


def record_answer(
    tx: Transaction, seal: Seal, site: Site, hold_id: str, answer: Answer, credential: Mapping[str, Json], now: int
) -> Hold:
    """Verify an assertion and record it; the hold as it then stands. Enough approvals make it approved.

    Raises:
        NotOpen, NotSigned, NotEntitled, TooMany: nothing is recorded.
    """
    hold = _answerable(find_hold(tx, seal, hold_id), answer, now)
    key, person = check_signature(tx, site, challenge_of(site, hold, answer), credential)
    if answer is Answer.DENY:
        _record(tx, site, hold, answer, key, person, credential, now)
        deny_hold(tx, hold.id, person.name, "signed")
        return find_hold(tx, seal, hold.id)
    quorum = quorum_of(tx, hold)
    if person.id not in quorum.entitled:
        why = quorum.why_barred(person.id)
        raise NotEntitled("barred", f"{person.name} may not approve this: {person.name} {why}", "ask someone else")
    if person.id in {signature.person for signature in signatures(tx, site, hold)}:
        raise NotEntitled("answered", f"{person.name} has approved this already", "another person is needed")
    _check_pace(tx, person, now)
    _record(tx, site, hold, answer, key, person, credential, now)
    if quorum.met_by(signature.person for signature in signatures(tx, site, hold)):
        _approve(tx, hold, now)
    return find_hold(tx, seal, hold.id)


def check_signature(
    tx: Transaction, site: Site, challenge: bytes, credential: Mapping[str, Json]
) -> tuple[Key, Person]:
    """Verify an assertion over `challenge` by an enrolled key, and advance the key's counter, once.

    Raises:
        NotSigned: unknown or removed key, a signature that does not fit, a counter that did not rise.
    """
    key = active_key(tx, credential_id(credential))
    if key is None:
        raise NotSigned("unknown-key", "that key is not enrolled here", "enrol it first, with a key that is")
    counter = verify_assertion(site, challenge, credential, key.public_key, key.sign_count)
    risen = update(keys).where(keys.c.id == key.id, keys.c.sign_count == key.sign_count)
    if tx.execute(risen.values(sign_count=counter)).rowcount != 1:
        raise NotSigned("counter", "that key was used elsewhere at the same moment", "touch it again")
    person = next(person for person in active_persons(tx) if person.id == key.person)
    return key, person


def _answerable(hold: Hold, answer: Answer, now: int) -> Hold:
    states = (HoldState.WAITING,) if answer is Answer.APPROVE else (HoldState.WAITING, HoldState.APPROVED)
    if hold.state not in states:
        raise NotOpen("not-waiting", f"hold {hold.id} is {hold.state.value}", "there is nothing left to answer")
    if now >= hold.expires:
        raise NotOpen("expired", f"hold {hold.id} has expired", "the agent may send its request again: a new hold")
    return hold


def _check_pace(tx: Transaction, person: Person, now: int) -> None:
    """A person who approves by the dozen does not read any more (A20)."""
    lately = select(func.count()).where(
        approvals.c.person == person.id, approvals.c.verdict == Answer.APPROVE, approvals.c.at > now - PACE_PER
    )
    if tx.execute(lately).scalar_one() >= PACE:
        raise TooMany(
            "pace",
            f"{person.name} has approved {PACE} holds within the hour",
            "take a break, or sign a grant for the task",
        )


def _approve(tx: Transaction, hold: Hold, now: int) -> None:
    obligations = frozenset(strings(part(hold.document, "decision"), "obligations"))
    counts_from = now + delay_of(obligations)
    move(tx, hold.id, HoldState.WAITING, HoldState.APPROVED, approve_after=counts_from)
    tx.append(Entry("hold", {"hold": hold.id, "state": "approved", "approve_after": counts_from}))


def _record(
    tx: Transaction,
    site: Site,
    hold: Hold,
    answer: Answer,
    key: Key,
    person: Person,
    credential: Mapping[str, Json],
    now: int,
) -> None:
    proof = proof_of(credential)
    challenge = challenge_of(site, hold, answer).hex()
    tx.execute(
        insert(approvals).values(
            id=new_id("a"),
            hold=hold.id,
            person=person.id,
            key=key.id,
            verdict=answer.value,
            challenge=challenge,
            assertion=proof,
            at=now,
        )
    )
    tx.append(
        Entry(
            "approval",
            {
                "hold": hold.id,
                "verdict": answer.value,
                "person": person.id,
                "name": person.name,
                "key": key.id,
                "public_key": key.public_key.hex(),
                "assertion": proof,
                "challenge": challenge,
                "document": document_digest(hold),
                "site": site.name,
                "nonce": hold.nonce.hex(),
                "expires": hold.expires,
                "checkpoint": hold.note,
            },
        )
    )
