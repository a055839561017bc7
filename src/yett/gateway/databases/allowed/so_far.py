"""What a task has deleted and changed in each table so far without a person: many small acts are one large one.

Counted when a transaction is about to become final, taken back when it does not, and set to nothing where a person has
signed for what a transaction does to the table: from there on the person knows. A daemon that starts anew counts again
from the undos, which hold every transaction's own numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from yett.gateway.databases.shown.looking import About
from yett.model.canonical import Json
from yett.model.operation import Rows


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one task may do without a person.

    Rows of one table that it deletes, or changes at all, or `share` percent of the table if that is more: ten times
    what one transaction may. `tables`: how many it changes or deletes rows of.
    """

    deleted: int = 1_000
    changed: int = 10_000
    share: int = 10
    tables: int = 50

    def __add__(self, other: Bounds) -> Bounds:
        more = (self.deleted + other.deleted, self.changed + other.changed)
        return Bounds(*more, self.share + other.share, self.tables + other.tables)


USUAL = Bounds()


@dataclass(frozen=True, slots=True)
class Small:
    """Rows of one table."""

    deleted: int = 0
    updated: int = 0

    def __add__(self, other: Small) -> Small:
        return Small(self.deleted + other.deleted, self.updated + other.updated)

    def __sub__(self, other: Small) -> Small:
        return Small(max(0, self.deleted - other.deleted), max(0, self.updated - other.updated))

    @property
    def total(self) -> int:
        return self.deleted + self.updated

    def is_many(self, most: Bounds) -> bool:
        """Whether the table's size has to be asked for."""
        return self.deleted > most.deleted or self.total > most.changed

    def is_too_many(self, about: About | None, most: Bounds) -> bool:
        """With the table as it is now: what was deleted from it was in it."""
        share = (about.rows + self.deleted) * most.share // 100 if about is not None and about.rows >= 0 else 0
        return self.deleted > max(most.deleted, share) or self.total > max(most.changed, share)


class SoFar:
    """Of one task in one database, by relation. Used on the event loop."""

    def __init__(self, known: Mapping[int, Small], most: Bounds = USUAL) -> None:
        self.most = most
        self._base = most
        self._small = dict(known)

    @property
    def in_too_many_tables(self) -> bool:
        return sum(1 for small in self._small.values() if small.total) > self.most.tables

    def grant(self, more: Bounds) -> None:
        """A person has signed for so much in all beyond what every task may."""
        self.most = self._base + more

    def of(self, oid: int) -> Small:
        return self._small.get(oid, Small())

    def add(self, oid: int, rows: Rows) -> None:
        self._small[oid] = self.of(oid) + Small(rows.deleted, rows.updated)

    def take_back(self, oid: int, rows: Rows) -> None:
        self._small[oid] = self.of(oid) - Small(rows.deleted, rows.updated)

    def signed(self, oid: int) -> None:
        """A person has answered for what was done to it."""
        self._small.pop(oid, None)


def counted(undos: Iterable[tuple[str, Mapping[str, Json]]]) -> dict[int, Small]:
    """From the undos of a task's transactions in one database, the oldest first: (hold or "", facts)."""
    found: dict[int, Small] = {}
    for hold, facts in undos:
        for oid, small in _changed(facts):
            if hold:
                found.pop(oid, None)
            else:
                found[oid] = found.get(oid, Small()) + small
    return found


def _changed(facts: Mapping[str, Json]) -> Iterable[tuple[int, Small]]:
    """As `Captured.facts` writes them; what is not written so counts for nothing."""
    listed: Any = facts.get("tables")  # Any: taken apart here
    for table in listed if isinstance(listed, list) else ():
        effect = table.get("effect") if isinstance(table, dict) else None
        if isinstance(effect, list) and len(effect) == 6:
            yield int(effect[0]), Small(int(effect[3]), int(effect[4]))
