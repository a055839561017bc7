"""A disposable process for texts that could hurt the one that parses them.

It may die of its stack, its memory or its time: the caller gets `GrammarError`, the next call another process. One
spare is kept, for a start takes tens of milliseconds and, under load, a second. Calls wait for their turn, and block.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import select
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from enum import Enum

from yett.operations.sql import grammar
from yett.operations.sql.grammar import GrammarError

MEMORY_BYTES = 512 << 20
STACK_BYTES = 256 << 20
"""What 1 MB of the costliest text that is known (63 bytes of stack a byte) needs, four times over."""

SECONDS = 2.0
LARGEST_ANSWER = 8 << 20
"""A megabyte of ordinary INSERT is 5 MB of tree; what nests without end is more, and would hold up everyone."""

_HEAD = struct.Struct("!cBI")
_ANSWER = struct.Struct("!cI")


class WouldWait(Exception):
    """The worker is needed where nobody may wait for it."""


_here = threading.local()


@contextlib.contextmanager
def not_waiting() -> Iterator[None]:
    """Within this, on this thread, the worker raises WouldWait instead of blocking: for event loops."""
    _here.refuses = True
    try:
        yield
    finally:
        _here.refuses = False


class Task(Enum):
    """What the worker is asked for: `Grammar`'s methods."""

    PARSE = b"p"
    SPLIT = b"s"
    BODY = b"b"


class Worker:
    """One process at work and one spare. Safe to call from threads."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._turn = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._spare: subprocess.Popen[bytes] | None = None
        self.deaths = 0

    def parse(self, text: bytes, mode: int = 0) -> bytes:
        """As `Grammar.parse`, but constants are 0 and there are no positions."""
        return self._call(Task.PARSE, text, mode)

    def split(self, text: bytes) -> list[tuple[int, int]]:
        """As `Grammar.split`."""
        return [(offset, length) for offset, length in json.loads(self._call(Task.SPLIT, text, 0))]

    def body(self, text: bytes) -> bytes:
        """As `Grammar.body`."""
        return self._call(Task.BODY, text, 0)

    def close(self) -> None:
        """End both processes."""
        with self._turn:
            for child in (self._child, self._spare):
                _end(child)
            self._child = self._spare = None

    def _call(self, task: Task, text: bytes, mode: int) -> bytes:
        if getattr(_here, "refuses", False):
            raise WouldWait
        if len(text) > grammar.LARGEST:
            raise GrammarError(f"longer than {grammar.LARGEST} bytes")
        with self._turn:
            child = self._ready()
            end = time.monotonic() + self._seconds
            try:
                _send(child, _HEAD.pack(task.value, mode, len(text)) + text, end)
                tag, length = _ANSWER.unpack(_receive(child, _ANSWER.size, end))
                if length > LARGEST_ANSWER:
                    raise EOFError
                answer = _receive(child, length, end)
            except (OSError, EOFError, TimeoutError) as error:
                self._lost(child)
                raise GrammarError("too deep or too long to be read safely") from error
        if tag != b"+":
            raise GrammarError(answer.decode("utf-8", "replace"))
        return answer

    def _ready(self) -> subprocess.Popen[bytes]:
        if self._child is None or self._child.poll() is not None:
            _end(self._child)
            self._child, self._spare = self._spare or _start(), None
        if self._spare is None:
            self._spare = _start()
        return self._child

    def _lost(self, child: subprocess.Popen[bytes]) -> None:
        self.deaths += 1
        _end(child)
        self._child = None


@functools.cache
def worker() -> Worker:
    """The worker of this process."""
    return Worker()


def _start() -> subprocess.Popen[bytes]:
    script = os.path.join(os.path.dirname(__file__), "worker_process.py")
    # -I -S: neither the environment nor site-packages has a say in what it runs.
    command = [sys.executable, "-I", "-S", script, grammar.locate(), str(MEMORY_BYTES), str(STACK_BYTES)]
    child = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={}, bufsize=0
    )
    assert child.stdin is not None
    os.set_blocking(child.stdin.fileno(), False)
    return child


def _end(child: subprocess.Popen[bytes] | None) -> None:
    if child is None:
        return
    child.kill()
    child.wait()
    for pipe in (child.stdin, child.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()


def _send(child: subprocess.Popen[bytes], data: bytes, end: float) -> None:
    assert child.stdin is not None
    pipe, rest = child.stdin.fileno(), memoryview(data)
    while rest:
        if not select.select([], [pipe], [], max(0.0, end - time.monotonic()))[1]:
            raise TimeoutError
        rest = rest[os.write(pipe, rest) :]


def _receive(child: subprocess.Popen[bytes], length: int, end: float) -> bytes:
    assert child.stdout is not None
    pipe, got = child.stdout.fileno(), bytearray()
    while len(got) < length:
        if not select.select([pipe], [], [], max(0.0, end - time.monotonic()))[0]:
            raise TimeoutError
        part = os.read(pipe, min(length - len(got), 1 << 20))
        if not part:
            raise EOFError
        got += part
    return bytes(got)
