"""All packs of a repository at once: what is new in them, scanned by several processes, and what only git can read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from yett.inventory.history.forest import KINDS, NONE, Forest, grow, open_pack
from yett.inventory.history.fresh import chosen, fresh
from yett.inventory.history.index import Index, Unfit, read_index
from yett.inventory.history.screening import Engine, Found
from yett.inventory.history.walk import Harvest, below
from yett.inventory.history.work import Progress, Share, scan_shares, shares
from yett.inventory.outcome import Unread

_FEW = 20_000
"""So many objects git reads faster than this reader finds them among millions."""
_SMALL = 64 << 20
"""Packed bytes of a lost share up to which it is scanned again, by way of git."""


@dataclass(frozen=True, slots=True)
class Pack:
    """A pack file with its index."""

    path: Path
    index: Index


@dataclass(slots=True)
class Reading:
    """What came of the packs. `ask` are ids that git must be asked for."""

    found: list[Found] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)
    ask: list[str] = field(default_factory=list)
    objects: int = 0
    read: int = 0


def pack_files(stores: Iterable[Path]) -> Iterator[Path]:
    """Every pack that has an index, the largest first within its folder."""
    for store in stores:
        found = [(index.with_suffix(".pack"), index) for index in (store / "pack").glob("pack-*.idx")]
        present = [(pack.stat().st_size, pack) for pack, _ in found if pack.is_file()]
        yield from (pack for _, pack in sorted(present, reverse=True))


def open_packs(files: Iterable[Path], unread: list[Unread]) -> list[Pack]:
    """Those whose index can be read; the others are noted."""
    packs = []
    for path in files:
        try:
            packs.append(Pack(path, read_index(path.with_suffix(".idx"))))
        except Unfit as problem:
            unread.append(Unread(str(path), f"{problem.what}; git is asked for its objects"))
    return packs


def read_packs(
    packs: Sequence[Pack],
    known: bytes,
    only: frozenset[bytes] | None,
    folder: Path,
    engine: Engine,
    largest: int,
    workers: int,
    progress: Progress | None,
) -> Reading:
    """Scan what is not `known` (sorted ids), and of that `only` these ids where some are given."""
    reading = Reading()
    grown: list[tuple[Pack, Forest, bytes | None]] = []
    for pack, marks in zip(packs, fresh([pack.index for pack in packs], known), strict=True):
        marks = _only(pack.index, marks, only)
        new = len(pack.index) if marks is None else marks.count(1)
        if marks is not None and new <= min(_FEW, len(marks) // 4):
            reading.ask += _marked(pack.index, marks)
            continue
        try:
            forest = grow(pack.path, pack.index, open_pack(pack.path))
        except (Unfit, IndexError) as problem:
            why = problem.what if isinstance(problem, Unfit) else "a truncated pack"
            reading.unread.append(Unread(str(pack.path), f"{why}; git is asked for its objects"))
            reading.ask += _marked(pack.index, marks or b"\1" * len(pack.index))
            continue
        grown.append((pack, forest, chosen(forest, pack.index, marks)))
    _scan(grown, reading, folder, engine, largest, workers, progress)
    return reading


def _only(index: Index, marks: bytes | None, only: frozenset[bytes] | None) -> bytes | None:
    if only is None:
        return marks
    ids = index.ids
    asked = bytes(ids[at : at + 20] in only for at in range(0, len(ids), 20))
    return asked if marks is None else bytes(map(int.__and__, asked, marks))


def _marked(index: Index, marks: bytes) -> list[str]:
    return [index.oid(row) for row, mark in enumerate(marks) if mark]


def _scan(
    grown: Sequence[tuple[Pack, Forest, bytes | None]],
    reading: Reading,
    folder: Path,
    engine: Engine,
    largest: int,
    workers: int,
    progress: Progress | None,
) -> None:
    forests = [forest for _, forest, _ in grown]
    wanted = [slots for _, _, slots in grown]
    parts = shares(forests, wanted)
    harvests = scan_shares(forests, wanted, parts, engine, largest, workers, progress)
    for number, (pack, forest, slots) in enumerate(grown):
        own = [(each, part) for each, part in enumerate(parts) if part.forest == number]
        got = [harvests[each] for each, _ in own if each in harvests]
        lost = [part for each, part in own if each not in harvests]
        _name(pack, forest, slots, got, lost, reading, folder)


def _name(
    pack: Pack,
    forest: Forest,
    slots: bytes | None,
    harvests: Sequence[Harvest],
    lost: Sequence[Share],
    reading: Reading,
    folder: Path,
) -> None:
    """Turn slots into ids."""
    found = [each for harvest in harvests for each in harvest.found]
    large = [each for harvest in harvests for each in harvest.large]
    failed = [slot for harvest in harvests for slot in harvest.failed]
    for share in lost:
        if share.weight <= _SMALL:
            failed += [slot for root in share.roots for slot in below(forest, root)]
        else:
            reading.unread.append(Unread(str(pack.path), f"{share.weight:,} bytes: the process that read them died"))
    if slots is not None:
        failed = [slot for slot in failed if slots[slot]]
    slots_named = {slot for slot, _ in found} | {slot for slot, _ in large} | set(failed)
    rows = pack.index.rows_at([*(forest.at[slot] for slot in slots_named), *forest.foreign])
    names = {slot: pack.index.oid(rows[forest.at[slot]]) for slot in slots_named}
    reading.found += [Found(names[slot], _kind(forest, slot), there, folder) for slot, there in found]
    reading.unread += [
        Unread(f"git object {names[slot]}", f"{size:,} bytes, more than are read") for slot, size in large
    ]
    reading.ask += [names[slot] for slot in failed]
    reading.ask += [pack.index.oid(rows[at]) for at in forest.foreign]
    reading.objects += sum(harvest.objects for harvest in harvests)
    reading.read += sum(harvest.read for harvest in harvests)


def _kind(forest: Forest, slot: int) -> str:
    """Its type is that of the object at the root."""
    while forest.base[slot] != NONE:
        slot = forest.base[slot]
    return KINDS[(forest.pack[forest.at[slot]] >> 4) & 7]
