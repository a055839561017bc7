"""The id map of a mirror, both ways, and the files that it lives in."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from yett.sandbox.mirror.plumbing import Oid


class IdMap:
    """Real id <-> id inside. An object whose id is the same on both sides is not in it."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._inside: dict[Oid, Oid] = {}
        self._real: dict[Oid, Oid] = {}
        self._new: list[tuple[Oid, Oid]] = []
        self._undo: list[tuple[Oid | None, Oid | None]] = []
        """Of each new pair, what its two ids were paired with before."""
        if file.exists():
            for line in file.read_text().splitlines():
                real, inside = line.split()
                self._inside[real], self._real[inside] = inside, real

    def inside(self, real: Oid) -> Oid:
        return self._inside.get(real, real)

    def real(self, inside: Oid) -> Oid:
        return self._real.get(inside, inside)

    def knows_real(self, real: Oid) -> bool:
        return real in self._inside

    def knows_inside(self, inside: Oid) -> bool:
        return inside in self._real

    def pair(self, real: Oid, inside: Oid) -> None:
        if real != inside and self._inside.get(real) != inside:
            self._undo.append((self._inside.get(real), self._real.get(inside)))
            self._inside[real], self._real[inside] = inside, real
            self._new.append((real, inside))

    def mark(self) -> int:
        """A point to which `forget` goes back, until the next `save`."""
        return len(self._new)

    def forget(self, mark: int) -> None:
        """Undo every pair since."""
        while len(self._new) > mark:
            real, inside = self._new.pop()
            before, other = self._undo.pop()
            _restore(self._inside, real, before)
            _restore(self._real, inside, other)

    def changed(self) -> Iterator[Oid]:
        """Real ids that are another inside."""
        return iter(self._inside)

    def save(self) -> None:
        """Durable when it returns."""
        with self._file.open("a") as file:
            file.writelines(f"{real} {inside}\n" for real, inside in self._new)
            file.flush()
            os.fsync(file.fileno())
        self._new.clear()
        self._undo.clear()


def _restore(ids: dict[Oid, Oid], key: Oid, value: Oid | None) -> None:
    if value is None:
        del ids[key]
    else:
        ids[key] = value
