"""What one transaction was let do so far, and what of it ROLLBACK TO has taken back."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from dataclasses import dataclass

from yett.checkpoint.record import Pass
from yett.gateway.databases.place import Place
from yett.gateway.databases.undos.redefining import Redefining
from yett.gateway.databases.undos.undo import Capturing, Dumping
from yett.model.errors import YettError
from yett.operations.sql.statement import Control
from yett.providers.postgres.guard.guard import Guard
from yett.providers.postgres.guard.rows.taken_back import Standing

_log = logging.getLogger("yett.gateway")


@dataclass(frozen=True, slots=True)
class _Mark:
    """A savepoint: what had been admitted and dumped by then. `relations`: the guard's own word for the dumps;
    `standing`: its counts, None where it was set in one text with others."""

    name: str
    passes: int = 0
    dumps: int = 0
    relations: frozenset[int] = frozenset()
    standing: Standing | None = None


class Admitted:
    """`passes` and `dumps` stand, in their order; `undone` passes were taken back."""

    def __init__(self, place: Place, guard: Guard) -> None:
        self.passes: list[Pass] = []
        self.dumps: list[Dumping] = []
        self.undone: list[Pass] = []
        self._place = place
        self._guard = guard
        self._needless: list[Dumping] = []
        self._marks: list[_Mark] = []

    def dumping(self, undo: Dumping) -> None:
        """Its statement comes next."""
        self.dumps += [undo] if undo.ahead is None else [undo, undo.ahead]

    async def marked(self, control: Control, savepoint: str, *, just_now: bool) -> None:
        """SAVEPOINT, RELEASE or ROLLBACK TO has run; one whose savepoint is not known was set before all that is.

        `just_now`: and nothing behind it. Raises ServerError, Unguardable.
        """
        marks = self._marks
        if control is Control.SAVEPOINT:
            standing = await self._guard.standing() if just_now else None
            marks.append(_Mark(savepoint, len(self.passes), len(self.dumps), self._guard.dumped, standing))
            return
        at = next((n for n in reversed(range(len(marks))) if marks[n].name == savepoint), -1)
        if control is Control.RELEASE:
            del marks[max(at, 0) :]
            return
        del marks[at + 1 :]
        self._take_back(marks[at] if at >= 0 else _Mark(savepoint))
        if just_now and (at < 0 or marks[at].standing is not None):
            await self._guard.took_back(marks[at].standing if at >= 0 else None)

    def _take_back(self, since: _Mark) -> None:
        """With a savepoint go the locks that were taken behind it: what was dumped under them is anybody's again."""
        self.undone += self.passes[since.passes :]
        del self.passes[since.passes :]
        self._needless += self.dumps[since.dumps :]
        del self.dumps[since.dumps :]
        self._guard.dumped = since.relations

    def uses(self, granted: Pass) -> None:
        """A statement runs under a pass that ROLLBACK TO may have taken back: what it lets happen now happens."""
        if any(one is granted for one in self.undone):
            self.undone = [one for one in self.undone if one is not granted]
            self.passes.append(granted)

    async def finish(self, outcome: str, *undos: Capturing | Redefining | None) -> None:
        """The transaction has ended. However it did: what was taken back did not happen. All at once, for one flush."""
        checkpoint = self._place.checkpoint
        noting = [checkpoint.finish(granted, "refused", 0) for granted in self.undone]
        noting += [checkpoint.finish(granted, outcome, 0) for granted in self.passes]
        kept = [undo.kept.id for undo in (*undos, *self.dumps) if undo is not None and undo.kept is not None]
        if outcome == "done" and kept:
            noting.append(self._place.undos.committed(kept))
        self.passes.clear()
        self.undone.clear()
        await asyncio.gather(*map(_noted, noting))
        needless, self._needless = self._needless, []
        for dump in needless:
            await dump.discarded()


async def _noted(noting: Awaitable[None]) -> None:
    try:
        await noting
    except YettError as error:
        _log.error("what became of a transaction was not recorded: %s", error.what)
