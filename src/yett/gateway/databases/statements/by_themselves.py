"""Statements of a held transaction that nobody would be asked about alone: people sign their form, not their values.

Programs write times and keys of their own making ("created_at", "migration_time"), which are others whenever they send
their transaction again: what was signed to the letter would never come again. A statement that only adds or changes
rows, and that the policy lets pass by itself, could have been sent a moment before, in a transaction of its own, with
any values: what stands behind it would find the same. So to sign its values would hold nobody back. But for tables that
its transaction makes or redefines: what it puts there, nobody could have put there before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import compress
from typing import Protocol

from yett.gateway.databases.place import Place
from yett.gateway.databases.statements.attempts import Changed, Ran
from yett.model.effects import Verdict
from yett.model.operation import Attempt
from yett.operations.sql.redact import LONGEST
from yett.operations.sql.statement import Verb, Way

_CHANGES = frozenset({Verb.INSERT, Verb.UPDATE})
_SAY_IT = frozenset({"INSERT", "UPDATE"})
"""Statements whose form says what they do: that of a DO block, or of a call, is `DO $1`."""
MOST_FORMS = 50
"""Of one transaction, which has its locks meanwhile: each is a question to the policy."""

Form = tuple[str, frozenset[int]]


class Asked(Protocol):
    """How people would be asked about statements that did this; `adds_up`: with what the task did before."""

    def __call__(self, ran: Sequence[Ran], changed: Sequence[Changed], *, adds_up: bool) -> Attempt: ...


async def forms(
    place: Place, ran: Sequence[Ran], changed: Sequence[Changed], asked: Asked, *, adds_up: bool
) -> list[Ran]:
    """All of them, those marked whose values nobody has to sign. Raises YettError.

    Asked with the most that it did: all that was added to and changed in what it reaches, whoever did that.
    """
    passing: dict[Form, bool] = {}
    known = frozenset[int]().union(*map(_reaches, ran))
    redefined = frozenset[int]().union(*(_reaches(one) for one in ran if one.statement.defines))
    alone = [_could_stand_alone(one) and not _reaches(one) & redefined for one in ran]
    for one in compress(ran, alone):
        form = _, reached = _form(one)
        if form not in passing and len(passing) < MOST_FORMS:
            may_be_its = [each for each in changed if each.oid in reached or each.oid not in known]
            did = [replace(each, rows=replace(each.rows, deleted=0)) for each in may_be_its]
            attempt = asked([one], did, adds_up=adds_up and any(each.rows.updated for each in did))
            passing[form] = await place.checkpoint.ask(attempt) is Verdict.ALLOW
    return [
        replace(one, any_values=could and passing.get(_form(one), False)) for one, could in zip(ran, alone, strict=True)
    ]


def _could_stand_alone(one: Ran) -> bool:
    """Its form says all but the values, and of what its own transaction has made, which it could not find before, it
    changes nothing."""
    statement = one.statement
    verbs = {touched.verb for touched in statement.touched} - {Verb.READ}
    return (
        statement.way is Way.GUARD
        and statement.tag in _SAY_IT
        and len(statement.text) <= LONGEST
        and bool(verbs)
        and verbs <= _CHANGES
        and not (one.made or one.prepared or one.copied or statement.copies)
        and not (statement.unbounded or statement.acts_when_read)
    )


def _form(one: Ran) -> Form:
    return one.statement.redacted, _reaches(one)


def _reaches(one: Ran) -> frozenset[int]:
    """The relations (oid) that it may have changed, with partitions and heirs."""
    statement = one.statement
    return statement.named | {each.oid for each in statement.touched if each.verb is not Verb.READ}
