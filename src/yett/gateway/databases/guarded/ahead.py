"""What a transaction dumps ahead: tables that it shuts for all others before a later statement needs them dumped.

DROP INDEX and then ALTER of the same table, one by one, is what migration tools send. At the ALTER nobody else may read
the table any more. So it is remembered, and when the transaction is sent again (after a person was asked), the table is
dumped at the first of its statements. Not at every DROP INDEX: an undo by a dump takes back less than one by words.
"""

from __future__ import annotations

from yett.gateway.databases.guarded.admitted import Admitted
from yett.gateway.databases.place import Place
from yett.gateway.databases.undos.undo import Dumping
from yett.providers.postgres.guard.dumps.dump import Shut
from yett.providers.postgres.guard.guard import Guard


class Ahead:
    """Of one transaction. `late`: a statement of it needs a table dumped that cannot be any more."""

    def __init__(self, place: Place, guard: Guard, admitted: Admitted) -> None:
        self._place = place
        self._guard = guard
        self._admitted = admitted
        self.late = False

    async def look(self, undo: Dumping) -> None:
        """Before anybody is asked about what `undo` is for.

        Raises YettError, ServerError; Shut: a table cannot be dumped, and could not if all of it were sent again.
        """
        tried, before = self._place.tried, self._admitted.dumps
        tables, what = tried.ahead.get(undo.digest, ((), ""))
        try:
            if tables and not before:
                await self._guard.must_be_readable(tables)
                undo.ahead = await undo.with_those_of(tables, what)
            if undo.ahead is None:
                await self._guard.must_be_readable(undo.tables)
        except Shut:
            tried.ahead.pop(undo.digest, None)
            if not before:
                raise
            tried.was_late(before[0].digest, undo.tables, undo.what)
            self.late = undo.late = True
