"""What is owed before anything leaves: an undo that was made and verified."""

from __future__ import annotations

from typing import Protocol

from yett.checkpoint.judging import Judged
from yett.model.decision import Refused
from yett.model.effects import Verdict
from yett.model.errors import StoreUnavailable, YettError
from yett.model.operation import Operation
from yett.model.undo import UndoRecord


class UndoMaker(Protocol):
    """Makes and verifies an undo before anything leaves (recovery/undos.py)."""

    async def capture(self, operation: Operation, hold: str) -> UndoRecord: ...


async def capture(undos: UndoMaker, judged: Judged, hold: str) -> tuple[str, ...]:
    """Make what is owed before anything leaves: a verified undo for each operation that can have one.

    Raises:
        Refused: it could not be made. The approval, if any, is not spent.
    """
    own = judged.facts.attempt.undo
    owed = not judged.decision.obligations.isdisjoint({"snapshot", "verified-undo"})
    if own is None and not owed:  # a wire that brings its own makes it whatever a policy owes
        return ()
    made: list[str] = []
    later = False
    operations = {id(s.operation): s for s in judged.situations if s.undo.possible and own is None}
    try:
        if own is not None and own.plan.possible:
            record = await own.capture(hold)
            later = record is None
            made += [record.id] if record is not None else []
        for situated in operations.values():
            made.append((await undos.capture(situated.operation, hold)).id)
    except StoreUnavailable:
        raise
    except YettError as error:
        why = f"the undo could not be made: {error.what}"
        raise Refused(Verdict.HOLD if hold else Verdict.DENY, why, error.remedy, hold=hold, code="undo") from None
    if "verified-undo" in judged.decision.obligations and not (made or later):
        why = "one person alone may not do this without a verified undo, and there is none"
        raise Refused(Verdict.DENY, why, "enrol a second person, or move it outside Yett", code="undo")
    return tuple(made)
