"""The delta trees of one pack: every object but trees, each below the object that its delta starts from.

Only headers are read here, nothing is inflated. A large repository has millions of objects, nearly all of them trees
and deltas of trees, so the columns are arrays, and whatever can be is done by C loops (`map`, `translate`, `compress`).
"""

from __future__ import annotations

import mmap
import os
from array import array
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import compress
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
    foreign: tuple[int, ...] = field(default=())

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
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
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
    """Read the headers of every entry."""
    end = len(pack) - _TRAILER
    ordered = sorted(index.offsets)
    beyond = [at for at in ordered if not _HEADER <= at < end] if ordered and not _within(ordered, end) else []
    offsets = [at for at in ordered if _HEADER <= at < end] if beyond else ordered
    head = bytes(map(pack.__getitem__, offsets))
    starts = list(compress(offsets, head.translate(_IS_OFS)))
    bases = _bases(pack, starts)
    kept = set(compress(offsets, head.translate(_IS_ROOT)))
    linked = _of_kept(starts, bases, kept)
    foreign = [*beyond, *compress(offsets, head.translate(_IS_ODD))]
    refs = list(compress(offsets, head.translate(_IS_REF)))
    if refs:
        linked, foreign = _with_refs(pack, index, refs, starts, bases, kept, foreign)
    return _forest(path, pack, offsets, end, kept, linked, foreign)


def _within(ordered: Sequence[int], end: int) -> bool:
    return ordered[0] >= _HEADER and ordered[-1] < end


def _of_kept(starts: Iterable[int], bases: Iterable[int], kept: set[int]) -> dict[int, int]:
    """The deltas whose root is kept, and their base. In a pack a base comes before its OFS_DELTA: one pass."""
    linked: dict[int, int] = {}
    keep = kept.add
    for at, base in zip(starts, bases, strict=True):
        if base in kept:
            keep(at)
            linked[at] = base
    return linked


def _with_refs(
    pack: mmap.mmap,
    index: Index,
    refs: Iterable[int],
    starts: Iterable[int],
    bases: Iterable[int],
    kept: set[int],
    foreign: Iterable[int],
) -> tuple[dict[int, int], list[int]]:
    """As above where bases may come later, be in another pack, or go round in circles."""
    links = dict(zip(starts, bases, strict=True))
    lost = set(foreign)
    for at in refs:
        where = _skip_size(pack, at)
        row = index.row_of(pack[where : where + 20])
        if row == NONE:
            lost.add(at)
        else:
            links[at] = index.offsets[row]
    linked: dict[int, int] = {}
    known: dict[int, bool] = {}
    for at in links:
        chain: list[int] = []
        while at in links and at not in known and at not in kept and len(chain) <= len(links):
            known[at] = False  # until its root is known: a circle ends here
            chain.append(at)
            at = links[at]
        belongs = at in kept or known.get(at, False)
        astray = not belongs and (at in lost)
        for each in chain:
            known[each] = belongs
            if belongs:
                linked[each] = links[each]
            elif astray:
                lost.add(each)
    kept.update(linked)
    return linked, sorted(lost)


def _forest(
    path: Path,
    pack: mmap.mmap,
    offsets: Sequence[int],
    end: int,
    kept: set[int],
    linked: dict[int, int],
    foreign: Iterable[int],
) -> Forest:
    """The columns."""
    chosen = bytes(map(kept.__contains__, offsets))
    at = array("Q", compress(offsets, chosen))
    to = array("Q", compress((*offsets[1:], end), chosen))
    slot_at = {offset: slot for slot, offset in enumerate(at)}
    base = array("i", [NONE]) * len(at)
    first, after = array("i", base), array("i", base)
    for offset, from_ in linked.items():
        slot, parent = slot_at[offset], slot_at[from_]
        base[slot] = parent
        after[slot] = first[parent]
        first[parent] = slot
    return Forest(path, pack, at, to, base, first, after, tuple(foreign))


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
    for at in starts:
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
