"""What a transaction makes new, or adds to that: nobody else knows it, so it runs, and people are asked at COMMIT.

Migration tools send CREATE TABLE, its keys and its indexes one by one. Asked about each when it comes, people answer
twenty questions for one migration, and the first answer has expired before the last. What is let run here locks nothing
of anybody's, evaluates nothing and shows nothing: `Statement.adds_to`.
"""

from __future__ import annotations

from collections.abc import Sequence

from yett.checkpoint.record import Pass
from yett.gateway.databases.allowed.scopes import scope_from
from yett.gateway.databases.place import Place
from yett.gateway.databases.statements.attempts import Ran, planned
from yett.model.effects import Verdict
from yett.model.operation import Attempt
from yett.model.undo import UndoPlan, UndoRecord
from yett.operations.sql.statement import Control, Verb

_CUT = 60
"""Bytes: the server keeps 63 of a name, and where it cuts hangs on its encoding."""


class OnlyNew:
    """The undo of what makes nothing but new things."""

    plan = UndoPlan(True, "nothing that exists is changed by it", ("what it makes is not taken away again",))

    def __init__(self, xact: str = "") -> None:
        self.xact = xact

    async def capture(self, hold: str) -> UndoRecord | None:
        return None


class New:
    """Of one transaction. `ran`: what ran without a question so far, stands, and waits for one; `some`: something did
    run, and may have been taken back."""

    def __init__(self, place: Place) -> None:
        self.ran: list[Ran] = []
        self.some = False
        self._place = place
        self._next: list[Ran] = []
        self._marks: list[tuple[str, int]] = []

    async def may_wait(self, ran: Sequence[Ran]) -> bool:
        """Whether people who have to be asked can be asked at COMMIT. Raises YettError."""
        if not (all(map(_is_of_its_own, ran)) and await self._is_within_the_scope(ran)):
            return False
        return await self._place.checkpoint.ask(self._attempt(ran)) is Verdict.HOLD

    def runs(self, ran: Sequence[Ran]) -> None:
        """These come next."""
        self._next = list(ran)

    def has_run(self) -> None:
        """Without an error."""
        self.some |= bool(self._next)
        self.ran += self._next
        self._next = []

    def marked(self, control: Control, savepoint: str) -> None:
        """SAVEPOINT, RELEASE or ROLLBACK TO has run. Back to one that is not known, nothing is forgotten: rather a
        question too many. So, too, where the server could have cut the name and found another."""
        self._next = []  # behind an error nothing else but ROLLBACK TO runs: what failed did not
        if control is Control.SAVEPOINT:
            self._marks.append((savepoint, len(self.ran)))
            return
        at = next((n for n in reversed(range(len(self._marks))) if self._marks[n][0] == savepoint), -1)
        if at < 0 or any(_may_be_cut(name) for name, _ in self._marks):
            return
        if control is Control.RELEASE:
            del self._marks[at:]
            return
        del self.ran[self._marks[at][1] :]
        del self._marks[at + 1 :]

    async def let(self, xact: str) -> Pass:
        """All that waits, one question. Raises YettError."""
        return await self._place.checkpoint.pass_(self._attempt(self.ran, xact))

    async def _is_within_the_scope(self, ran: Sequence[Ran]) -> bool:
        """What it makes lies in a schema that the lease is for, whatever the session's own search_path says."""
        if any(setting.startswith("search_path") for one in ran for setting in one.settings):
            return False
        catalog = await self._place.catalogs.now()
        made = {one.schema for each in ran for one in each.statement.touched if one.verb is Verb.CREATE}
        schemas = scope_from(self._place.database.scope).schemas
        return all((schema or next(iter(catalog.search_path), "")) in schemas for schema in made)

    def _attempt(self, ran: Sequence[Ran], xact: str = "") -> Attempt:
        place = self._place
        return planned(place.session, place.database, ran, place.lease, OnlyNew(xact))


def _may_be_cut(name: str) -> bool:
    return len(name.encode()) >= _CUT


def _is_of_its_own(ran: Ran) -> bool:
    """Whether it only makes something, or adds to what its own transaction has made: nobody else knows that yet, and
    nothing is evaluated for it."""
    on = ran.statement.adds_to
    touched = {one.oid for one in ran.statement.touched if one.verb not in (Verb.READ, Verb.CREATE)}
    return on is not None and on | touched <= ran.made
