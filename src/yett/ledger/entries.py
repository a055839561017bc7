"""What is logged: one canonical JSON object an entry, {"at":ns,"body":{...},"kind":"...","v":1}."""

from __future__ import annotations

from dataclasses import dataclass

from yett.model.canonical import Json, canonical
from yett.model.errors import LedgerUnavailable

MOST_BYTES = 65_000
"""A bundle's length prefix is 16 bits (C2SP tlog-tiles); the rest is room for "at"."""


class EntryRefused(LedgerUnavailable):
    """What cannot be logged must not happen: too large, or without a canonical form."""


@dataclass(frozen=True, slots=True)
class Entry:
    """`kind`: intent, outcome, read, refusal, hold, approval, key, session, lockdown, alarm, secret, undo, policy, ...

    The journal adds the time. An approval's body carries the signed checkpoint it was given over, as "checkpoint".
    """

    kind: str
    body: dict[str, Json]


@dataclass(frozen=True, slots=True)
class Encoded:
    """What `encode` made of an entry, kept because the same entry is written again and again."""

    rest: bytes


def encode(entry: Entry) -> bytes:
    """Everything of the entry but its time, in canonical order; `stamp` puts the time before it.

    Raises:
        EntryRefused: larger than MOST_BYTES, or not canonical JSON.
    """
    try:
        rest = b',"body":' + canonical(entry.body) + b',"kind":' + canonical(entry.kind) + b',"v":1}'
    except (ValueError, RecursionError) as error:
        raise EntryRefused(
            f"A {entry.kind} entry cannot be logged: {error}.", "Report this: it is a defect."
        ) from error
    if len(rest) > MOST_BYTES:
        raise EntryRefused(
            f"A {entry.kind} entry of {len(rest)} bytes cannot be logged: {MOST_BYTES} is the most.",
            "Do less in one request.",
        )
    return rest


def stamp(rest: bytes, at: int) -> bytes:
    """The entry's bytes as they stand in the log, logged at `at` ns."""
    return b'{"at":%d' % at + rest
