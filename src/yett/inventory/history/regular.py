"""Read a file of a repository that anyone may have made: a pipe among its objects must not make a scan wait."""

from __future__ import annotations

import os
import stat
from pathlib import Path


def regular(path: Path, most: int) -> bytes:
    """The content.

    Raises:
        OSError: it cannot be read, is no regular file, or has more bytes than that.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:
        about = os.fstat(descriptor)
        if not stat.S_ISREG(about.st_mode):
            raise OSError(0, "no regular file")
        if about.st_size > most:
            raise OSError(0, f"larger than {most >> 20} MB")
        return file.read()
