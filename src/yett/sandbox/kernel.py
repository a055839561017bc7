"""The system calls that Python 3.11 has no function for, by ctypes."""

from __future__ import annotations

import ctypes
import os

_LIBC = ctypes.CDLL(None, use_errno=True)

CLONE_NEWNS = 0x00020000
CLONE_NEWUSER = 0x10000000
CLONE_NEWNET = 0x40000000

MS_NOSUID_NODEV = 2 | 4
MS_BIND = 4096
MS_REC = 16384
MS_PRIVATE = 1 << 18

PR_SET_NO_NEW_PRIVS = 38
PR_SET_DUMPABLE = 4


def unshare(flags: int) -> None:
    """Leave the named namespaces for new ones. Raises OSError."""
    _checked(_LIBC.unshare(flags), "unshare")


def prctl(option: int, value: int) -> None:
    _checked(
        _LIBC.prctl(option, ctypes.c_ulong(value), ctypes.c_ulong(0), ctypes.c_ulong(0), ctypes.c_ulong(0)), "prctl"
    )


def mount(source: str, target: str, flags: int) -> None:
    """A bind mount, or a change of propagation. Raises OSError."""
    _checked(_LIBC.mount(os.fsencode(source), os.fsencode(target), None, ctypes.c_ulong(flags), None), target)


def mount_new(kind: str, target: str, options: str) -> None:
    """A new file system, without devices and set-user-id programs. Raises OSError."""
    words = kind.encode()
    flags = ctypes.c_ulong(MS_NOSUID_NODEV)
    _checked(_LIBC.mount(words, os.fsencode(target), words, flags, options.encode()), target)


def syscall(number: int, *arguments: object) -> int:
    """Any system call. Integers go as 64 bits, buffers as pointers. Raises OSError."""
    words = [ctypes.c_long(word) if isinstance(word, int) else word for word in arguments]
    result = _LIBC.syscall(ctypes.c_long(number), *words)
    return _checked(int(result), f"syscall {number}")


def inotify_init() -> int:
    """A new inotify descriptor, non-blocking and closed on exec."""
    return _checked(_LIBC.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC), "inotify_init1")


def inotify_add_watch(descriptor: int, path: str, mask: int) -> int:
    return _checked(_LIBC.inotify_add_watch(descriptor, os.fsencode(path), ctypes.c_uint32(mask)), path)


def _checked(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what)
    return result


_LIBC.syscall.restype = ctypes.c_long
