"""A pack's .idx, version 2: which objects a pack holds, and where (git's gitformat-pack, "pack-*.idx files")."""

from __future__ import annotations

import hashlib
import sys
from array import array
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from yett.inventory.history.regular import regular
from yett.model.errors import YettError

_MAGIC = b"\xfftOc\0\0\0\2"
_FANS = 256 * 4
_ID = 20
_LARGEST = 4 << 30
_FAR = 0x80000000
"""An offset with this bit is a row of the table of 64-bit offsets."""


class Unfit(YettError):
    """A file that this reader leaves to git: another version, another hash, or broken."""


@dataclass(frozen=True, slots=True)
class Index:
    """Rows are in the order of ids. `ids` holds 20 bytes a row, `offsets` where in the pack each starts."""

    ids: bytes
    offsets: array[int]

    def __len__(self) -> int:
        return len(self.offsets)

    def oid(self, row: int) -> str:
        return self.ids[row * _ID : row * _ID + _ID].hex()

    def row_of(self, oid: bytes) -> int:
        """Its row, -1 if the pack does not hold it."""
        row = bisect_left(range(len(self)), oid, key=lambda at: self.ids[at * _ID : at * _ID + _ID])
        return row if self.ids[row * _ID : row * _ID + _ID] == oid else -1

    def rows_at(self, wanted: Iterable[int]) -> dict[int, int]:
        """The rows of a few offsets, by offset."""
        asked = set(wanted)
        return {at: row for row, at in enumerate(self.offsets) if at in asked} if asked else {}


def read_index(path: Path) -> Index:
    """Read it whole.

    Raises:
        Unfit: not a whole index of version 2 with SHA-1.
    """
    try:
        raw = regular(path, _LARGEST)
    except OSError as problem:
        raise Unfit(problem.strerror or "unreadable") from problem
    if raw[:8] != _MAGIC:
        raise Unfit("an index that is not version 2")
    if hashlib.sha1(memoryview(raw)[:-_ID], usedforsecurity=False).digest() != raw[-_ID:]:
        raise Unfit("a broken index, or one of SHA-256")
    count = int.from_bytes(raw[4 + _FANS : 8 + _FANS], "big")
    ids_at = 8 + _FANS
    near_at = ids_at + (_ID + 4) * count
    far_at = near_at + 4 * count
    far_size = len(raw) - far_at - 2 * _ID
    if far_size < 0 or far_size % 8:
        raise Unfit("an index of an unexpected size")
    near = _big_endian(array("I"), raw[near_at:far_at])
    offsets = array("Q", near)
    if far_size:
        far = _big_endian(array("Q"), raw[far_at : far_at + far_size])
        for row, at in enumerate(near):
            if at & _FAR:
                if at - _FAR >= len(far):
                    raise Unfit("an index with an offset that it does not hold")
                offsets[row] = far[at - _FAR]
    return Index(raw[ids_at : ids_at + _ID * count], offsets)


def _big_endian(numbers: array[int], raw: bytes) -> array[int]:
    numbers.frombytes(raw)
    if sys.byteorder == "little":
        numbers.byteswap()
    return numbers
