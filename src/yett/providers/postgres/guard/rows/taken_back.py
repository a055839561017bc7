"""What ROLLBACK TO has taken back: the server's counts of a transaction hold it to the end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from yett.providers.postgres.guard.asking import Counts
from yett.providers.postgres.guard.effects import TableEffect, Unguardable

Events = tuple[int, int, int]
"""Rows deleted, updated, inserted."""
Standing = Mapping[int, Events]
"""By table (oid): what the session has counted and no ROLLBACK TO has taken back."""
_NOTHING: Events = (0, 0, 0)


class TakenBack:
    """Counted right behind SAVEPOINT and right behind ROLLBACK TO it: all that came between is gone."""

    def __init__(self) -> None:
        self._events: dict[int, Events] = {}

    def standing(self, counts: Counts) -> Standing:
        return {oid: _less(counted[2:], self._events.get(oid, _NOTHING)) for oid, counted in counts.items()}

    def since(self, savepoint: Standing, counts: Counts) -> None:
        """ROLLBACK TO has run; `savepoint` was standing when it was set. Raises Unguardable."""
        events = {oid: _less(counted[2:], savepoint.get(oid, _NOTHING)) for oid, counted in counts.items()}
        if any(min(each) < 0 for each in events.values()):
            raise Unguardable("the server's counts went backwards", "run the transaction again")
        self._events = events

    def left(self, tables: Iterable[TableEffect]) -> Iterable[TableEffect]:
        """Without what was taken back. TRUNCATE sets counts back: then it cannot be told, and all of them stay."""
        for table in tables:
            left = _less((table.deleted, table.updated, table.inserted), self._events.get(table.oid, _NOTHING))
            if min(left) < 0:
                yield table
            elif any(left):
                yield replace(table, deleted=left[0], updated=left[1], inserted=left[2])


def _less(now: Events, then: Events) -> Events:
    return now[0] - then[0], now[1] - then[1], now[2] - then[2]
