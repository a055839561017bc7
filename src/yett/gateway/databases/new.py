"""What a transaction makes new, or adds to that: nobody else knows it, so it runs, and people are asked at COMMIT.

Migration tools send CREATE TABLE, its keys and its indexes one by one. Asked about each when it comes, people answer
twenty questions for one migration, and the first answer has expired before the last. What is let run here locks nothing
of anybody's, evaluates nothing and shows nothing: `Statement.adds_to`.
"""

from __future__ import annotations

from collections.abc import Sequence

from yett.checkpoint.record import Pass
from yett.gateway.databases.attempts import Ran, planned
from yett.gateway.databases.made import made_by
from yett.gateway.databases.place import Place
from yett.model.effects import Verdict
from yett.model.operation import Attempt
from yett.model.undo import UndoPlan, UndoRecord
from yett.operations.sql.statement import Verb

_INDEX = "CREATE INDEX"


class OnlyNew:
    """The undo of what makes nothing but new things."""

    plan = UndoPlan(True, "nothing that exists is changed by it", ("what it makes is not taken away again",))

    def __init__(self, xact: str = "") -> None:
        self.xact = xact

    async def capture(self, hold: str) -> UndoRecord | None:
        return None


class New:
    """Of one transaction. `ran`: what ran without a question so far, and waits for one."""

    def __init__(self, place: Place) -> None:
        self.ran: list[Ran] = []
        self._place = place
        self._passes: dict[str, Pass] = {}

    async def may_wait(self, ran: Sequence[Ran]) -> bool:
        """Whether people who have to be asked can be asked at COMMIT. Raises YettError."""
        if self.within(ran) is not None or not all(map(_is_of_its_own, ran)):
            return False
        return await self._place.checkpoint.ask(self._attempt(ran)) is Verdict.HOLD

    async def let(self, xact: str) -> Pass:
        """All that waits, one question. Raises YettError."""
        return await self._place.checkpoint.pass_(self._attempt(self.ran, xact))

    def asked_about(self, ran: Sequence[Ran], granted: Pass) -> None:
        """These statements run under that pass."""
        for made in (made_by(one.statement) for one in ran):
            if made is not None:
                self._passes[made.name] = granted

    def within(self, ran: Sequence[Ran]) -> Pass | None:
        """The pass of the table that they only build indexes on; None: they are not within what was signed."""
        if not all(one.statement.tag == _INDEX and _is_of_its_own(one) for one in ran):
            return None
        names = [one.name for each in ran for one in each.statement.touched if one.verb is not Verb.READ]
        under = [self._passes.get(name) for name in names]
        return under[0] if under and None not in under else None

    def _attempt(self, ran: Sequence[Ran], xact: str = "") -> Attempt:
        place = self._place
        return planned(place.session, place.database, ran, place.lease, OnlyNew(xact))


def _is_of_its_own(ran: Ran) -> bool:
    """Whether it only makes something, or adds to what its own transaction has made: nobody else knows that yet, and
    nothing is evaluated for it."""
    on = ran.statement.adds_to
    touched = (one.oid for one in ran.statement.touched if one.verb is not Verb.READ)
    return on is not None and {*on, *touched} - {0} <= ran.made
