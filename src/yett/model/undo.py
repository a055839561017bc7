"""An undo: what it would hold, what it holds, and who makes one for an act in flight."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from yett.model.canonical import Json
from yett.model.resource import ResourceRef


@dataclass(frozen=True, slots=True)
class UndoPlan:
    """What an undo would hold, known before it is made. `gaps` are sentences: what it does not cover."""

    possible: bool
    how: str
    gaps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UndoRecord:
    """A captured and verified undo: `folder` holds it, `facts` (counts, hashes) are what was verified."""

    id: str
    provider: str
    resource: ResourceRef
    how: str
    folder: str
    facts: dict[str, Json]
    gaps: tuple[str, ...]


class OwnUndo(Protocol):
    """The undo of a wire that holds the act in an open transaction: made between the act and its becoming final."""

    @property
    def plan(self) -> UndoPlan: ...

    @property
    def xact(self) -> str:
        """Where the provider can be asked later what became of the act, known once `capture` has run; "": nowhere."""
        ...

    async def capture(self, hold: str) -> UndoRecord | None:
        """Store it, verified, durable and recorded; None: the wire makes it later, before the act becomes final.

        Raises:
            YettError: it could not be made, and the transaction must be rolled back.
        """
        ...
