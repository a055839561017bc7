"""Folders for a dump in clear, which pg_dump and pg_restore need on disk: only Yett reads them, and none outlives it.

A folder is locked for as long as its process lives, and the kernel lets go of the lock however that ends: what is not
locked was left by one that was killed.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

_PREFIX = "yett-dump-"
_JUST_MADE_S = 60.0
"""A younger folder may not have been locked yet."""


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """A folder of mode 0700 that is gone at the end."""
    with tempfile.TemporaryDirectory(prefix=_PREFIX) as name, _opened(Path(name)) as folder:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield Path(name)


def sweep() -> int:
    """Remove what killed processes of this user left; how many folders that were. One that resists is left."""
    removed = 0
    for path in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            removed += _swept(path)
    return removed


def _swept(path: Path) -> bool:
    with _opened(path) as folder:
        status = os.fstat(folder)
        if status.st_uid != os.geteuid() or time.time() - status.st_ctime < _JUST_MADE_S:
            return False
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(path)
        return True


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
