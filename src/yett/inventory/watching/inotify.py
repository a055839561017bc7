"""inotify(7) through libc: which names changed in which watched folders. Linux only; no thread, no policy.

Not `watchfiles` (MIT, 0.5 MB): measured at 1.3.0, it watches installed packages too, follows links out of the folder,
and one file name that is no UTF-8 ends it, so that an agent could switch it off.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
import sys
from collections.abc import Iterator
from enum import IntFlag
from typing import NamedTuple

_EVENT = struct.Struct("iIII")
_BUFFER = 1 << 18


class Mask(IntFlag):
    """Bits of <sys/inotify.h>."""

    MODIFY = 0x2
    CLOSE_WRITE = 0x8
    MOVED_FROM = 0x40
    MOVED_TO = 0x80
    CREATE = 0x100
    DELETE = 0x200
    DELETE_SELF = 0x400
    MOVE_SELF = 0x800
    UNMOUNT = 0x2000
    OVERFLOW = 0x4000
    IGNORED = 0x8000
    ONLYDIR = 0x1000000
    DONT_FOLLOW = 0x2000000
    EXCL_UNLINK = 0x4000000
    ISDIR = 0x40000000


WRITES = Mask.MODIFY | Mask.CLOSE_WRITE | Mask.CREATE | Mask.MOVED_TO
WATCHED = WRITES | Mask.MOVED_FROM | Mask.DELETE | Mask.DELETE_SELF | Mask.MOVE_SELF
_HOW = Mask.ONLYDIR | Mask.DONT_FOLLOW | Mask.EXCL_UNLINK
"""A folder that is a link is never watched, or an agent's link to / would make a watch of the whole machine."""


class Event(NamedTuple):
    """`watch` is the number that `add` gave, -1 for an overflow; `name` the entry in that folder, "" for itself."""

    watch: int
    mask: Mask
    name: str


class Inotify:
    """One instance. Raises OSError where there is no inotify, or this user has no instance left."""

    def __init__(self) -> None:
        if not sys.platform.startswith("linux"):
            raise OSError(errno.ENOSYS, "this system has no inotify")
        self._libc = ctypes.CDLL(None, use_errno=True)
        self.descriptor = self._checked(self._libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))

    def add(self, folder: str) -> int:
        """Watch the entries of one folder; its number. Raises OSError: ENOSPC when no watch is left, ENOENT, ..."""
        path = os.fsencode(folder)
        return self._checked(self._libc.inotify_add_watch(self.descriptor, path, ctypes.c_uint32(WATCHED | _HOW)))

    def remove(self, watch: int) -> None:
        """It may be gone already."""
        self._libc.inotify_rm_watch(self.descriptor, watch)

    def read(self) -> Iterator[Event]:
        """What waits in the queue; nothing if nothing does."""
        while True:
            try:
                raw = os.read(self.descriptor, _BUFFER)
            except BlockingIOError:
                return
            at = 0
            while at < len(raw):
                watch, mask, _, length = _EVENT.unpack_from(raw, at)
                at += _EVENT.size
                name = raw[at : at + length].rstrip(b"\0")
                at += length
                yield Event(watch, Mask(mask), os.fsdecode(name))

    def close(self) -> None:
        os.close(self.descriptor)

    def _checked(self, answer: int) -> int:
        if answer < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        return answer


def own_share() -> int:
    """How many watches to take at most: half of what this user may have, the rest is for their editor."""
    try:
        with open("/proc/sys/fs/inotify/max_user_watches", encoding="ascii") as file:
            return int(file.read()) // 2
    except (OSError, ValueError):
        return 4096
