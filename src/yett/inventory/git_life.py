"""A git that does nothing any more is ended: a pipe among the files of a repository makes it wait for ever.

There is no limit to how long git may work: only to how long it may show no sign of life. `git_places` names a pipe that
lies in git's own folder before git starts; this is for one that a configuration names, or that is made meanwhile.
"""

from __future__ import annotations

import contextlib
import io
import os
import select
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING

from yett.model.errors import YettError
from yett.model.visible import visible

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

PATIENCE = 10.0
"""Seconds without a tick of the processor, a byte read or written, or a wait for a disk."""
LONGEST = 600.0
"""Seconds in all, where the system does not tell what a process does (macOS)."""
_LOOK = 0.5
_PROC = "/proc"
_STATE, _PARENT, _USER, _SYSTEM = 0, 1, 11, 12


class GitStalled(YettError):
    """git waits for something that does not come."""


class Life:
    """Whether a process or one of its children still does something. Nothing is looked at before `_LOOK` has passed."""

    def __init__(self, process: subprocess.Popen[bytes], folder: Path, beside: Sequence[int] = ()) -> None:
        """`beside`: processes that it waits for."""
        self.process = process
        self._folder = folder
        self._pids = (process.pid, *beside)
        self.begin()

    def begin(self) -> None:
        """From now on somebody waits for it."""
        self._sign: object = None
        self._since = time.monotonic()

    def check(self) -> None:
        """Raises GitStalled: it is ended then."""
        told = os.path.exists(f"{_PROC}/self/stat")
        sign, now = _sign(self._pids) if told else 0, time.monotonic()
        if sign is None or sign != self._sign:
            self._sign, self._since = sign, now
        elif now - self._since >= (PATIENCE if told else LONGEST):
            self.end()
            self._refuse()

    def _refuse(self) -> None:
        """Raises GitStalled, of which StrangeRepository says what git waits for."""
        from yett.inventory.git_places import refuse_strange  # it imports this

        refuse_strange(self._folder)
        raise GitStalled(
            f"git waits for ever in {visible(str(self._folder))}",
            "find what is no file among those that its configuration and .gitattributes name: a pipe, a dead network",
        )

    def end(self) -> None:
        """Kill it and what it started. It is not waited for where not even that helps."""
        for pid in _family([self.process.pid]) if os.path.exists(_PROC) else [self.process.pid]:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(_LOOK)


class Running:
    """A command that works while its caller does something else; `answer` waits for it."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str],
        stdin: bytes | IO[bytes] | None = None,
        beside: Sequence[int] = (),
    ) -> None:
        self._feed = stdin if isinstance(stdin, bytes) else None
        source = subprocess.PIPE if isinstance(stdin, bytes) else stdin
        self._process = subprocess.Popen(
            command, cwd=cwd, env=env, stdin=source, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        self._life = Life(self._process, cwd, beside)

    def answer(self) -> subprocess.CompletedProcess[bytes]:
        """What `subprocess.run` with captured output gives; once.

        Raises:
            GitStalled: it showed no sign of life.
        """
        process, feed = self._process, self._feed
        self._life.begin()
        try:
            while True:
                try:
                    said, told = process.communicate(feed, timeout=_LOOK)
                    return subprocess.CompletedProcess(process.args, process.returncode, said, told)
                except subprocess.TimeoutExpired:
                    feed = None  # it is kept where it was left
                    self._life.check()
        finally:
            if process.poll() is None:
                self._life.end()
            for pipe in (process.stdin, process.stdout, process.stderr):
                if pipe is not None:
                    with contextlib.suppress(OSError):
                        pipe.close()


def run(
    command: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    stdin: bytes | IO[bytes] | None = None,
    beside: Sequence[int] = (),
) -> subprocess.CompletedProcess[bytes]:
    """What `subprocess.run` with captured output does.

    Raises:
        GitStalled: it showed no sign of life.
    """
    return Running(command, cwd=cwd, env=env, stdin=stdin, beside=beside).answer()


def patient(life: Life) -> IO[bytes]:
    """The output of a process, buffered; reading it raises GitStalled instead of waiting for ever."""
    return io.BufferedReader(_Output(life), 1 << 20)


class _Output(io.RawIOBase):
    def __init__(self, life: Life) -> None:
        assert life.process.stdout is not None
        self._life = life
        self._pipe = life.process.stdout
        self._ready = select.poll()
        self._ready.register(self._pipe, select.POLLIN)

    def readable(self) -> bool:
        return True

    def readinto(self, into: WriteableBuffer) -> int:
        self._life.begin()
        while not self._ready.poll(_LOOK * 1000):
            self._life.check()
        return os.readv(self._pipe.fileno(), [into])

    def close(self) -> None:
        self._pipe.close()
        super().close()


def _family(pids: Sequence[int]) -> dict[int, list[bytes]]:
    """/proc/PID/stat behind the name, proc(5), of these processes and of all that they started."""
    stats = {int(name): fields for name in os.listdir(_PROC) if name.isdigit() and (fields := _stat(name))}
    found = {pid: stats[pid] for pid in pids if pid in stats}
    while more := {pid: row for pid, row in stats.items() if pid not in found and int(row[_PARENT]) in found}:
        found |= more
    return found


def _stat(pid: str) -> list[bytes]:
    try:
        with open(f"{_PROC}/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()
    except OSError:
        return []  # it has just ended


def _sign(pids: Sequence[int]) -> object:
    """What changes while one of them works; None: one works now."""
    family = _family(pids)
    if any(row[_STATE] in (b"R", b"D") for row in family.values()):
        return None
    return tuple((pid, row[_USER], row[_SYSTEM], _moved(pid)) for pid, row in family.items())


def _moved(pid: int) -> bytes:
    """Bytes that it read and wrote; nothing of a process in another sandbox."""
    try:
        with open(f"{_PROC}/{pid}/io", "rb") as file:
            return file.read()
    except OSError:
        return b""
