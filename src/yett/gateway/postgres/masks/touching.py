"""What a text could show of masked columns, told before it runs: its worst statement counts. No I/O."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import IntEnum

from yett.gateway.postgres.masks.masking import Masks
from yett.operations.sql.mentions import EVERYTHING, Mentions
from yett.operations.sql.statement import Control, Statement, Verb, Way

_KNOWN_TAGS = frozenset(
    (
        "SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "SHOW", "SET", "RESET", "EXPLAIN", "COPY", "DECLARE CURSOR",
        "CLOSE CURSOR", "PREPARE", "DEALLOCATE", "DISCARD ALL", "LISTEN", "UNLISTEN", "LOCK TABLE",
    )
)  # fmt: skip
_MOVES_CURSORS = frozenset(("DECLARE CURSOR", "CLOSE CURSOR"))
_FOLLOWS_CURSORS = frozenset(("FETCH", "MOVE"))


class Touch(IntEnum):
    """What a text could show. From MASKED on what has no origin is hidden, and errors lose their words.

    PROVEN: it reads a masked table, and no expression in it can hold a masked value. QUIET: the same, but an error
    could quote one. UNKNOWN: also a masked value, and it may change what names of portals stand for.
    """

    QUIET = -2
    PROVEN = -1
    NOTHING = 0
    MASKED = 1
    UNKNOWN = 2

    @property
    def proven(self) -> bool:
        return self in (Touch.PROVEN, Touch.QUIET)

    @property
    def tells(self) -> bool:
        """Whether an error could quote a masked value."""
        return self not in (Touch.PROVEN, Touch.NOTHING)


@dataclass(frozen=True, slots=True)
class Unsettled:
    """What a text does to names: afterwards portals, or `statements` (None: all) may stand for others. `follows`: what
    it shows hangs on a cursor, so on what ran before it; `executes`: on what a name stands for."""

    portals: bool = False
    statements: frozenset[bytes] | None = frozenset()
    follows: bool = False
    executes: bool = False


SETTLED = Unsettled()


def unsettled(statements: Sequence[Statement]) -> Unsettled:
    """What they do to names. What nobody read may do it unseen; a definition does not (and the wire looks, too:
    `meaning.ASKED`)."""
    tags = {one.tag for one in statements}
    names = {one.prepares or one.deallocates for one in statements} - {""}
    unread = any(one.way in (Way.ASK, Way.ALONE) for one in statements)
    portals = bool(unread or names or tags & _MOVES_CURSORS)
    executes = any(one.executes for one in statements)
    follows = executes or bool(tags & _FOLLOWS_CURSORS)  # the name may stand for a FETCH
    if not (portals or follows):
        return SETTLED
    every = unread or "*" in names
    return Unsettled(portals, None if every else frozenset(name.encode() for name in names), follows, executes)


_WORST = (Touch.NOTHING, Touch.PROVEN, Touch.QUIET, Touch.MASKED, Touch.UNKNOWN)


def worst(touches: Collection[Touch]) -> Touch:
    return max(touches, key=_WORST.index, default=Touch.NOTHING)


def touch(
    statements: Sequence[Statement],
    masks: Masks,
    told: Sequence[Mentions] | None = None,
    behind: Collection[int] = (),
) -> Touch:
    """Of the statements of one text, as they were classified. `told`: what they name, if that was looked at; `behind`:
    relations that their calls reach."""
    named = told if told is not None and len(told) == len(statements) else [EVERYTHING] * len(statements)
    return worst([_touch(one, masks, names, behind) for one, names in zip(statements, named, strict=True)])


def _touch(statement: Statement, masks: Masks, told: Mentions, behind: Collection[int]) -> Touch:
    if statement.control is Control.COMMIT:
        return Touch.QUIET  # what was deferred to it may quote a row
    if statement.control is not Control.NONE or statement.instead:
        return Touch.NOTHING
    if not _known(statement):
        return Touch.UNKNOWN
    oids = _oids(statement)
    if not masks.touches(oids):
        return Touch.NOTHING
    if oids & masks.opaque:
        return Touch.MASKED
    if not oids & masks.veiled:
        return Touch.PROVEN  # the server itself refuses what the role may not read
    tables = masks.tables(oids)
    if told.values.name(tables) or not masks.columns.keys().isdisjoint(behind) or 0 in behind:
        return Touch.MASKED
    writes = any(one.verb is not Verb.READ for one in statement.touched)
    return Touch.QUIET if writes or told.conditions.name(tables) else Touch.PROVEN


def _known(statement: Statement) -> bool:
    known = statement.way in (Way.PASS, Way.GUARD) and statement.tag in _KNOWN_TAGS and not statement.executes
    return known and 0 not in _oids(statement)


def _oids(statement: Statement) -> frozenset[int]:
    return frozenset(touched.oid for touched in statement.touched)
