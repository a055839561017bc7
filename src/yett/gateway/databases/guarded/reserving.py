"""What one transaction adds to the small acts of its task (`so_far.py`): counted when it is about to become final."""

from __future__ import annotations

from dataclasses import replace

from yett.gateway.databases.place import Place
from yett.gateway.databases.shown.looking import about
from yett.gateway.databases.statements.attempts import Changed


class Reserved:
    """Of one transaction, which ends it by `final` or by `take_back`."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._changed: list[Changed] = []

    async def adds_up(self, changed: list[Changed]) -> bool:
        """Whether it is one small act too many in this task. It counts from here on, unless it is taken back; `changed`
        says of each table that had many before how many those were."""
        so_far = self._place.so_far
        many = []
        for n, one in enumerate(changed):
            before = so_far.of(one.oid)
            so_far.add(one.oid, one.rows)
            self._changed.append(one)
            if so_far.of(one.oid).is_many(so_far.most) and _takes(one):
                many.append(one.oid)
                changed[n] = replace(one, rows=replace(one.rows, before=before.total))
        if so_far.in_too_many_tables and any(map(_takes, changed)):
            return True
        if not many:
            return False
        known = await about(self._place.own, many, count=False)
        return any(so_far.of(oid).is_too_many(known.get(oid), so_far.most) for oid in many)

    def final(self, *, signed: bool) -> None:
        """`signed`: people have answered for it, and know."""
        for one in self._changed if signed else ():
            self._place.so_far.signed(one.oid)
        self._changed.clear()

    def take_back(self) -> None:
        for one in self._changed:
            self._place.so_far.take_back(one.oid, one.rows)
        self._changed.clear()


def _takes(one: Changed) -> bool:
    return bool(one.rows.deleted or one.rows.updated)
