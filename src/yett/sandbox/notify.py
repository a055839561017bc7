"""Renames and removals of files that are mounts, answered from outside (seccomp_unotify(2)).

A file bound over another cannot be renamed or removed: EBUSY. Many editors save by rename, and git replaces files by
removing them, so the filter hands those calls to the supervisor, which does what the caller meant and answers for the
kernel. This decides nothing about security: what is not recognised goes on to the kernel, which still says EBUSY.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import socket
import struct
from collections.abc import Callable, Mapping
from typing import NamedTuple

from yett.sandbox import kernel, seccomp
from yett.sandbox.machines import Machine

RENAMES = ("rename", "renameat", "renameat2")
REMOVALS = ("unlink", "unlinkat")
FOLDER_REMOVALS = ("rmdir",)
"""And unlinkat with AT_REMOVEDIR, which the filter tells apart."""

Place = tuple[int, int, str]
"""A file as (device, inode of its directory, name): the same seen from outside and from inside."""

_RECEIVE = 0xC0502100
_SEND = 0xC0182101
_STILL_VALID = 0x40082102
_NOTIFICATION = struct.Struct("=QIIiIQ6Q")
_RESPONSE = struct.Struct("=QqiI")
_CONTINUE = 1
_SET_MODE_FILTER = 1
_NEW_LISTENER = 1 << 3
_RENAME_NOREPLACE = 1
_AT_FDCWD = -100
AT_REMOVEDIR = 0x200
_PAGE = 4096
_RESOLVE_IN_ROOT = 0x10
_RESOLVE_NO_MAGICLINKS = 0x02


class Path(NamedTuple):
    """A path argument of a caller: its directory, opened in the caller's view, and the last name."""

    directory: int
    name: str

    def place(self) -> Place:
        status = os.fstat(self.directory)
        return (status.st_dev, status.st_ino, self.name)


class Replacements(NamedTuple):
    """What the supervisor does for a mounted file; each returns an errno, 0 for done, -1 to let the kernel answer."""

    replace: Callable[[Place, Path], int]
    """Put what the second path names in place of the mounted file (rename over it)."""
    move_away: Callable[[Place, Path], int]
    remove: Callable[[Place], int]
    remove_folder: Callable[[Place], int]
    """rmdir of a folder that is a mount: `git clean` and `git stash -u` take its refusal for a failure."""


