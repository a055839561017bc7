"""Masked files: inside, a copy without the secret lies over the real file, and editing it is ordinary editing.

An edit in place, or a save by rename, changes the copy; the daemon then turns placeholders back and writes the real
file below, which nothing inside has ever had open. A removal is done for real: that uncovers nothing, because it takes
the file's name away. If the name comes back it is an ordinary file that holds placeholders; it is turned back when the
session has ended, never earlier, or a descriptor kept open inside would read the secret.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Callable
from typing import NamedTuple

from yett.sandbox import beneath, kernel
from yett.sandbox.notify import Path, Place, Replacements

_IN_CLOSE_WRITE = 0x8
_IN_NEW_NAME = 0x80 | 0x100
"""IN_MOVED_TO and IN_CREATE."""
_EVENTS = 65536
_EVENT_HEADER = 16


class Overlaid(NamedTuple):
    """A copy bound over a file. Below it on the host lies `base`/`name`, with no link in `name`.

    `changed` carries an edit out; it gets the path and the real file, opened for writing (-1: there is none). Only what
    is `removable` goes away when the sandbox removes it; the rest keeps the kernel's EBUSY.
    """

    path: str
    copy: str
    base: str
    name: str
    changed: Callable[[str, int], None]
    removable: bool = False


class Masks:
    """The overlaid files of one session."""

    def __init__(self, files: tuple[Overlaid, ...], folders: tuple[tuple[str, str], ...] = ()) -> None:
        """`folders` are (path, what is laid over it) of folders that are mounts."""
        self._files = files
        self._removed: set[str] = set()
        self._contents = {file.path: _stamp(file.copy) for file in files}
        self._inotify = kernel.inotify_init() if files else -1
        self._watched = {kernel.inotify_add_watch(self._inotify, file.copy, _IN_CLOSE_WRITE): file for file in files}
        self._stale: set[str] = set()
        # opened before anything inside runs: a directory that the agent renames and replants is not followed
        self._directories = {file.path: at for file in files if (at := _directory_of(file)) >= 0}
        self.places: dict[Place, Overlaid] = {
            _place(self._directories[file.path], file): file for file in files if file.path in self._directories
        }
        self._above: dict[int, list[Overlaid]] = {}
        for file in files:
            self._watch_name(file)
        self.folders: dict[Place, str] = {place: copy for path, copy in folders if (place := _place_of(path))}

    @property
    def any_removable(self) -> bool:
        """Whether removals have to be answered as well: git replaces a tracked file by removing it."""
        return any(file.removable for file in self._files)

    @property
    def descriptor(self) -> int:
        """Readable when a copy was written; -1 without files."""
        return self._inotify

    def replacements(self) -> Replacements:
        return Replacements(self._replace, self._move_away, self._remove, self._remove_folder)

    def take_events(self) -> tuple[Overlaid, ...]:
        """Carry out every copy that was closed after writing. Files that somebody outside replaced are returned.

        Such a file lies open inside until its copy is laid over it again.
        """
        events = os.read(self._inotify, _EVENTS)
        uncovered: dict[str, Overlaid] = {}
        while events:
            watch = int.from_bytes(events[:4], "little")
            length = int.from_bytes(events[12:16], "little")
            name = os.fsdecode(events[_EVENT_HEADER : _EVENT_HEADER + length].rstrip(b"\0"))
            events = events[_EVENT_HEADER + length :]
            if file := self._watched.get(watch):
                self._carry(file)
            for file in self._above.get(watch, ()):
                if os.path.basename(file.name) == name and file.path not in self._removed:
                    uncovered[file.path] = file
        return tuple(uncovered.values())

    def keep_inside(self, file: Overlaid) -> None:
        """From now on edits of this file stay inside: the real one is not what its copy was made from."""
        self._stale.add(file.path)

    def _watch_name(self, file: Overlaid) -> None:
        if (at := self._directories.get(file.path)) is not None:
            watch = kernel.inotify_add_watch(self._inotify, f"/proc/self/fd/{at}", _IN_NEW_NAME)
            self._above.setdefault(watch, []).append(file)

    def finish(self, alone: bool) -> tuple[str, ...]:
        """After the sandbox has ended: what was written without a close, and names that came back after a removal.

        A name that came back lies open to any other sandbox of this workspace, so it gets its secret back only if this
        run was the last (`alone`); the paths of those that did not are returned.
        """
        left = []
        for file in self._files:
            if file.path not in self._removed:
                self._carry(file)
            elif (content := beneath.read(file.base, file.name)) is not None:
                _write(file.copy, content)
                if alone:
                    self._changed(file)
                else:
                    left.append(file.path)
        return tuple(left)

    def _carry(self, file: Overlaid) -> None:
        now = _stamp(file.copy)
        if now != _GONE and now != self._contents[file.path] and file.path not in self._removed | self._stale:
            self._contents[file.path] = now
            self._changed(file)

    def _changed(self, file: Overlaid) -> None:
        try:
            real = beneath.open_regular(self._directories[file.path], os.path.basename(file.name), os.O_RDWR)
        except (OSError, KeyError):
            file.changed(file.path, -1)
            return
        try:
            file.changed(file.path, real)
        finally:
            os.close(real)

    def _replace(self, place: Place, saved: Path) -> int:
        """rename(saved, mounted file): its content into the copy, its name gone."""
        file = self.places[place]
        if not _is_ours(saved.directory):
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
        if not file.removable or not _is_ours(target.directory):
            return -1
        with open(file.copy, "rb") as copy:
            content = copy.read()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(target.name, dir_fd=target.directory)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(target.name, flags, os.stat(file.copy).st_mode & 0o777, dir_fd=target.directory)
        with open(descriptor, "wb") as written:
            written.write(content)
        return self._remove(place)

    def _remove(self, place: Place) -> int:
        """Take the real file's name away, which lifts the mount in every sandbox and uncovers nothing."""
        file = self.places[place]
        if not file.removable:
            return -1
        os.unlink(os.path.basename(file.name), dir_fd=self._directories[file.path])
        self._removed.add(file.path)
        del self.places[place]  # an ordinary name from now on: the kernel answers for it
        return 0

    def _remove_folder(self, place: Place) -> int:
        """Say that it is gone if it is empty. It stays, empty, and lies over whatever an editor would read."""
        return errno.ENOTEMPTY if os.listdir(self.folders[place]) else 0


