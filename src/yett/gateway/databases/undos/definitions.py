"""The undo of what goes outside of a transaction: an index, or a partition's place in its table."""

from __future__ import annotations

import logging

from yett.gateway.databases.place import Place
from yett.gateway.databases.registry import POSTGRES
from yett.model.errors import YettError
from yett.model.undo import UndoPlan, UndoRecord
from yett.operations.sql.outside import written
from yett.operations.sql.statement import Statement
from yett.providers.postgres.guard.words.definitions import INDEX, PARTITION, Wanted, keep_definitions

_log = logging.getLogger("yett.gateway")

DEFINITION = "the definition, kept before it went"


class Unchanged:
    """Of what changes nothing that exists."""

    xact = ""
    kept = None
    oids: frozenset[int] = frozenset()

    def __init__(self, statement: Statement) -> None:
        makes = statement.tag.startswith("CREATE")
        gaps = ("what it makes is not taken away again",) if makes else ()
        self.plan = UndoPlan(True, "nothing that exists is changed by it", gaps)

    async def capture(self, hold: str) -> UndoRecord | None:
        return None

    async def ended(self, outcome: str) -> None: ...


class Definitions:
    """Of what takes a definition away. `oids`: of what was kept."""

    plan = UndoPlan(True, DEFINITION, ())
    xact = ""

    def __init__(self, place: Place, statement: Statement) -> None:
        self.oids: frozenset[int] = frozenset()
        self.kept: UndoRecord | None = None
        self._place = place
        self._statement = statement

    async def capture(self, hold: str) -> UndoRecord | None:
        """Raises YettError: it cannot be kept, and so nothing may go."""
        if self.kept is not None:
            return self.kept
        place = self._place
        wanted = _wanted(self._statement, (await place.catalogs.now()).search_path)
        async with await place.undos.begin(place.session.task.id) as making:
            kept = await keep_definitions(place.own, wanted, making)
            made = await making.finish(kept.facts)
            record = UndoRecord(made.id, POSTGRES, place.database.ref, DEFINITION, made.place, kept.outline, kept.gaps)
            await place.undos.record_kept(record, made, hold, self._statement.tag)
        self.kept, self.oids = record, frozenset(one.oid for one in kept.definitions)
        return record

    async def ended(self, outcome: str) -> None:
        """What became of the statement: done, refused (nothing went), or unknown. Never raises."""
        if self.kept is None:
            return
        undos, identity = self._place.undos, self.kept.id
        try:
            if outcome == "done":
                await undos.committed([identity])
            elif outcome == "refused":
                await undos.discard(identity, "what it would bring back has not gone")
            else:
                await undos.unknown_for_ever(identity)
        except YettError as error:
            _log.error("what became of the undo %s was not recorded: %s", identity, error.what)


def undo_of(place: Place, statement: Statement) -> Unchanged | Definitions:
    goes = statement.tag.startswith("DROP") or "DETACH" in statement.tag
    return Definitions(place, statement) if goes else Unchanged(statement)


def _wanted(statement: Statement, path: tuple[str, ...]) -> list[Wanted]:
    names = written(statement.text)
    goes = [(INDEX, one) for one in names.indexes] or [(PARTITION, one) for one in names.tables[1:]]
    return [Wanted(kind, (schema,) if schema else path, name) for kind, (schema, name) in goes]
