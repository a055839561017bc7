"""Guarded transactions one after the other, and their undos, with a record of what each restore was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from guarded import Between, Database, connected, guarded, run

from yett.model.errors import YettError
from yett.providers.postgres.guard.captured import Captured, settled
from yett.providers.postgres.guard.dumps.dumped import SETTLED, settling
from yett.providers.postgres.guard.guard import Guard
from yett.providers.postgres.guard.restore import Conflict, Refused, Restored, conflicts, restore
from yett.providers.postgres.guard.rows.chain import Became, Others, Undone
from yett.providers.postgres.guard.sink import DirectorySink


async def dumped(database: Database, folder: Path, oid: int, statement: str, others: Others) -> Captured:
    async with connected(database, "postgres") as agent:
        await agent.rows("BEGIN")
        guard = Guard(agent, database)
        await guard.baseline()
        captured = await guard.dump([oid], DirectorySink(folder), others=others)
        await agent.rows(statement)
        assert captured.dump
        left = await guard.rows_left(await guard.still_there(captured.dump.tables))
        await agent.rows("COMMIT")
        return settled(captured, {SETTLED: settling(captured.xids, left, {}, ())})


@dataclass
class Steps:
    """The undos of one database as a keep would hold them: `kept` by name, with the restores that were begun."""

    database: Database
    folder: Path
    kept: dict[str, Captured] = field(default_factory=dict)
    by: dict[str, list[int]] = field(default_factory=dict)
    became: dict[str, dict[int, tuple[Became, ...]]] = field(default_factory=dict)
    pruned: set[str] = field(default_factory=set)
    opened: list[str] = field(default_factory=list)
    loses_its_way: bool = False

    def do(self, name: str, *statements: str | Between, **options: Any) -> Captured:
        _, captured = run(guarded(self.database, self.folder / name, *statements, **options))
        self.kept[name], self.by[name] = captured, []
        return captured

    def dump(self, name: str, table: str, statement: str) -> None:
        """A statement before which the table was dumped."""
        ((oid,),) = self.database.ask(f"SELECT '{table}'::regclass::oid::int8")
        (self.folder / name).mkdir()
        self.kept[name], self.by[name] = (
            run(dumped(self.database, self.folder / name, oid, statement, self.others)),
            [],
        )

    async def others(self) -> Sequence[Undone]:
        return [self._undone(name) for name in self.kept]

    def _undone(self, name: str) -> Undone:
        async def opened() -> Captured:
            if name in self.pruned:
                raise YettError(f"{name} is no longer kept")
            self.opened.append(name)
            return self.kept[name]

        return Undone(
            name,
            self.kept[name],
            tuple(self.by[name]),
            opened,
            name not in self.pruned,
            became=self.became.get(name, {}),
        )

    def undo(self, name: str) -> Restored:
        async def begun(xid: int, became: tuple[Became, ...]) -> None:
            self.by[name].append(xid)
            self.became[name] = {xid: became}
            if self.loses_its_way:
                raise YettError("the ledger is away")

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
