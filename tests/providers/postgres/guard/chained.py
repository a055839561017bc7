"""Guarded transactions one after the other, and their undos, with a record of what each restore was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from guarded import Database, guarded, run

from yett.model.errors import YettError
from yett.providers.postgres.guard.captured import Captured
from yett.providers.postgres.guard.chain import Undone
from yett.providers.postgres.guard.restore import Conflict, Refused, Restored, conflicts, restore


@dataclass
class Steps:
    """The undos of one database as a keep would hold them: `kept` by name, with the restores that were begun."""

    database: Database
    folder: Path
    kept: dict[str, Captured] = field(default_factory=dict)
    by: dict[str, list[int]] = field(default_factory=dict)
    pruned: set[str] = field(default_factory=set)
    opened: list[str] = field(default_factory=list)

    def do(self, name: str, *statements: str, **options: Any) -> Captured:
        _, captured = run(guarded(self.database, self.folder / name, *statements, **options))
        self.kept[name], self.by[name] = captured, []
        return captured

    async def others(self) -> Sequence[Undone]:
        return [self._undone(name) for name in self.kept]

    def _undone(self, name: str) -> Undone:
        async def opened() -> Captured:
            if name in self.pruned:
                raise YettError(f"{name} is no longer kept")
            self.opened.append(name)
            return self.kept[name]

        return Undone(name, self.kept[name], tuple(self.by[name]), opened)

    def undo(self, name: str) -> Restored:
        async def begun(xid: int) -> None:
            self.by[name].append(xid)

        work = restore(self.database, self.kept[name], verify=True, begun=begun, others=self.others)
        done: Restored = run(work)
        return done

    def refused(self, name: str) -> Refused:
        """That nothing was changed, and that it was foreseen, is checked here."""
        now = self.database.digest()
        foreseen: list[Conflict] = run(conflicts(self.database, self.kept[name], self.others))
        with pytest.raises(Refused) as refusal:
            self.undo(name)
        assert self.database.digest() == now
        assert not foreseen or tuple(foreseen) == refusal.value.conflicts
        return refusal.value
