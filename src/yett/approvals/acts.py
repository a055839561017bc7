"""Whatever else needs a person's key (law 8): an act is a kind and a canonical body, signed on the same page as a hold.

Single use, expiring, in its own challenge domain. Acts on keys and grants take effect in the transaction of the
signature that suffices; for other kinds the control plane either gives an effect of its own, or finds the act signed
and spends it where it does the work.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, cast

from sqlalchemy import Row, func, insert, select, update

from yett.approvals.answer import check_signature
from yett.approvals.challenge import NONCE_BYTES, Site, act_challenge
from yett.approvals.document import Document, text
from yett.approvals.errors import NotEntitled, NotOpen, NotSigned, TooMany
from yett.approvals.hold import SECOND
from yett.approvals.holds import new_id
from yett.approvals.passkeys import assertion_options, proof_of, verify_assertion
from yett.approvals.people import Key, Reader, active_keys, active_persons, keys_of
from yett.approvals.quorum import Person, Quorum, quorum_for_act
from yett.ledger.journal import Entry, Transaction
from yett.model.canonical import Json, canonical
from yett.store.tables import act_signatures, acts

LIFETIME = 15 * 60 * SECOND
_PREFIX = "s"
WAITING = 10
"""Acts of one kind that may wait at once: proposing needs no key, and must not crowd out the other kinds."""


class ActKind(StrEnum):
    """What only a person's key may do, besides answering a hold."""

    ENROL_KEY = "enrol-key"
    REMOVE_KEY = "remove-key"
    LOCKDOWN_OFF = "lockdown-off"
    POLICY = "policy"
    PROVIDER = "provider"
    ENVIRONMENTS = "environments"
    PURPOSE = "purpose"
    BASELINE = "baseline"
    TASK_PRODUCTION = "task-production"
    GRANT = "grant"
    UNMASK = "unmask"
    WIDEN = "widen"
    BUDGET = "budget"
    UNDO_APPLY = "undo-apply"
    UNINSTALL = "uninstall"
    EXPORT_SECRET = "export-secret"
    LOWER_QUORUM = "lower-quorum"


class ActState(StrEnum):
    """waiting -> signed -> done, or an end without effect."""

    WAITING = "waiting"
    SIGNED = "signed"
    DONE = "done"
    DECLINED = "declined"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


_LIVE = (ActState.WAITING, ActState.SIGNED)


@dataclass(frozen=True, slots=True)
class Act:
    """One act. `body` is what is signed and shown; `proposed_by` says where it came from, and is not signed."""

    id: str
    kind: ActKind
    body: Document
    state: ActState
    nonce: bytes
    note: str
    created: int
    expires: int
    proposed_by: str
    ended: str = ""


Effect = Callable[[Transaction, Act, str, int], None]
"""(transaction, act, who signed, now): runs in the transaction of the last signature; raising undoes that signature."""


def new_act_id() -> str:
    """For whoever has to name an act before it is proposed."""
    return new_id(_PREFIX)


def is_act(name: str) -> bool:
    """Whether an id that a person gave is an act's, not a hold's."""
    return name.startswith(f"{_PREFIX}-")


def propose(tx: Transaction, kind: ActKind, body: Document, by: str, note: str, now: int, act_id: str = "") -> Act:
    """Put an act before people. Needs nobody's key: nothing happens yet. `act_id`: one from `new_act_id`.

    Raises:
        TooMany: too many wait already.
    """
    waiting = select(func.count()).where(acts.c.kind == kind, acts.c.state == ActState.WAITING, acts.c.expires_at > now)
    if tx.execute(waiting).scalar_one() >= WAITING:
        raise TooMany("act-quota", f"{WAITING} acts of that kind wait for a signature already", "sign or decline those")
    act = Act(
        id=act_id or new_act_id(),
        kind=kind,
        body=body,
        state=ActState.WAITING,
        nonce=secrets.token_bytes(NONCE_BYTES),
        note=note,
        created=now,
        expires=now + LIFETIME,
        proposed_by=by,
    )
    tx.execute(
        insert(acts).values(
            id=act.id,
            kind=act.kind,
            body=dict(act.body),
            state=act.state,
            nonce=act.nonce.hex(),
            created_at=act.created,
            expires_at=act.expires,
            proposed_by=by,
            checkpoint=note,
            ended="",
        )
    )
    tx.append(Entry("act", {"act": act.id, "state": "waiting", "kind": kind.value, "body": dict(body), "by": by}))
    return act


