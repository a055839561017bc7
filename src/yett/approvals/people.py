"""Who is enrolled, with which keys: queries only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import CursorResult, Executable, select

from yett.approvals.quorum import Person
from yett.store.tables import keys, persons


class Reader(Protocol):
    """A connection of the store, or a transaction of the journal."""

    # Rows are typed where they are read, and parameters are SQLAlchemy's own.
    def execute(self, statement: Executable, parameters: Any = None, /) -> CursorResult[Any]: ...


@dataclass(frozen=True, slots=True)
class Key:
    """An enrolled public key. `id` is the credential id in base64url."""

    id: str
    person: str
    public_key: bytes
    sign_count: int
    aaguid: str
    label: str
    enrolled_at: int


def active_persons(reader: Reader) -> tuple[Person, ...]:
    """Everyone with at least one key that has not been removed, in order of enrolment."""
    return tuple(Person(row.id, row.name, row.account) for row in reader.execute(_ACTIVE_PERSONS))


# Made once: every write asks, and making it takes longer than running it.
_ACTIVE_PERSONS = (
    select(persons.c.id, persons.c.name, persons.c.account)
    .where(persons.c.removed_at.is_(None))
    .where(persons.c.id.in_(select(keys.c.person).where(keys.c.removed_at.is_(None))))
    .order_by(persons.c.enrolled_at, persons.c.id)
)


def active_keys(reader: Reader) -> tuple[Key, ...]:
    """Every key that may sign, in order of enrolment."""
    query = (
        select(keys)
        .join(persons, persons.c.id == keys.c.person)
        .where(keys.c.removed_at.is_(None), persons.c.removed_at.is_(None))
        .order_by(keys.c.enrolled_at, keys.c.id)
    )
    return tuple(
        Key(row.id, row.person, bytes(row.public_key), row.sign_count, row.aaguid, row.label, row.enrolled_at)
        for row in reader.execute(query)
    )


def active_key(reader: Reader, key_id: str) -> Key | None:
    """That key, if it may sign."""
    return next((key for key in active_keys(reader) if key.id == key_id), None)


def keys_of(reader: Reader, people: frozenset[str]) -> tuple[str, ...]:
    """Ids of the keys of these people."""
    return tuple(key.id for key in active_keys(reader) if key.person in people)
