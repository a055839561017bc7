"""Share the trees among forked processes: the engine is loaded once, before, and each takes the next share when free.

The numbers of the shares lie in a file whose position all processes have in common, so each number is read once. A
share that was not handed back, because its process died, is left to git. Values travel through pipes only.
"""

from __future__ import annotations

import gc
import mmap
import os
import pickle
import selectors
import signal
import tempfile
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from yett.inventory.history.forest import NONE, Forest
from yett.inventory.history.screening import Engine
from yett.inventory.history.walk import Harvest, Walker
from yett.model.machine import processors

Progress = Callable[[int, int], None]

_ALONE = 4 << 20
"""Packed bytes up to which starting processes takes longer than doing it here."""
_SHARE = 1 << 20
_MOST_SHARES = 4000
_TICK = 0.1
_NUMBER = 4
_COUNTER = 8


@dataclass(frozen=True, slots=True)
class Share:
    """Some trees of one forest. `weight` in packed bytes."""

    forest: int
    roots: array[int]
    weight: int


def shares(forests: Sequence[Forest], chosen: Sequence[bytes | None]) -> list[Share]:
    """Cut the forests into shares, the heaviest first. `chosen`: a byte a slot, 0 for what need not be scanned."""
    weights = [_weights(forest) for forest in forests]
    total = sum(sum(forest.to) - sum(forest.at) for forest in forests)
    least = max(_SHARE, total // _MOST_SHARES)
    made: list[Share] = []
    for number, (forest, each, keep) in enumerate(zip(forests, weights, chosen, strict=True)):
        roots, weight = array("I"), 0
        for root in forest.roots():
            if keep is not None and not keep[root]:
                continue
            roots.append(root)
            weight += each[root]
            if weight >= least:
                made.append(Share(number, roots, weight))
                roots, weight = array("I"), 0
        if roots:
            made.append(Share(number, roots, weight))
    return sorted(made, key=lambda share: -share.weight)


def _weights(forest: Forest) -> array[int]:
    """Of each slot with everything below it. Bases come first, but for a few REF_DELTA: good enough for balance."""
    weights = array("Q", map(int.__sub__, forest.to, forest.at))
    for slot in range(len(forest) - 1, -1, -1):
        base = forest.base[slot]
        if base != NONE:
            weights[base] += weights[slot]
    return weights


def scan_shares(
    forests: Sequence[Forest],
    chosen: Sequence[bytes | None],
    parts: Sequence[Share],
    engine: Engine,
    largest: int,
    workers: int = 0,
    progress: Progress | None = None,
) -> dict[int, Harvest]:
    """What came of each share, by its number. A share that is missing was lost with its process."""
    total = sum(part.weight for part in parts)
    count = min(workers or processors(), len(parts))
    work = _Work(forests, chosen, parts, engine, largest)
    if count < 2 or total < _ALONE:
        return dict(_here(work, progress, total))
    return _forked(work, count, progress, total)


@dataclass(frozen=True, slots=True)
class _Work:
    forests: Sequence[Forest]
    chosen: Sequence[bytes | None]
    parts: Sequence[Share]
    engine: Engine
    largest: int

    def done(self, number: int, report: Callable[[int], None]) -> Harvest:
        part = self.parts[number]
        walker = Walker(self.forests[part.forest], self.engine, self.largest, report, self.chosen[part.forest])
        return walker.scan(part.roots)


def _here(work: _Work, progress: Progress | None, total: int) -> Iterator[tuple[int, Harvest]]:
    done = 0

    def report(packed: int) -> None:
        nonlocal done
        done += packed
        if progress is not None:
            progress(min(done, total), total)

    for number in range(len(work.parts)):
        yield number, work.done(number, report)


def _forked(work: _Work, count: int, progress: Progress | None, total: int) -> dict[int, Harvest]:
    counters = mmap.mmap(-1, count * _COUNTER)
    children: dict[int, int] = {}
    try:
        with tempfile.TemporaryFile(buffering=0) as queue:
            queue.write(b"".join(number.to_bytes(_NUMBER, "little") for number in range(len(work.parts))))
            queue.seek(0)
            for place in range(count):
                pid, answers = _start(work, queue.fileno(), counters, place, tuple(children.values()))
                children[pid] = answers
        return _gather(tuple(children.values()), lambda: _tell(counters, progress, total))
    finally:
        for pid, answers in children.items():
            os.close(answers)
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        counters.close()


def _tell(counters: mmap.mmap, progress: Progress | None, total: int) -> None:
    if progress is not None:
        progress(min(total, sum(memoryview(counters).cast("Q"))), total)


def _start(work: _Work, queue: int, counters: mmap.mmap, place: int, others: Sequence[int]) -> tuple[int, int]:
    """One process, and where its answers come from."""
    answers, speak = os.pipe()
    pid = os.fork()
    if pid:
        os.close(speak)
        return pid, answers
    try:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        gc.disable()  # it would write into every page that is shared with the parent
        for each in (answers, *others):
            os.close(each)
        _serve(work, queue, speak, memoryview(counters).cast("Q"), place)
    except BaseException:  # noqa: BLE001  # a share that is not handed back says it all; nothing of the parent may run
        os._exit(1)
    os._exit(0)


def _serve(work: _Work, queue: int, speak: int, counters: memoryview, place: int) -> None:
    def report(packed: int) -> None:
        counters[place] += packed

    with open(speak, "wb", buffering=0) as out:
        while raw := os.read(queue, _NUMBER):
            number = int.from_bytes(raw, "little")
            answer = pickle.dumps((number, work.done(number, report)))
            message = len(answer).to_bytes(_COUNTER, "little") + answer
            while message:
                message = message[out.write(message) :]


def _gather(answers: Sequence[int], tick: Callable[[], None]) -> dict[int, Harvest]:
    """Read what the processes say until all are silent."""
    heard = {each: bytearray() for each in answers}
    found: dict[int, Harvest] = {}
    with selectors.DefaultSelector() as selector:
        for each in answers:
            selector.register(each, selectors.EVENT_READ)
        while selector.get_map():
            for key, _ in selector.select(_TICK):
                piece = os.read(key.fd, 1 << 20)
                if not piece:
                    selector.unregister(key.fd)
                heard[key.fd] += piece
                found.update(_whole(heard[key.fd]))
            tick()
    return found


def _whole(heard: bytearray) -> Iterator[tuple[int, Harvest]]:
    """The messages that are complete, taken out."""
    while len(heard) >= _COUNTER:
        size = int.from_bytes(heard[:_COUNTER], "little")
        if len(heard) < _COUNTER + size:
            return
        number, harvest = pickle.loads(heard[_COUNTER : _COUNTER + size])  # from our own process, over our own pipe
        del heard[: _COUNTER + size]
        yield number, harvest
