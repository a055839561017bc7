"""Which objects are new: what another pack holds too, or what an earlier scan has read, is not scanned again.

Ids are compared whole: an abbreviated one could be met on purpose, and something would go unread.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence

from yett.inventory.history.forest import NONE, Forest
from yett.inventory.history.index import Index

_ID = 20


def fresh(indexes: Sequence[Index], known: bytes) -> list[bytes | None]:
    """For each index a byte a row, 1 for an object that is neither known nor in an earlier index. None: all are.

    `known`: ids of 20 bytes, sorted.
    """
    if len(indexes) == 1 and not known:
        return [None]
    marks = [bytearray(len(index)) for index in indexes]
    tables = [known, *(index.ids for index in indexes)]
    ends = [0] * len(tables)
    for first in range(256):
        seen: set[bytes] = set()
        for number, table in enumerate(tables):
            start = ends[number]
            end = ends[number] = _until(table, first, start)
            if number == 0:
                before = table[start * _ID : end * _ID]
                loaded = False
                continue
            if before and not loaded:
                if number == len(tables) - 1 and table[start * _ID : end * _ID] == before:
                    continue  # after `git gc` it is often the same
                seen.update(_cut(before))
                loaded = True
            _mark(table, start, end, seen, marks[number - 1], number < len(tables) - 1)
    return [bytes(mark) for mark in marks]


def chosen(forest: Forest, index: Index, marks: bytes | None) -> bytes | None:
    """A byte a slot, 1 for what is new or has something new below it. None: everything is."""
    if marks is None or 0 not in marks:
        return None
    new = {at for at, mark in zip(index.offsets, marks, strict=True) if mark}
    slots = bytearray(map(new.__contains__, forest.at))
    for slot in range(len(forest)):
        if slots[slot]:
            base = forest.base[slot]
            while base != NONE and not slots[base]:
                slots[base] = 1
                base = forest.base[base]
    return bytes(slots)


def merged(tables: Sequence[bytes]) -> bytes:
    """All ids of these tables, sorted, each once."""
    kept = [table for table in tables if table]
    if len(kept) < 2:
        return b"".join(kept)
    ends = [0] * len(kept)
    out: list[bytes] = []
    for first in range(256):
        seen: set[bytes] = set()
        for number, table in enumerate(kept):
            start = ends[number]
            ends[number] = _until(table, first, start)
            seen.update(_cut(table[start * _ID : ends[number] * _ID]))
        out += sorted(seen)
    return b"".join(out)


def holds(table: bytes, oid: bytes) -> bool:
    """Whether a sorted table has this id."""
    rows = range(len(table) // _ID)
    row = bisect_left(rows, oid, key=lambda at: table[at * _ID : at * _ID + _ID])
    return table[row * _ID : row * _ID + _ID] == oid


def _mark(table: bytes, start: int, end: int, seen: set[bytes], marks: bytearray, more: bool) -> None:
    ids = list(_cut(table[start * _ID : end * _ID]))
    marks[start:end] = bytes(oid not in seen for oid in ids)
    if more:
        seen.update(ids)


def _cut(ids: bytes) -> Iterator[bytes]:
    return (ids[at : at + _ID] for at in range(0, len(ids), _ID))


def _until(table: bytes, first: int, start: int) -> int:
    """The row behind the last one whose id starts with this byte."""
    rows = range(start, len(table) // _ID)
    return start + bisect_left(rows, first + 1, key=lambda at: table[at * _ID])
