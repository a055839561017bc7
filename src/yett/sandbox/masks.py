"""Masked files: inside, a copy without the secret lies over the real file, and editing it is ordinary editing.

An edit in place, or a save by rename, changes the copy; the daemon then turns placeholders back and writes the real
file below, which nothing inside has ever had open. A removal is done for real: that uncovers nothing, because it takes
the file's name away. If the name comes back it is an ordinary file that holds placeholders; it is turned back when the
session has ended, never earlier, or a descriptor kept open inside would read the secret.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from typing import NamedTuple

from yett.sandbox import kernel
from yett.sandbox.notify import Path, Place, Replacements

_IN_CLOSE_WRITE = 0x8
_IN_NONBLOCKING_READ = 65536
_MAX_SIZE = 64 << 20
_EVENT_HEADER = 16


class Overlaid(NamedTuple):
    """A copy bound over a file. `real` is what lies below it on the host; `changed` carries an edit out.

    Only what is `removable` goes away when the sandbox removes it; the rest keeps the kernel's EBUSY.
    """

    path: str
    copy: str
    real: str
    changed: Callable[[str], None]
    removable: bool = False


class Masks:
    """The overlaid files of one session."""

    def __init__(self, files: tuple[Overlaid, ...]) -> None:
        self._files = files
        self._removed: set[str] = set()
        self._contents = {file.path: _stamp(file.copy) for file in files}
        self._inotify = kernel.inotify_init() if files else -1
        self._watched = {kernel.inotify_add_watch(self._inotify, file.copy, _IN_CLOSE_WRITE): file for file in files}
        self.places: dict[Place, Overlaid] = {place: file for file in files if (place := _place(file.real))}

    @property
    def any_removable(self) -> bool:
        """Whether removals have to be answered as well: git replaces a tracked file by removing it."""
        return any(file.removable for file in self._files)

    @property
    def descriptor(self) -> int:
        """Readable when a copy was written; -1 without files."""
        return self._inotify

    def replacements(self) -> Replacements:
        return Replacements(self._replace, self._move_away, self._remove)

    def carry_written(self) -> None:
        """Carry out every copy that was closed after writing."""
        events = os.read(self._inotify, _IN_NONBLOCKING_READ)
        while events:
            watch = int.from_bytes(events[:4], "little")
            length = int.from_bytes(events[12:16], "little")
            events = events[_EVENT_HEADER + length :]
            if file := self._watched.get(watch):
                self._carry(file)

    def finish(self) -> None:
        """After the sandbox has ended: what was written without a close, and names that came back after a removal."""
        for file in self._files:
            if file.path in self._removed:
                self._take_back(file)
            else:
                self._carry(file)

    def _carry(self, file: Overlaid) -> None:
        if file.path not in self._removed and self._contents[file.path] != (now := _stamp(file.copy)):
            self._contents[file.path] = now
            file.changed(file.path)

    def _replace(self, place: Place, saved: Path) -> int:
        """rename(saved, mounted file): its content into the copy, its name gone."""
        file = self.places[place]
        if file.path in self._removed:
            return -1
        content = _read(saved)
        if content is None:
            return -1
        _write(file.copy, content)
        os.unlink(saved.name, dir_fd=saved.directory)
        self._carry(file)
        return 0

    def _move_away(self, place: Place, target: Path) -> int:
        """rename(mounted file, target): the masked content becomes an ordinary file, the real one goes."""
        file = self.places[place]
        if file.path in self._removed or not file.removable:
            return -1
        with open(file.copy, "rb") as copy:
            content = copy.read()
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(target.name, flags, os.stat(file.copy).st_mode & 0o777, dir_fd=target.directory)
        with open(descriptor, "wb") as written:
            written.write(content)
        return self._remove(place)

    def _remove(self, place: Place) -> int:
        file = self.places[place]
        if file.path in self._removed or not file.removable:
            return -1
        os.unlink(file.real)
        self._removed.add(file.path)
        return 0

    def _take_back(self, file: Overlaid) -> None:
        try:
            if not stat.S_ISREG(os.lstat(file.real).st_mode):
                return
        except FileNotFoundError:
            return
        with open(file.real, "rb") as reading:
            _write(file.copy, reading.read(_MAX_SIZE))
        file.changed(file.path)


def _place(path: str) -> Place | None:
    try:
        status = os.stat(os.path.dirname(path))
    except OSError:
        return None
    return (status.st_dev, status.st_ino, os.path.basename(path))


def _read(path: Path) -> bytes | None:
    """Content of a regular file of the sandbox's own; None for anything that the kernel shall answer for."""
    descriptor = os.open(path.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=path.directory)
    with open(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        # as root we could read what the caller could not
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid() or status.st_size > _MAX_SIZE:
            return None
        return file.read()


def _write(path: str, content: bytes) -> None:
    """In place: the copy is bound, so its inode must stay."""
    descriptor = os.open(path, os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC)
    with open(descriptor, "wb") as file:
        file.write(content)


def _stamp(path: str) -> tuple[int, int]:
    try:
        status = os.stat(path)
    except OSError as error:
        if error.errno != errno.ENOENT:
            raise
        return (0, 0)
    return (status.st_mtime_ns, status.st_size)
