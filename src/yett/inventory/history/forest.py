"""The delta trees of one pack: every object but trees, each below the object that its delta starts from.

Only headers are read here, nothing is inflated. A large repository has millions of objects, nearly all of them trees
and deltas of trees, so the columns are arrays, and whatever can be is done by C loops (`map`, `translate`, `compress`).
"""

from __future__ import annotations

import mmap
import os
from array import array
from collections.abc import Iterable, Iterator, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import chain, compress, islice
from pathlib import Path

from yett.inventory.history.index import Index, Unfit

COMMIT, TREE, BLOB, TAG, OFS_DELTA, REF_DELTA = 1, 2, 3, 4, 6, 7
KINDS = {COMMIT: "commit", BLOB: "blob", TAG: "tag"}
NONE = -1
_HEADER, _TRAILER = 12, 20
_TYPE = bytes((byte >> 4) & 7 for byte in range(256))
_IS_OFS = bytes(kind == OFS_DELTA for kind in _TYPE)
_IS_REF = bytes(kind == REF_DELTA for kind in _TYPE)
_IS_ROOT = bytes(kind in KINDS for kind in _TYPE)
_IS_ODD = bytes(kind in (0, 5) for kind in _TYPE)
_IS_UNUSUAL = bytes(kind in (0, 5, REF_DELTA) for kind in _TYPE)
_MAY_BE_KEPT = bytes(kind in KINDS or kind == OFS_DELTA for kind in _TYPE)
_CHUNK = 1 << 17
_WORTH_A_PROCESS = 200_000
"""Deltas from which on reading their headers takes longer than starting a second process for half of them."""


@dataclass(frozen=True, slots=True)
class Forest:
    """Slots are numbered by offset, so a base mostly comes before what starts from it.

    `at` and `to`: where the entry starts and ends in `pack`. `base`: the slot that it is a delta of, NONE for a root.
    `first` and `after`: the first child of a slot, and its next sibling. `foreign`: offsets of entries that this pack
    alone does not explain; git must be asked for those.
    """

    path: Path
    pack: mmap.mmap
    at: array[int]
    to: array[int]
    base: array[int]
    first: array[int]
    after: array[int]
    foreign: tuple[int, ...] = ()

    def __len__(self) -> int:
        return len(self.at)

    def roots(self) -> Iterator[int]:
        return (slot for slot, base in enumerate(self.base) if base == NONE)


def open_pack(path: Path) -> mmap.mmap:
    """Map a pack.

    Raises:
        Unfit: not a pack of version 2 or 3.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            mapped = mmap.mmap(descriptor, 0, prot=mmap.PROT_READ)
        finally:
            os.close(descriptor)
    except (OSError, ValueError) as problem:
        raise Unfit("an empty pack" if isinstance(problem, ValueError) else problem.strerror or "unreadable") from None
    if mapped[:4] != b"PACK" or int.from_bytes(mapped[4:8], "big") not in (2, 3):
        raise Unfit("not a pack of version 2 or 3")
    return mapped


def grow(path: Path, index: Index, pack: mmap.mmap) -> Forest:
    """Read the headers of every entry.

    Raises:
        IndexError: the pack is cut off.
    """
    end = len(pack) - _TRAILER
    offsets = sorted(index.offsets)
    beyond: list[int] = []
    if offsets and not (offsets[0] >= _HEADER and offsets[-1] < end):
        beyond = [at for at in offsets if not _HEADER <= at < end]
        offsets = [at for at in offsets if _HEADER <= at < end]
    head = _heads(pack, offsets)
    starts = list(compress(offsets, head.translate(_IS_OFS)))
    bases = _bases(pack, starts)
    pack.madvise(mmap.MADV_DONTNEED)  # or what was read of it would count as this process's from now on
    places = frozenset(offsets)
    empty = Forest(path, pack, array("Q"), array("Q"), array("i"), array("i"), array("i"), tuple(beyond))
    if not beyond and places.issuperset(bases) and not head.translate(_IS_UNUSUAL).count(1):
        del starts, places
        return _chained(empty, offsets, head, bases, end)
    refs = list(compress(offsets, head.translate(_IS_REF)))
    links = dict(zip(starts, bases, strict=True)) | _named_bases(pack, index, refs)
    kept = set(compress(offsets, head.translate(_IS_ROOT)))
    lost = set(compress(offsets, head.translate(_IS_ODD)))
    linked = _linked(links, kept, places - lost)
    lost.update(at for at, base in linked.items() if base == NONE)
    linked = {at: base for at, base in linked.items() if base != NONE}
    return _placed(replace(empty, foreign=(*beyond, *sorted(lost))), offsets, end, kept | linked.keys(), linked)


def _heads(pack: mmap.mmap, offsets: Sequence[int]) -> bytes:
    """The first byte of each entry."""
    heads = []
    for start in range(0, len(offsets), _CHUNK):
        heads.append(bytes(map(pack.__getitem__, offsets[start : start + _CHUNK])))
        pack.madvise(mmap.MADV_DONTNEED)
    return b"".join(heads)


def _chained(forest: Forest, offsets: Sequence[int], head: bytes, bases: Iterable[int], end: int) -> Forest:
    """Fill the columns where every base stands before what starts from it: one pass."""
    may_be = head.translate(_MAY_BE_KEPT)
    slot_at: dict[int, int] = {}
    add_at, add_to, add_base = forest.at.append, forest.to.append, forest.base.append
    add_first, add_after, first = forest.first.append, forest.after.append, forest.first
    next_base = iter(bases).__next__
    slot = 0
    ends = compress(chain(islice(offsets, 1, None), (end,)), may_be)
    for at, to, byte in zip(compress(offsets, may_be), ends, compress(head, may_be), strict=True):
        parent = NONE
        if byte & 0x70 == OFS_DELTA << 4:
            base = next_base()
            if base not in slot_at:
                continue  # of a tree
            parent = slot_at[base]
            add_after(first[parent])
            first[parent] = slot
        else:
            add_after(NONE)
        slot_at[at] = slot
        add_at(at)
        add_to(to)
        add_base(parent)
        add_first(NONE)
        slot += 1
    return forest


def _named_bases(pack: mmap.mmap, index: Index, refs: Iterable[int]) -> dict[int, int]:
    """Where each REF_DELTA's base is, NONE if it is in another pack."""
    found = {}
    for at in refs:
        where = _skip_size(pack, at)
        row = index.row_of(pack[where : where + 20])
        found[at] = NONE if row == NONE else index.offsets[row]
    return found