def find_act(reader: Reader, act_id: str) -> Act:
    """That act. Raises NotOpen if there is none."""
    row = reader.execute(select(acts).where(acts.c.id == act_id)).first()
    if row is None:
        raise NotOpen("unknown-act", "there is no act of that id", "look at the list of those that wait")
    return _act(row)


def list_waiting(reader: Reader, now: int) -> tuple[Act, ...]:
    """Acts that wait for a signature, oldest first."""
    query = select(acts).where(acts.c.state == ActState.WAITING, acts.c.expires_at > now).order_by(acts.c.created_at)
    return tuple(_act(row) for row in reader.execute(query))


def challenge_of_act(site: Site, act: Act) -> bytes:
    """What a key signs to let the act happen."""
    return act_challenge(site, act.kind.value, act.nonce, act.expires, act.note.encode(), act.body)


def quorum_of_act(reader: Reader, act: Act) -> Quorum:
    """Who may sign it now, and how many it takes."""
    others = any(
        key.person == text(act.body, "person") and key.id != text(act.body, "key") for key in active_keys(reader)
    )
    return quorum_for_act(act.kind.value, act.body, active_persons(reader), others)


def signers_of_act(reader: Reader, site: Site, act: Act) -> tuple[str, ...]:
    """Persons whose signature over exactly this act is recorded, verifies, and is by a key still enrolled."""
    challenge = challenge_of_act(site, act)
    enrolled = {key.id: key for key in active_keys(reader)}
    query = select(act_signatures).where(act_signatures.c.act == act.id, act_signatures.c.challenge == challenge.hex())
    found = []
    for row in reader.execute(query.order_by(act_signatures.c.at)):
        if (key := enrolled.get(row.key)) is not None:
            verify_assertion(site, challenge, row.assertion, key.public_key, 0)
            found.append(key.person)
    return tuple(found)


def act_options(reader: Reader, site: Site, act_id: str, now: int) -> dict[str, Json]:
    """Options for `navigator.credentials.get()`. Raises NotOpen, NotEntitled."""
    act = _waiting(find_act(reader, act_id), now)
    quorum = quorum_of_act(reader, act)
    people = (quorum.entitled | quorum.alone) - set(signers_of_act(reader, site, act))
    allowed = keys_of(reader, people)
    if not allowed:
        raise NotEntitled("nobody", "nobody who is enrolled may sign this", "enrol another person, or decline it")
    return assertion_options(challenge_of_act(site, act), allowed)


def sign_act(
    tx: Transaction,
    site: Site,
    act_id: str,
    credential: Mapping[str, Json],
    effects: Mapping[ActKind, Effect],
    now: int,
) -> Act:
    """Verify and record a signature; with enough of them the act is signed, and done if its kind has an effect.

    Raises:
        NotOpen, NotSigned, NotEntitled, or what the effect raises: nothing is recorded.
    """
    act = _waiting(find_act(tx, act_id), now)
    challenge = challenge_of_act(site, act)
    key, person = check_signature(tx, site, challenge, credential)
    quorum = quorum_of_act(tx, act)
    if person.id not in quorum.entitled | quorum.alone:
        why = quorum.why_barred(person.id) or "is not among those whose word counts here"
        raise NotEntitled("barred", f"{person.name} may not sign this: {person.name} {why}", "ask someone else")
    if person.id in signers_of_act(tx, site, act):
        raise NotEntitled("answered", f"{person.name} has signed this already", "another person is needed")
    _record_signature(tx, site, act, key, person, proof_of(credential), now)
    if quorum.met_by(signers_of_act(tx, site, act)):
        _move(tx, act.id, ActState.WAITING, ActState.SIGNED)
        if (effect := effects.get(act.kind)) is not None:
            effect(tx, act, person.name, now)
            _move(tx, act.id, ActState.SIGNED, ActState.DONE)
    return find_act(tx, act.id)


def _record_signature(
    tx: Transaction, site: Site, act: Act, key: Key, person: Person, proof: dict[str, Json], now: int
) -> None:
    """The row that counts, and the entry from which anyone can verify the signature later without the store."""
    challenge = challenge_of_act(site, act).hex()
    signed: dict[str, Json] = {"person": person.id, "key": key.id, "challenge": challenge, "assertion": proof}
    tx.execute(insert(act_signatures).values(id=new_id("a"), act=act.id, **signed, at=now))
    what: dict[str, Json] = {"act": act.id, "kind": act.kind.value, "body": dict(act.body), "verdict": "sign"}
    who: dict[str, Json] = {**signed, "name": person.name, "public_key": key.public_key.hex()}
    where: dict[str, Json] = {"site": site.name, "nonce": act.nonce.hex(), "expires": act.expires}
    tx.append(Entry("approval", {**what, **who, **where, "checkpoint": act.note}))