class _FilterProgram(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def install(machine: Machine, calls: tuple[str, ...], sender: socket.socket) -> None:
    """In the child, before exec: put the filter on and send its listener to the supervisor."""
    code = seccomp.notify_filter(machine, calls)
    program = _FilterProgram(len(code) // 8, code)
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    listener = kernel.syscall(machine.numbers["seccomp"], _SET_MODE_FILTER, _NEW_LISTENER, ctypes.byref(program))
    socket.send_fds(sender, [b"L"], [listener])
    os.close(listener)


class Listener:
    """The supervisor's end. A call whose paths end in no mounted file's name costs one look at them and goes on."""

    def __init__(
        self,
        machine: Machine,
        descriptor: int,
        places: Mapping[Place, object],
        folders: Mapping[Place, object],
        answers: Replacements,
    ) -> None:
        self.descriptor = descriptor
        self._calls = {
            machine.numbers[name]: name for name in (*RENAMES, *REMOVALS, *FOLDER_REMOVALS) if name in machine.numbers
        }
        self._openat2 = machine.numbers["openat2"]
        self._places = places
        self._folders = folders
        self._names = frozenset(name.encode() for _, _, name in (*places, *folders))
        self._answers = answers
        self._buffer = bytearray(_NOTIFICATION.size)

    def serve_ready(self) -> bool:
        """Answer one call. False: nobody is left inside."""
        self._buffer[:] = bytes(len(self._buffer))
        try:
            fcntl.ioctl(self.descriptor, _RECEIVE, self._buffer)
        except OSError as error:
            return error.errno in (errno.EINTR, errno.ENOENT)
        identity, pid, _, number, _, _, *arguments = _NOTIFICATION.unpack(self._buffer)
        try:
            verdict = self._decide(identity, pid, self._calls[number], arguments)
        except OSError:
            verdict = -1
        flags = _CONTINUE if verdict < 0 else 0
        answer = _RESPONSE.pack(identity, 0, -max(verdict, 0), flags)
        try:
            fcntl.ioctl(self.descriptor, _SEND, answer)
        except OSError as error:
            return error.errno == errno.ENOENT  # the caller was killed, or a signal interrupted its call
        return True

    def _decide(self, identity: int, pid: int, call: str, arguments: list[int]) -> int:
        with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
            words = [(base, _string(memory.fileno(), at)) for base, at in _paths(call, arguments)]
        if not any(os.path.basename(word.rstrip(b"/")) in self._names for _, word in words):
            return -1
        paths: list[Path] = []
        try:
            for base, word in words:
                paths.append(self._open(pid, base, word))
            # the pid may have been reused while we looked
            fcntl.ioctl(self.descriptor, _STILL_VALID, struct.pack("=Q", identity))
            return self._act(call, arguments, paths)
        finally:
            for path in paths:
                os.close(path.directory)

    def _act(self, call: str, arguments: list[int], paths: list[Path]) -> int:
        places = [path.place() for path in paths]
        mounted = [place in self._places for place in places]
        if call == "rmdir" or (call == "unlinkat" and arguments[2] & AT_REMOVEDIR):
            return self._answers.remove_folder(places[0]) if places[0] in self._folders else -1
        if call in REMOVALS:
            return self._answers.remove(places[0]) if mounted[0] else -1
        flags = arguments[4] if call == "renameat2" else 0
        if flags & ~_RENAME_NOREPLACE or mounted == [False, False]:
            return -1
        if mounted[1] and flags:
            return errno.EEXIST
        if places[0] == places[1]:
            return 0
        if mounted == [True, True]:
            return -1
        return (
            self._answers.replace(places[1], paths[0]) if mounted[1] else self._answers.move_away(places[0], paths[1])
        )

    def _open(self, pid: int, base: int, word: bytes) -> Path:
        """Open the directory of a caller's path as the caller would: its root, its links, never ours."""
        word = word.rstrip(b"/")
        if not word.startswith(b"/"):
            here = f"/proc/{pid}/cwd" if base == _AT_FDCWD else f"/proc/{pid}/fd/{base}"
            word = os.fsencode(os.readlink(here)) + b"/" + word
        root = os.open(f"/proc/{pid}/root", os.O_PATH | os.O_DIRECTORY)
        try:
            how = struct.pack(
                "=QQQ", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC, 0, _RESOLVE_IN_ROOT | _RESOLVE_NO_MAGICLINKS
            )
            directory = kernel.syscall(self._openat2, root, os.path.dirname(word), how, len(how))
        finally:
            os.close(root)
        return Path(directory, os.fsdecode(os.path.basename(word)))


def _paths(call: str, arguments: list[int]) -> list[tuple[int, int]]:
    """(directory descriptor, address of the string) of each path argument."""
    if call in ("unlink", "rmdir"):
        return [(_AT_FDCWD, arguments[0])]
    if call == "rename":
        return [(_AT_FDCWD, arguments[0]), (_AT_FDCWD, arguments[1])]
    bases = [_signed(arguments[at]) for at in (0, 2)]
    if call == "unlinkat":
        return [(bases[0], arguments[1])]
    return [(bases[0], arguments[1]), (bases[1], arguments[3])]


def _signed(word: int) -> int:
    word &= 0xFFFFFFFF
    return word - (1 << 32) if word & 0x80000000 else word


def _string(memory: int, address: int) -> bytes:
    """The NUL-terminated string at an address, page by page: the next page may not exist."""
    out = b""
    while len(out) < _PAGE:
        piece = os.pread(memory, _PAGE - address % _PAGE, address)
        text, end, _ = piece.partition(b"\0")
        out += text
        if end or not piece:
            return out
        address += len(piece)
    raise OSError(errno.ENAMETOOLONG, "path")
