"""Open and write files in a directory that an agent may have written to, never following a link out of it.

What runs outside would otherwise be the agent's hand: a link planted in one session would make the next supervisor read
or overwrite a file of the person's. Every component is opened by its own name, relative to the one before.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_DIRECTORY = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
MAX_SIZE = 64 << 20


def open_directory(root: str, relative: str, make: bool = False) -> int:
    """A descriptor (O_PATH) of `root`/`relative`; the caller closes it. `make` creates what is missing, mode 0700,
    and puts a directory in place of a link.

    Raises OSError: a component is missing, a link, or no directory.
    """
    at = os.open(root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    for name in relative.split("/"):
        if name in ("", "."):
            continue
        try:
            if name == "..":
                raise OSError(errno.EXDEV, "a path that leaves its directory", relative)
            if make:
                _make(at, name)
            following = os.open(name, _DIRECTORY, dir_fd=at)
        finally:
            os.close(at)
        at = following
    return at


def directory_made(root: str, relative: str) -> None:
    """Make a directory and those above it."""
    os.makedirs(root, mode=0o700, exist_ok=True)
    os.close(open_directory(root, relative, make=True))


@contextmanager
def directory(root: str, relative: str, make: bool = False) -> Iterator[int]:
    descriptor = open_directory(root, relative, make)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def read(root: str, relative: str) -> bytes | None:
    """Content of a regular file; None if it is missing, something else, behind a link, or too large."""
    above, name = os.path.split(relative)
    try:
        with directory(root, above) as at, open(open_regular(at, name, os.O_RDONLY), "rb") as file:
            return file.read()
    except OSError:
        return None


def write(root: str, relative: str, content: bytes, mode: int = 0o600) -> None:
    """Write a new file in place of whatever has the name, unless that is a directory. Raises OSError."""
    above, name = os.path.split(relative)
    with directory(root, above, make=True) as at:
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=at)
        descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode, dir_fd=at)
        with open(descriptor, "wb") as file:
            file.write(content)


def modified(at: int, name: str) -> int:
    """When a file was last written, in nanoseconds; 0 if it does not exist."""
    try:
        return os.stat(name, dir_fd=at, follow_symlinks=False).st_mtime_ns
    except FileNotFoundError:
        return 0


def open_regular(at: int, name: str, flags: int) -> int:
    """Open a regular file by its name in a directory. Raises OSError: it is a link, a pipe, a device, or too large."""
    descriptor = os.open(name, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=at)
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or status.st_size > MAX_SIZE:
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a regular file, or too large", name)
    return descriptor


def _make(at: int, name: str) -> None:
    try:
        os.mkdir(name, 0o700, dir_fd=at)
    except FileExistsError:
        if stat.S_ISLNK(os.stat(name, dir_fd=at, follow_symlinks=False).st_mode):
            os.unlink(name, dir_fd=at)
            os.mkdir(name, 0o700, dir_fd=at)
