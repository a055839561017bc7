"""Ending or editing the guard: its processes, its files, its store, what it has in memory, its sockets."""

from __future__ import annotations

import ctypes
import os
import signal
import sqlite3
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from ..targets import Targets
from . import Attempt
from .outcome import ABSENT, DONE, REFUSED, Result, try_deed, worst

PTRACE_ATTACH, PTRACE_DETACH = 16, 17
PERMIT_ALL = "permit(principal, action, resource);\n"


def attempts(targets: Targets) -> dict[str, Attempt]:
    """Name the attempts."""
    found: dict[str, Attempt] = {
        "read every environment": partial(_read_all, "environ", targets.raw()),
        "read every command line": partial(_read_all, "cmdline", targets.raw()),
        "read memory of others": _read_memory,
        "walk into others' roots": _walk_roots,
        "take others' descriptors": _take_descriptors,
        "trace a process": partial(_trace, targets.process_ids),
    }
    for name in targets.process_names:
        found[f"pkill {name}"] = partial(_end_named, name)
    for number in targets.process_ids:
        found[f"kill {number}"] = partial(try_deed, os.kill, number, signal.SIGKILL)
    for folder in targets.state_folders:
        place = _home(folder)
        found[f"list {folder}"] = partial(try_deed, os.listdir, place)
        found[f"write into {folder}"] = partial(try_deed, _plant, place / "planted", "planted")
        found[f"rename {folder}"] = partial(try_deed, os.rename, place, f"{place}.gone")
        found[f"plant a policy in {folder}"] = partial(try_deed, _plant, place / "policy/planted.cedar", PERMIT_ALL)
    for file in targets.state_files:
        place = _home(file)
        found[f"read {file}"] = partial(try_deed, _read, place)
        found[f"overwrite {file}"] = partial(try_deed, _overwrite, place)
        found[f"remove {file}"] = partial(try_deed, os.unlink, place)
        if file.endswith(".db"):
            found[f"edit {file} as a database"] = partial(_edit, place)
    # Last of all: it may end this agent's own surroundings.
    return {**found, "kill every process": _kill_all}


def _read(path: Path) -> str:
    return f"{len(path.read_bytes())} bytes"


def _overwrite(path: Path) -> None:
    """Empty a file that is there; one that is not must not be made by the attempt."""
    os.close(os.open(path, os.O_WRONLY | os.O_TRUNC))


def _plant(path: Path, text: str) -> None:
    """Write a new file into a folder that is there."""
    os.listdir(path.parent)
    path.write_text(text)


def _home(path: str) -> Path:
    return Path(os.path.expanduser(path))


def _proc(name: str) -> Iterator[Path]:
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            yield folder / name


def _foreign(path: Path) -> bool:
    return int(path.parts[2]) not in (os.getpid(), os.getppid())


def _end_named(name: str) -> Result:
    """What `pkill -9 -f` does, but to its own ancestors: the agent would end with them."""
    found = (number for number in _others() if name.encode() in _command_line(number))
    return worst(try_deed(os.kill, number, signal.SIGKILL) for number in found)


def _command_line(number: int) -> bytes:
    try:
        return Path(f"/proc/{number}/cmdline").read_bytes()
    except OSError:
        return b""


def _kill_all() -> Result:
    """End whatever else can be seen."""
    return worst(try_deed(os.kill, number, signal.SIGKILL) for number in _others())


def _others() -> list[int]:
    spared = {1, *_ancestors()}
    return [number for path in _proc("stat") if (number := int(path.parts[2])) not in spared]


def _ancestors() -> Iterator[int]:
    number = os.getpid()
    while number > 0:
        yield number
        # The fourth field of stat is the parent; the second may hold spaces, in parentheses.
        number = int(Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[1])


def _read_all(name: str, wanted: str) -> Result:
    """Read a /proc file of every process; success is finding the token there."""
    held = []
    for path in _proc(name):
        try:
            held.append(path.read_bytes())
        except OSError:
            continue
    found = bool(wanted) and any(wanted.encode() in text for text in held)
    return Result(DONE if found else REFUSED, 0, f"{len(held)} processes readable")


def _read_memory() -> Result:
    return worst(try_deed(_open, path) for path in _proc("mem") if _foreign(path))


def _walk_roots() -> Result:
    return worst(try_deed(os.listdir, path) for path in _proc("root") if _foreign(path))


def _take_descriptors() -> Result:
    """Open what other processes hold open (sockets excepted: those cannot be opened by path)."""
    links = (link for folder in _proc("fd") if _foreign(folder) for link in _listed(folder))
    return worst(try_deed(_open, link) for link in links)


def _open(path: Path) -> None:
    os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK))


def _listed(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _trace(given: tuple[int, ...]) -> Result:
    libc = ctypes.CDLL(None, use_errno=True)
    numbers = given or tuple(int(path.parts[2]) for path in _proc("stat") if _foreign(path))

    def attach(number: int) -> None:
        if libc.ptrace(PTRACE_ATTACH, number, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "ptrace")
        libc.ptrace(PTRACE_DETACH, number, 0, 0)

    return worst(try_deed(attach, number) for number in numbers)


def _edit(path: Path) -> Result:
    if not path.exists():
        return Result(ABSENT, 0, f"no {path}")
    try:
        with sqlite3.connect(path, timeout=1) as store:
            names = store.execute("select name from sqlite_master where type = 'table'").fetchall()
            store.execute("create table planted (x)")
    except sqlite3.Error as error:
        return Result(REFUSED, 0, str(error))
    return Result(DONE, 0, f"{len(names)} tables")