def _place_of(path: str) -> Place | None:
    try:
        status = os.stat(os.path.dirname(path))
    except OSError:
        return None
    return (status.st_dev, status.st_ino, os.path.basename(path))


def _directory_of(file: Overlaid) -> int:
    try:
        return beneath.open_directory(file.base, os.path.dirname(file.name))
    except OSError:
        return -1  # it does not exist outside: nothing to rename or to carry an edit to


def _place(directory: int, file: Overlaid) -> Place:
    status = os.fstat(directory)
    return (status.st_dev, status.st_ino, os.path.basename(file.name))


def _is_ours(directory: int) -> bool:
    """Whether the caller could write there too: as root we could where it could not."""
    status = os.fstat(directory)
    return status.st_uid == os.geteuid() or bool(status.st_mode & stat.S_IWOTH)


def _read(path: Path) -> bytes | None:
    """Content of a regular file of the sandbox's own; None for anything that the kernel shall answer for."""
    with open(beneath.open_regular(path.directory, path.name, os.O_RDONLY), "rb") as file:
        return file.read() if os.fstat(file.fileno()).st_uid == os.geteuid() else None


def _write(path: str, content: bytes) -> None:
    """In place: the copy is bound, so its inode must stay."""
    descriptor = os.open(path, os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC)
    with open(descriptor, "wb") as file:
        file.write(content)


_GONE = (0, 0)
"""The copy went with the session's folder: nobody inside can take it away, so nobody edited it so."""


def _stamp(path: str) -> tuple[int, int]:
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return _GONE
    return (status.st_mtime_ns, status.st_size)
