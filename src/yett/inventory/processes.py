"""The environments of running processes: a token that a person exported hours ago is still in what they started then.

Linux only, through /proc (proc(5)). macOS shows no process's environment to others without a privilege: none is read.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from yett.inventory.outcome import Unread
from yett.model.visible import visible

MOST_BYTES = 8 << 20
"""Linux passes at most 6 MB of arguments and variables (execve(2)); a process may write there what it likes."""

_UID = re.compile(rb"^Uid:\s+(\d+)", re.MULTILINE)

Process = tuple[str, dict[str, bytes]]


def process_environments(
    unread: Callable[[Unread], None], proc: Path = Path("/proc"), own_uid: int | None = None
) -> Iterator[Process]:
    """("python[1234]", its variables) of every process of this user but the scan itself; of all of them for root.

    Those that end meanwhile, kernel threads and other users' processes are passed over in silence; a process of this
    user that the kernel guards (an ssh-agent) is told.
    """
    uid = os.geteuid() if own_uid is None else own_uid
    for number in sorted((int(name) for name in _names(proc) if name.isdigit()), key=int):
        if number == os.getpid():
            continue
        folder = proc / str(number)
        label = f"{_name(folder)}[{number}]"
        try:
            variables = _variables(folder / "environ")
        except PermissionError:
            if _uid(folder) == uid:
                unread(Unread(label, "its environment may not be read"))
        except OSError:
            continue  # it ended meanwhile
        else:
            if variables and (uid == 0 or _uid(folder) == uid):
                yield label, variables


def _names(proc: Path) -> list[str]:
    try:
        return os.listdir(proc)
    except OSError:
        return []


def _name(folder: Path) -> str:
    """What the process calls itself, which it is free to choose."""
    return visible(_head(folder / "comm", 64).rstrip(b"\n").decode("utf-8", "replace")) or "process"


def _uid(folder: Path) -> int | None:
    """Who it runs as. The owner of the folder is root for every process that the kernel guards."""
    found = _UID.search(_head(folder / "status", 4096))
    return int(found[1]) if found else None


def _head(path: Path, size: int) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(size)
    except OSError:
        return b""


def _variables(path: Path) -> dict[str, bytes]:
    """Raises OSError: it may not be read, or is gone. What is no NAME=value is left out."""
    with open(path, "rb") as file:
        content = file.read(MOST_BYTES)
    pairs = (entry.partition(b"=") for entry in content.split(b"\0"))
    return {name.decode("utf-8", "surrogateescape"): value for name, equals, value in pairs if name and equals}
