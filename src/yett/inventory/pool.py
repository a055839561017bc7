"""Forked workers that outlive what they read: a file that kills one is tried alone, and then named.

The parent hands out batches as workers ask for them, and never blocks on either side: two batches on their way are less
than a pipe holds. Values travel over pipes between processes of one scan, and nowhere else.
"""

from __future__ import annotations

import gc
import os
import pickle
import selectors
import signal
import struct
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

R = TypeVar("R")
Batch = list[str]

_HEAD = struct.Struct("<I")
_AHEAD = 2
"""Batches that a worker has before it: one in work, one waiting."""
BATCH_BYTES = 16 << 10


@dataclass
class _Worker:
    pid: int
    tasks: int
    results: int
    buffer: bytearray = field(default_factory=bytearray)
    given: deque[Batch] = field(default_factory=deque)


class Pool(Generic[R]):
    """`work` runs in the workers, on a batch of names at a time. `lost` makes the answer for a name that killed one."""

    def __init__(self, work: Callable[[Batch], R], lost: Callable[[str], R], workers: int) -> None:
        self._work = work
        self._lost = lost
        self._count = workers
        self._again: deque[Batch] = deque()
        self._workers: dict[int, _Worker] = {}
        self._selector = selectors.DefaultSelector()

    def answers(self, batches: Iterator[Batch]) -> Iterator[R]:
        """The answers to all batches, in no order."""
        try:
            for _ in range(self._count):
                self._start()
            source: Iterator[Batch] | None = batches
            while source is not None or self._again or any(each.given for each in self._workers.values()):
                source = self._feed(source)
                yield from self._receive()
        finally:
            self._stop()

    def _feed(self, source: Iterator[Batch] | None) -> Iterator[Batch] | None:
        for worker in self._workers.values():
            while len(worker.given) < _AHEAD:
                batch = self._again.popleft() if self._again else next(source, None) if source is not None else None
                if batch is None:
                    return None
                worker.given.append(batch)
                _send(worker.tasks, batch)
        return source

    def _receive(self) -> Iterator[R]:
        for key, _ in self._selector.select(timeout=1):
            worker: _Worker = key.data
            content = os.read(worker.results, 1 << 20)
            if not content:
                yield from self._buried(worker)
                continue
            worker.buffer += content
            for answer in _frames(worker.buffer):
                worker.given.popleft()
                yield answer

    def _buried(self, worker: _Worker) -> Iterator[R]:
        """A worker died. What it had is done again name by name; a name that was alone is lost."""
        self._forget(worker)
        if worker.given:
            first = worker.given.popleft()
            if len(first) == 1:
                yield self._lost(first[0])
            else:
                self._again.extend([name] for name in first)
            self._again.extend(worker.given)
        self._start()

    def _start(self) -> None:
        tasks_read, tasks_write = os.pipe()
        results_read, results_write = os.pipe()
        pid = os.fork()
        if pid == 0:
            for other in self._workers.values():
                os.close(other.tasks)
                os.close(other.results)
            os.close(tasks_write)
            os.close(results_read)
            _serve(self._work, tasks_read, results_write)
        os.close(tasks_read)
        os.close(results_write)
        worker = _Worker(pid, tasks_write, results_read)
        self._workers[pid] = worker
        self._selector.register(results_read, selectors.EVENT_READ, worker)

    def _forget(self, worker: _Worker) -> None:
        self._selector.unregister(worker.results)
        os.close(worker.tasks)
        os.close(worker.results)
        os.waitpid(worker.pid, 0)
        del self._workers[worker.pid]

    def _stop(self) -> None:
        for worker in list(self._workers.values()):
            if worker.given:
                os.kill(worker.pid, signal.SIGKILL)
            self._forget(worker)
        self._selector.close()


def _serve(work: Callable[[Batch], Any], tasks: int, results: int) -> None:  # Any: whatever the caller's work gives
    """A worker's life: it ends without running anything of the parent's."""
    status = 1
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        gc.freeze()  # what the parent had is no garbage, and looking for some would copy its pages
        with open(tasks, "rb") as incoming:
            while len(head := incoming.read(_HEAD.size)) == _HEAD.size:
                _send(results, work(pickle.loads(incoming.read(_HEAD.unpack(head)[0]))))
        status = 0
    finally:
        os._exit(status)


def _send(descriptor: int, value: object) -> None:
    content = pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
    view = memoryview(_HEAD.pack(len(content)) + content)
    try:
        while view:
            view = view[os.write(descriptor, view) :]
    except BrokenPipeError:
        pass  # it died: its end of the other pipe says so


def _frames(buffer: bytearray) -> Iterator[Any]:  # Any: see _serve
    while len(buffer) >= _HEAD.size:
        size = _HEAD.unpack_from(buffer)[0]
        if len(buffer) < _HEAD.size + size:
            return
        yield pickle.loads(memoryview(buffer)[_HEAD.size : _HEAD.size + size].tobytes())
        del buffer[: _HEAD.size + size]


def batches(names: Iterator[str], most: int = 256) -> Iterator[Batch]:
    """Names in batches that fit twice into a pipe."""
    batch: Batch = []
    size = 0
    for name in names:
        batch.append(name)
        size += len(name) + 8
        if len(batch) >= most or size > BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
