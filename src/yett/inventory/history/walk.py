"""Scan delta trees: roots whole, everything below by what its delta changes.

Why that finds the same as scanning every object whole: let an object have a hit, together with all that decides about
it (`Engine.reach`). If no change lies within reach of it, then the same bytes stand in the object's base with the same
surroundings, so the base has the hit. Hence what is below a base with a hit is scanned whole, and so is what is below
a base where a rule that looks further than `reach` was touched. In every other object a hit is within reach of a
change, the screen sees it there, and the detector is then given the whole object.

Bytes to screen are gathered from many objects and screened at once. Only after that it is known how the children of
these objects must be scanned, so children wait for it.
"""

from __future__ import annotations

import mmap
import struct
import zlib
from collections.abc import Callable, Iterable, Set
from dataclasses import dataclass, field

from yett.inventory.history.delta import SEPARATOR, Broken, changes, changes_in, pieces, resolve, sizes
from yett.inventory.history.forest import NONE, OFS_DELTA, REF_DELTA, Forest
from yett.inventory.history.screening import Engine, Spot, spots

BATCH = 128 << 10
"""Bytes screened at once: more would leave the processor's cache."""
_HELD = 48 << 20
"""Bytes of bases kept while their children wait. Beyond it a base is made again when its turn comes."""
_DENSE = 256 << 10
"""A delta of so many bytes is resolved first: a hostile one could name a kilobyte of changes with each of them."""
_EXPANDS = 1032
"""zlib's largest ratio: what is smaller than this cannot inflate beyond a limit."""


@dataclass(slots=True)
class Harvest:
    """What came of some trees. Slots are the forest's. `failed` must be asked of git."""

    found: list[tuple[int, tuple[Spot, ...]]] = field(default_factory=list)
    failed: list[int] = field(default_factory=list)
    large: list[tuple[int, int]] = field(default_factory=list)
    objects: int = 0
    read: int = 0


@dataclass(frozen=True, slots=True)
class _Item:
    """An object while it waits: `window` for the screen, then the object for its children's turn.

    `content` None: nobody needed it yet, or it was let go; it can be made again from `base` and `delta`.
    """

    slot: int
    window: bytes
    content: bytes | None
    base: bytes = b""
    delta: bytes = b""

    def made(self) -> bytes:
        if self.content is not None:
            return self.content
        return resolve(self.base, self.delta)