def spend_act(tx: Transaction, site: Site, act_id: str, kind: ActKind, body: Document, now: int) -> tuple[str, ...]:
    """Use a signed act, once, in the transaction that does what it allows; the persons who signed it.

    Raises:
        NotOpen: not signed, spent, expired, or for something else.
        NotSigned: its signatures do not carry it any more.
    """
    act = find_act(tx, act_id)
    if act.state is not ActState.SIGNED or now >= act.expires:
        state = "expired" if now >= act.expires else act.state.value
        raise NotOpen("not-signed", f"{act.id} is {state}", "a signed act is used once, and within its time")
    if act.kind is not kind or canonical(act.body) != canonical(body):
        raise NotOpen("drifted", f"{act.id} was signed for something else", "propose it anew")
    signers = signers_of_act(tx, site, act)
    if not quorum_of_act(tx, act).met_by(signers):
        raise NotSigned("quorum", f"the signatures of {act.id} do not suffice any more", "propose it anew")
    _move(tx, act.id, ActState.SIGNED, ActState.DONE)
    return signers


def decline_act(tx: Transaction, act_id: str, by: str) -> None:
    """Say no to an act. Needs nobody's key."""
    _end(tx, act_id, ActState.DECLINED, f"declined by {by}")


def cancel_acts(tx: Transaction, why: str) -> int:
    """End every act that is not done."""
    live = [row.id for row in tx.execute(select(acts.c.id).where(acts.c.state.in_(_LIVE)))]
    for act_id in live:
        _end(tx, act_id, ActState.CANCELLED, why)
    return len(live)


def expire_acts(tx: Transaction, now: int) -> int:
    """Mark those whose time is up."""
    due = select(acts.c.id).where(acts.c.state.in_(_LIVE), acts.c.expires_at <= now)
    found = [row.id for row in tx.execute(due)]
    for act_id in found:
        _end(tx, act_id, ActState.EXPIRED, "nobody signed in time")
    return len(found)


def any_due(reader: Reader, now: int) -> bool:
    """Whether `expire_acts` has something to do."""
    due = select(acts.c.id).where(acts.c.state.in_(_LIVE), acts.c.expires_at <= now).limit(1)
    return reader.execute(due).first() is not None


def renew_acts(tx: Transaction, note: str, now: int) -> int:
    """Give waiting acts fresh nonces when a control plane starts (see `holds.renew_nonces`)."""
    waiting = select(acts.c.id).where(acts.c.state == ActState.WAITING, acts.c.expires_at > now)
    found = [row.id for row in tx.execute(waiting)]
    for act_id in found:
        nonce = secrets.token_bytes(NONCE_BYTES).hex()
        tx.execute(update(acts).where(acts.c.id == act_id).values(nonce=nonce, checkpoint=note))
        tx.append(Entry("act", {"act": act_id, "state": "waiting", "nonce": nonce, "renewed": True}))
    return len(found)


def _waiting(act: Act, now: int) -> Act:
    if act.state is not ActState.WAITING or now >= act.expires:
        state = "expired" if act.state is ActState.WAITING else act.state.value
        raise NotOpen("not-waiting", f"{act.id} is {state}", "there is nothing left to sign")
    return act


def _move(tx: Transaction, act_id: str, before: ActState, after: ActState) -> None:
    statement = update(acts).where(acts.c.id == act_id, acts.c.state == before).values(state=after)
    if tx.execute(statement).rowcount != 1:
        raise NotOpen("not-" + before.value, f"{act_id} is not {before.value} any more", "look at it again")
    tx.append(Entry("act", {"act": act_id, "state": after.value}))


def _end(tx: Transaction, act_id: str, state: ActState, why: str) -> None:
    statement = update(acts).where(acts.c.id == act_id, acts.c.state.in_(_LIVE)).values(state=state, ended=why)
    if tx.execute(statement).rowcount != 1:
        raise NotOpen("ended", f"{act_id} is over already, or there is none of that id", "look at it again")
    tx.append(Entry("act", {"act": act_id, "state": state.value, "why": why}))


def _act(row: Row[Any]) -> Act:  # one row of `acts`
    return Act(
        id=row.id,
        kind=ActKind(row.kind),
        body=cast(Document, row.body),
        state=ActState(row.state),
        nonce=bytes.fromhex(row.nonce),
        note=row.checkpoint,
        created=row.created_at,
        expires=row.expires_at,
        proposed_by=row.proposed_by,
        ended=row.ended,
    )
