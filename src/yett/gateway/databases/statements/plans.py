"""A text of several statements that define, asked about as a whole before any of it runs.

A statement behind a definition cannot be read for certain before the definition has run. So the plan is what can be
said beforehand, and what a person signs: all the texts, and all that they do to what exists. When its turn comes each
statement is read again, against the catalog as it is then, and runs under the plan only if that covers what it is then;
else it is asked about by itself. No I/O.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

from yett.gateway.databases.statements.attempts import Changed
from yett.model.effects import Effect, Recovery
from yett.model.operation import Rows
from yett.operations.sql.facts import ABSENT
from yett.operations.sql.statement import Statement, Verb, Way

_ADDS, _CHANGES, _DESTROYS = range(3)
_LEVELS = {
    Verb.INSERT: _ADDS,
    Verb.CREATE: _ADDS,
    Verb.LOCK: _ADDS,
    Verb.DELETE: _DESTROYS,
    Verb.DROP: _DESTROYS,
    Verb.TRUNCATE: _DESTROYS,
}
"""How far a verb goes; all others change what is there."""


def needs_plan(statements: Sequence[Statement]) -> bool:
    """Whether a person has to be asked before the first of them runs."""
    asked = (one for one in statements if not one.skipped)
    return any(one.way is Way.DUMP or (one.way is Way.ASK and not awaits_names(one)) for one in asked)


def awaits_names(statement: Statement) -> bool:
    """Whether it names what is not there (yet): what it does is known when its turn comes, and it is asked about then.

    What else makes it unknown may be hidden behind that, which is why this decides on nothing by itself."""
    return statement.way is Way.ASK and any(reason.endswith(ABSENT) for reason in statement.reasons)


def as_planned(statement: Statement) -> Statement:
    """What counts of it in the attempt that is asked about: of one that awaits names, that it writes at most rows."""
    if not awaits_names(statement):
        return statement
    return replace(statement, way=Way.GUARD, effect=Effect.WRITE, recovery=Recovery.FROM_UNDO)


@dataclass
class Plan:
    """What was asked about, statement by statement as it was read then. `most`: the rows that were signed, by table."""

    statements: tuple[Statement, ...]
    most: dict[str, Rows] = field(default_factory=dict)
    alone: bool = True
    """Nothing but the plan has changed anything in its transaction."""

    def __post_init__(self) -> None:
        self._left = list(self.statements)
        self._reach = _reach(self.statements)
        self._schemas = frozenset(schema for one in self.statements for schema in one.schemas)

    def covers(self, now: Statement, made: Collection[int]) -> bool:
        """Whether `now`, the next statement of the text as it is read in its turn, is what was asked about.

        `made`: relations (oid) that the transaction has made itself: they are nobody's loss.
        """
        was = self._next(now.text)
        if was is None or now.executes or now.way in (Way.ALONE, Way.REFUSE):
            return False
        if now.way in (Way.PASS, Way.GUARD):
            return True  # proven, or measured at COMMIT
        if now.way is Way.ASK:
            return was.way is Way.ASK and not awaits_names(was) and set(now.reasons) <= set(was.reasons)
        if was.way is not Way.DUMP or not set(now.schemas) <= self._schemas:
            return False
        return all(self._goes(oid, level) or oid in made for oid, level in _reach([now]).items())

    def allows(self, changed: Sequence[Changed], made: Collection[int]) -> bool:
        """Whether all of these rows lie within what was asked about; `made` as in `covers`."""
        return self.alone and all(one.oid in made or self._allows(one) for one in changed)

    def _allows(self, one: Changed) -> bool:
        rows = one.rows
        if not self._goes(one.oid, _DESTROYS if rows.deleted else _CHANGES if rows.updated else _ADDS):
            return False
        most = self.most.get(rows.table)
        return most is None or not most.known or (rows.deleted <= most.deleted and rows.updated <= most.updated)

    def _goes(self, oid: int, level: int) -> bool:
        return self._reach.get(oid, -1) >= level

    def _next(self, text: str) -> Statement | None:
        """Each stands for one of the text's, in its order."""
        for n, one in enumerate(self._left):
            if one.text == text:
                del self._left[: n + 1]
                return one
        return None


def _reach(statements: Sequence[Statement]) -> dict[int, int]:
    """The relations (oid) that they change, by how far they go."""
    found: dict[int, int] = {}
    for one in (touched for statement in statements for touched in statement.touched):
        if one.oid and one.verb is not Verb.READ:
            found[one.oid] = max(found.get(one.oid, 0), _LEVELS.get(one.verb, _CHANGES))
    return found
