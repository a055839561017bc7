"""A tree that is listed again and again: where there is no inotify, where its watches are used up, and after a loss.

Compared are inode, size and change time (ctime): unlike the modification time, no program sets it to what it likes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from yett.inventory.watching.folders import inside
from yett.inventory.watching.notified import Noticed

SLACK_NS = 2 * 10**9
"""A change time is as coarse as the kernel's tick, on some network file systems a second."""

_Stamp = tuple[int, int, int]


class Polled:
    """What the tree looked like. The first `read` gives what changed at or after `since` (ns)."""

    def __init__(self, root: str, since: int) -> None:
        self._root = root
        self._since: int | None = since
        self._stamps: dict[str, _Stamp] = {}

    def __len__(self) -> int:
        return len(self._stamps)

    def read(self) -> Noticed:
        noticed = Noticed()
        before, self._stamps = self._stamps, {}
        for path in below(self._root):
            stamp = _stamp(path)
            if stamp is None:
                continue
            self._stamps[path] = stamp
            if self._since is not None:
                if stamp[2] >= self._since - SLACK_NS:
                    noticed.written.add(path)
            elif before.get(path) != stamp:
                noticed.written.add(path)
        noticed.gone = before.keys() - self._stamps.keys()
        self._since = None
        return noticed


def below(root: str) -> Iterator[str]:
    """Every file of the tree that is watched."""
    waiting = [root]
    while waiting:
        files, folders = inside(waiting.pop())
        yield from files
        waiting += folders


def changed_since(root: str, since: int) -> Iterator[str]:
    """Files that were written, created or moved at or after a moment (ns)."""
    for path in below(root):
        stamp = _stamp(path)
        if stamp is not None and stamp[2] >= since - SLACK_NS:
            yield path


def _stamp(path: str) -> _Stamp | None:
    try:
        about = os.lstat(path)
    except OSError:
        return None
    return about.st_ino, about.st_size, about.st_ctime_ns
