"""Enrolling and removing people's keys. The first needs a code from the terminal; every later change a signature."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import insert, select, update

from yett.approvals.challenge import Site, enrol_challenge
from yett.approvals.errors import NotEntitled, NotOpen, NotSigned
from yett.approvals.hold import SECOND
from yett.approvals.holds import cancel_all, new_id
from yett.approvals.hostile import is_plain_name, same_name
from yett.approvals.passkeys import NewKey, registration_options, verify_new_key
from yett.approvals.people import Reader, active_key, active_keys, active_persons
from yett.approvals.quorum import Person
from yett.ledger.journal import Entry, Transaction
from yett.model.canonical import Json
from yett.store.tables import enrolment_codes, keys, persons

CODE_LIFETIME = 15 * 60 * SECOND
CODE_LETTERS = 26
"""Of 32: 130 bits."""

FIRST = "first-key"
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_MISREAD = str.maketrans({"O": "0", "I": "1", "L": "1", "-": None, " ": None})
"""Crockford's Base32: what people misread is read as meant."""


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A key that was just enrolled."""

    person: Person
    key: str


def issue_code(tx: Transaction, now: int) -> str:
    """Make the code for the first key, to be shown on the terminal of whoever starts Yett. Voids earlier ones.

    Raises:
        NotEntitled: someone is enrolled already.
    """
    _refuse_if_enrolled(tx)
    tx.execute(update(enrolment_codes).where(enrolment_codes.c.used_at.is_(None)).values(used_at=now))
    letters = "".join(secrets.choice(_ALPHABET) for _ in range(CODE_LETTERS))
    tx.execute(
        insert(enrolment_codes).values(
            hash=_code_hash(letters), purpose=FIRST, expires_at=now + CODE_LIFETIME, used_at=None
        )
    )
    tx.append(Entry("key", {"change": "code-issued", "expires": now + CODE_LIFETIME}))
    return "-".join(letters[at : at + 5] for at in range(0, CODE_LETTERS, 5))


def first_key_options(reader: Reader, site: Site, code: str, name: str, now: int) -> dict[str, Json]:
    """Options for the first person's `navigator.credentials.create()`. Does not use up the code."""
    _refuse_if_enrolled(reader)
    check_name(name)
    _check_code(reader, code, now)
    return registration_options(site, _code_challenge(site, code, name), name, ())


def enrol_first(
    tx: Transaction, site: Site, code: str, name: str, credential: Mapping[str, Json], account: str, now: int
) -> Enrolled:
    """Enrol the first key with the code, once. `account` is the system account that started Yett.

    Raises:
        NotEntitled, NotSigned: someone is enrolled, the code does not fit, or the key was not accepted.
    """
    _refuse_if_enrolled(tx)
    check_name(name)
    used = _check_code(tx, code, now)
    key = verify_new_key(site, _code_challenge(site, code, name), credential)
    spend = update(enrolment_codes).where(enrolment_codes.c.hash == used, enrolment_codes.c.used_at.is_(None))
    if tx.execute(spend.values(used_at=now)).rowcount != 1:
        raise NotEntitled("code", "that code was used already", "start again: yett up shows a new one")
    return add_key(tx, key, name, "", account, "code", now)


def add_key(tx: Transaction, key: NewKey, name: str, person: str, account: str, by: str, now: int) -> Enrolled:
    """Write a verified key: for `person`, or for a new person of that name if "". The caller has proved the right."""
    if tx.execute(select(keys.c.id).where(keys.c.id == key.id)).first() is not None:
        raise NotEntitled("known-key", "that key is or was enrolled here", "use another one")
    known = next((p for p in active_persons(tx) if p.id == person), None) if person else None
    if person and known is None:
        raise NotOpen("unknown-person", "that person is not enrolled any more", "enrol them anew")
    if known is None:
        known = Person(new_id("p"), name, account)
        tx.execute(insert(persons).values(id=known.id, name=name, enrolled_at=now, removed_at=None, account=account))
    tx.execute(
        insert(keys).values(
            id=key.id,
            person=known.id,
            public_key=key.public_key,
            sign_count=key.sign_count,
            aaguid=key.aaguid,
            label="",
            enrolled_at=now,
            removed_at=None,
        )
    )
    tx.append(
        Entry(
            "key",
            {
                "change": "enrolled",
                "key": key.id,
                "public_key": key.public_key.hex(),
                "aaguid": key.aaguid,
                "person": known.id,
                "name": known.name,
                "by": by,
            },
        )
    )
    return Enrolled(known, key.id)


def remove_key(tx: Transaction, key_id: str, by: str, now: int) -> None:
    """Remove a key; its owner with it if it was their last. Live holds are cancelled: who may answer has changed."""
    key = active_key(tx, key_id)
    if key is None:
        raise NotOpen("unknown-key", "that key is not enrolled", "look at the list of keys again")
    tx.execute(update(keys).where(keys.c.id == key_id).values(removed_at=now))
    if not any(other.person == key.person for other in active_keys(tx)):
        tx.execute(update(persons).where(persons.c.id == key.person).values(removed_at=now))
    tx.append(Entry("key", {"change": "removed", "key": key_id, "person": key.person, "by": by}))
    cancel_all(tx, "a key was removed")


def reinitialise(tx: Transaction, by: str, now: int) -> str:
    """Forget every key, for when all are lost; returns a new code for a first one.

    The ledger keeps the mark for good, and nothing that waited survives: whoever does this can approve nothing that was
    asked before.
    """
    removed: list[Json] = [key.id for key in active_keys(tx)]
    cancelled = cancel_all(tx, "the keys were reinitialised")
    tx.execute(update(keys).where(keys.c.removed_at.is_(None)).values(removed_at=now))
    tx.execute(update(persons).where(persons.c.removed_at.is_(None)).values(removed_at=now))
    tx.append(Entry("key", {"change": "reinitialised", "removed": removed, "cancelled": cancelled, "by": by}))
    return issue_code(tx, now)


def person_named(reader: Reader, name: str) -> Person | None:
    """The enrolled person whom that name would be taken for."""
    return next((person for person in active_persons(reader) if same_name(person.name, name)), None)


def check_name(name: str) -> None:
    """Raises NotSigned for a name that does not read as what it is."""
    if not is_plain_name(name):
        raise NotSigned("name", "that cannot stand as a person's name", "use up to 64 letters of one script")


def _refuse_if_enrolled(reader: Reader) -> None:
    if active_keys(reader):
        raise NotEntitled("enrolled", "a key is enrolled already", "further keys are signed for by one that is")


def _check_code(reader: Reader, code: str, now: int) -> str:
    """The hash of a code that is good now. One message for every way to be wrong."""
    found = _code_hash(code.upper().translate(_MISREAD))
    query = select(enrolment_codes).where(enrolment_codes.c.hash == found, enrolment_codes.c.purpose == FIRST)
    row = reader.execute(query).first()
    if row is None or row.used_at is not None or now >= row.expires_at:
        raise NotEntitled("code", "that code is wrong, used or expired", "yett up shows a new one")
    return found


def _code_hash(letters: str) -> str:
    return hashlib.sha256(b"yett/code/v1\0" + letters.encode("utf-8", "replace")).hexdigest()


def _code_challenge(site: Site, code: str, name: str) -> bytes:
    return enrol_challenge(site, _code_hash(code.upper().translate(_MISREAD)).encode(), name)
