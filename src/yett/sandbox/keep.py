"""Move what an agent made out of the way, without losing it."""

from __future__ import annotations

import os

from yett.sandbox import beneath


def move(root: str, relative: str, target: str) -> bool:
    """Rename `root`/`relative` to the first free name from `target` on, across file systems too.

    False: it is not there, or there is a link on the way to it. The last component may be a link; it is moved itself.
    """
    above, name = os.path.split(relative)
    try:
        with beneath.directory(root, above) as at:
            os.stat(name, dir_fd=at, follow_symlinks=False)
            _rename(os.path.join(root, relative), at, name, _free(target))
    except OSError:
        return False
    return True


def _free(target: str) -> str:
    os.makedirs(os.path.dirname(target), mode=0o700, exist_ok=True)
    free, number = target, 1
    while os.path.lexists(free):
        number += 1
        free = f"{target}.{number}"
    return free


def _rename(path: str, at: int, name: str, free: str) -> None:
    try:
        os.rename(name, free, src_dir_fd=at)
    except OSError:  # another file system
        import shutil

        shutil.move(path, free)