class Walker:
    """Scans trees of one forest and gathers what it finds. Not for several threads.

    `largest`: objects above so many bytes are not looked into. `chosen`: a byte a slot, 0 for what may be passed over
    with everything below it. `report` is told packed bytes as they are done.
    """

    def __init__(
        self,
        forest: Forest,
        engine: Engine,
        largest: int,
        report: Callable[[int], None],
        chosen: bytes | None = None,
    ) -> None:
        self.harvest = Harvest()
        self._forest = forest
        self._view = memoryview(forest.pack)
        self._engine = engine
        self._reach, self._long = engine.reach, frozenset(engine.long)
        self._largest = largest
        self._report = report
        self._chosen = chosen
        self._waiting: list[_Item] = []
        self._gathered = 0
        self._ready: list[tuple[_Item, bool]] = []
        self._held = 0

    def scan(self, roots: Iterable[int]) -> Harvest:
        """Scan the trees of these roots, all the way down."""
        for root in roots:
            self._root(root)
            while self._ready:
                self._children(*self._ready.pop())
        while self._waiting:
            self._flush()
            while self._ready:
                self._children(*self._ready.pop())
        return self.harvest

    def _root(self, slot: int) -> None:
        try:
            content = self._inflate(slot)
        except _LOST as problem:
            self._lose(slot, problem)
            return
        self._wait(_Item(slot, content, content), len(content))

    def _children(self, item: _Item, tainted: bool) -> None:
        """Everything that starts from this object. Tainted: it is scanned whole."""
        first, after = self._forest.first, self._forest.after
        try:
            base = item.made()
        except _LOST as problem:
            self._lose(item.slot, problem)
            return
        if item.content is not None:
            self._held -= len(base)
        chosen = self._chosen
        slot = first[item.slot]
        while slot != NONE:
            if chosen is None or chosen[slot]:
                try:
                    self._child(slot, base, tainted)
                except _LOST as problem:
                    self._lose(slot, problem)
            slot = after[slot]

    def _child(self, slot: int, base: bytes, tainted: bool) -> None:
        delta = self._inflate(slot)
        expected, size, at = sizes(delta)
        if expected != len(base):
            raise Broken("a delta of another base")
        if size > self._largest:
            raise _TooLarge(size)
        content: bytes | None = None
        if tainted:
            window = content = resolve(base, delta)
        elif self._forest.first[slot] == NONE and len(delta) <= _DENSE:
            window = changes(base, delta, at, self._reach)
        else:
            made = pieces(base, delta, at, size)
            window = changes_in(made, base, self._reach)
            content = b"".join(made)
            if len(content) != size:
                raise Broken("a delta that does not fit its base")
        self._wait(_Item(slot, window, content, base, delta), size)

    def _wait(self, item: _Item, size: int) -> None:
        """Line up for the screen; a full batch is screened at once."""
        self.harvest.objects += 1
        self.harvest.read += size
        self._waiting.append(item)
        self._gathered += len(item.window)
        if item.content is not None:
            self._held += size
        if self._gathered > BATCH or self._held > _HELD:
            self._flush()

    def _flush(self) -> None:
        """Screen what waits, look closer where the screen saw something, and call up the children."""
        items, self._waiting, self._gathered = self._waiting, [], 0
        touches, first = self._engine.touches, self._forest.first
        touched = touches(SEPARATOR.join([item.window for item in items]))
        for item in items:
            ids = touches(item.window) if touched and len(items) > 1 else touched
            tainted = self._look(item, ids) if ids else False
            if first[item.slot] != NONE:
                self._ready.append((self._lightened(item), tainted))
            elif item.content is not None:
                self._held -= len(item.content)
        self._forest.pack.madvise(mmap.MADV_DONTNEED)  # or all that was read of it would count as this process's
        self._report(sum(self._forest.to[item.slot] - self._forest.at[item.slot] for item in items))

    def _look(self, item: _Item, ids: Set[int]) -> bool:
        """Give the object to the detector. Whether its children must be scanned whole.

        Of an object that is judged by its changes, these come first: mostly the screen said too much, and there is
        nothing in them.
        """
        far = not self._long.isdisjoint(ids)
        if not far and item.window is not item.content and not any(True for _ in self._engine.hits(item.window)):
            return False
        try:
            there = spots(self._engine, item.made())
        except _LOST as problem:
            self._lose(item.slot, problem)
            return True
        if there:
            self.harvest.found.append((item.slot, there))
        return bool(there) or far

    def _lightened(self, item: _Item) -> _Item:
        """What is kept of it until its children's turn: without its content if too much is kept already."""
        if self._held <= _HELD or item.content is None or not item.delta:
            return _Item(item.slot, b"", item.content, item.base, item.delta)
        self._held -= len(item.content)
        return _Item(item.slot, b"", None, item.base, item.delta)

    def _inflate(self, slot: int) -> bytes:
        """An entry's data: a root's content, or a delta."""
        pack = self._forest.pack
        at, to = self._forest.at[slot], self._forest.to[slot]
        byte = pack[at]
        kind, size, shift = (byte >> 4) & 7, byte & 15, 4
        while byte > 127:
            at += 1
            byte = pack[at]
            size |= (byte & 127) << shift
            shift += 7
        at += 1
        if kind == OFS_DELTA:
            while pack[at] > 127:
                at += 1
            at += 1
        elif kind == REF_DELTA:
            at += 20
        if size > self._largest:
            raise _TooLarge(size)
        if (to - at) * _EXPANDS > self._largest:
            data = zlib.decompressobj().decompress(self._view[at:to], size + 1)
        else:
            data = zlib.decompress(self._view[at:to], 15, size or 1)
        if len(data) != size:
            raise Broken("an entry of another size than its header says")
        return data

    def _lose(self, slot: int, problem: Exception) -> None:
        """Leave an object to git, and everything below it, unless it is only too large."""
        if isinstance(problem, _TooLarge):
            self.harvest.large.append((slot, problem.size))
            self.harvest.failed += below(self._forest, slot)[1:]
        else:
            self.harvest.failed += below(self._forest, slot)


def below(forest: Forest, slot: int) -> list[int]:
    """The slot and all its descendants."""
    found = [slot]
    for each in found:
        child = forest.first[each]
        while child != NONE:
            found.append(child)
            child = forest.after[child]
    return found


class _TooLarge(Exception):
    """Not looked into: `size` bytes."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.size = size


_LOST = (Broken, IndexError, struct.error, zlib.error, _TooLarge)