def _linked(links: dict[int, int], roots: set[int], places: frozenset[int]) -> dict[int, int]:
    """The deltas that end at one of these roots, with their base, and with NONE those that end nowhere.

    Bases may come later, be in another pack, or go round in circles. What is left out ends at a tree.
    """
    ends: dict[int, bool | None] = {}
    for start in links:
        at, path = start, []
        while at in links and at not in ends:
            ends[at] = False  # until it is known: a circle ends here
            path.append(at)
            at = links[at]
        where_to = True if at in roots else None if at in places else False
        end = ends.get(at, where_to)
        ends.update(dict.fromkeys(path, end))
    return {at: links[at] if end else NONE for at, end in ends.items() if end is not None}


def _placed(forest: Forest, offsets: Sequence[int], end: int, kept: Set[int], linked: dict[int, int]) -> Forest:
    """Fill the columns whatever the order."""
    chosen = bytes(map(kept.__contains__, offsets))
    forest.at.extend(compress(offsets, chosen))
    forest.to.extend(compress((*offsets[1:], end), chosen))
    slot_at = {offset: slot for slot, offset in enumerate(forest.at)}
    for column in (forest.base, forest.first, forest.after):
        column.extend([NONE] * len(forest.at))
    for offset, from_ in linked.items():
        slot, parent = slot_at[offset], slot_at[from_]
        forest.base[slot] = parent
        forest.after[slot] = forest.first[parent]
        forest.first[parent] = slot
    return forest


def _skip_size(pack: mmap.mmap, at: int) -> int:
    """Where the header's size ends."""
    while pack[at] & 128:
        at += 1
    return at + 1


def _bases(pack: mmap.mmap, starts: Sequence[int]) -> Sequence[int]:
    """Where each OFS_DELTA's base is."""
    if len(starts) < _WORTH_A_PROCESS or (os.cpu_count() or 1) < 2:
        return _bases_of(pack, starts)
    half = len(starts) // 2
    shared = mmap.mmap(-1, 8 * (len(starts) - half))
    child = os.fork()
    if child == 0:
        with suppress(BaseException):  # nothing of the parent's may run here, not even its exception handlers
            shared[:] = memoryview(_bases_of(pack, starts[half:])).cast("B")
            os._exit(0)
        os._exit(1)
    near = _bases_of(pack, starts[:half])
    _, status = os.waitpid(child, 0)
    if status:
        return near + _bases_of(pack, starts[half:])
    near.frombytes(memoryview(shared))
    shared.close()
    return near


def _bases_of(pack: mmap.mmap, starts: Iterable[int]) -> array[int]:
    """Read the size, skip it, and read the distance back to the base (gitformat-pack, "offset encoding")."""
    found = array("Q")
    add = found.append
    end = len(pack) - 1
    for number, at in enumerate(starts):
        if not number % _CHUNK:
            pack.madvise(mmap.MADV_DONTNEED)
        where = at
        while pack[where] > 127:
            where += 1
        where += 1
        byte = pack[where]
        back = byte & 127
        while byte > 127 and where < end:
            where += 1
            byte = pack[where]
            back = (back + 1) << 7 | byte & 127
        add(at - back if 0 < back < at else 0)
    return found
