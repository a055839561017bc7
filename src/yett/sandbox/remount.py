"""Lay a copy over a file again, in a sandbox that is running.

When a person saves a masked file outside by rename, or their git rewrites it, the kernel lifts the mount with the old
file's name, and the new file, secret and all, is seen inside. A child of the supervisor enters the sandbox's mount
namespace and puts the copy back; the window is a few milliseconds, and law 3 stands behind it.
"""

from __future__ import annotations

import os
import struct

from yett.sandbox import kernel
from yett.sandbox.machines import Machine

_OPEN_TREE_CLONE = 1
_OPEN_TREE_CLOEXEC = os.O_CLOEXEC
_EMPTY_PATHS = 0x4 | 0x40
"""MOVE_MOUNT_F_EMPTY_PATH and MOVE_MOUNT_T_EMPTY_PATH: both sides are descriptors."""
_AT_FDCWD = -100
_RESOLVE_NO_SYMLINKS = 0x04


def lay_over(machine: Machine, pid: int, copy: str, path: str) -> bool:
    """Bind `copy` (a path of ours) over `path` (a path of the sandbox that `pid` lives in). False: it could not be."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            _lay_over(machine, pid, copy, path)
            status = 0
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    return status == 0


def _lay_over(machine: Machine, pid: int, copy: str, path: str) -> None:
    number = machine.numbers
    tree = kernel.syscall(number["open_tree"], _AT_FDCWD, os.fsencode(copy), _OPEN_TREE_CLONE | _OPEN_TREE_CLOEXEC)
    namespace = os.open(f"/proc/{pid}/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
    kernel.syscall(number["setns"], namespace, kernel.CLONE_NEWNS)
    root = os.open("/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    # a link that the agent put in the way would lay the copy elsewhere, and leave the file open
    how = struct.pack("=QQQ", os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, 0, _RESOLVE_NO_SYMLINKS)
    target = kernel.syscall(number["openat2"], root, os.fsencode(path), how, len(how))
    kernel.syscall(number["move_mount"], tree, b"", target, b"", _EMPTY_PATHS)
