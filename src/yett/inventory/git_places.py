"""What of git's own folder is no file: git opens it all the same, and waits for ever at a pipe or a device.

Looked for before git is started there. Files are not opened, but for the few lines that name other folders.
"""

from __future__ import annotations

import os
import stat
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from yett.inventory.git_life import GitStalled
from yett.model.visible import visible

_MOST = 1_000_000
"""Entries: a link may lead to the whole disk, of which git itself opens little."""
_LARGEST_LINE = 1 << 20
_DEEPEST = 5
"""As git: an alternate's alternates are followed this far."""
_MOST_ALTERNATES = 100
_SOCKETS_OF_GIT = frozenset({"fsmonitor--daemon.ipc"})
_KINDS = {stat.S_IFIFO: "a pipe", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device", stat.S_IFSOCK: "a socket"}


class StrangeRepository(GitStalled):
    """git would wait for ever in it, and it is known where."""


def refuse_strange(folder: Path) -> None:
    """Look through the git folders that a folder belongs to.

    Raises:
        StrangeRepository: there is something that is no file, folder, or link to one. It says which and what to do.
    """
    _refuse(_strange([*git_folders(folder)], links=True))


def refuse_strange_inside(place: Path) -> None:
    """The same for a git folder that an agent had: what it links to is not looked at out here."""
    _refuse(_strange([place], links=False))


def _refuse(found: Iterable[tuple[Path, str]]) -> None:
    for path, kind in found:
        raise StrangeRepository(
            f"{visible(str(path))} is {kind}, where git expects a file: git would wait for ever",
            "look who put it there, and move it away",
        )


def git_folders(folder: Path) -> Iterator[Path]:
    """The git folder of whatever repository a folder is in or is, what it shares, and where it borrows objects."""
    own = _own(Path(os.path.abspath(folder)))
    if own is None:
        return
    shared = _line(own / "commondir")
    common = Path(os.path.normpath(own / shared)) if shared else own
    yield own
    if common != own:
        yield common
    level, seen = [common / "objects"], {common / "objects"}
    for _ in range(_DEEPEST):
        others = (other for store in level for other in _borrowed(store))
        level = [other for other in dict.fromkeys(others) if other not in seen][: _MOST_ALTERNATES - len(seen)]
        seen.update(level)
        yield from level


def _strange(folders: Sequence[Path], links: bool) -> Iterator[tuple[Path, str]]:
    """(path, what it is) of everything in git folders that is no file, folder, or link to one."""
    yield from ((folder, kind) for folder in folders if (kind := _kind(folder)))
    waiting, seen, listed = deque(map(str, folders)), set[str](), 0
    while waiting and listed < _MOST:
        place = waiting.popleft()
        real = os.path.realpath(place)
        if real in seen:
            continue
        seen.add(real)
        for entry in _entries(place):
            listed += 1
            if entry.is_symlink() and not links:
                continue
            if entry.is_dir():
                waiting.append(entry.path)
            elif not entry.is_file() and (kind := _kind(Path(entry.path))):
                yield Path(entry.path), kind


def _entries(place: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(place) as entries:
            return list(entries)
    except OSError:
        return []  # git cannot open it either


def _own(folder: Path) -> Path | None:
    for each in (folder, *folder.parents):
        dot = each / ".git"
        if os.path.lexists(dot):
            return _behind(dot)
        if (each / "HEAD").exists() and (each / "objects").is_dir():
            return each
    return None


def _behind(dot: Path) -> Path:
    """The folder itself, or the one that a linked work tree or a submodule names."""
    line = _line(dot) if not dot.is_dir() else ""
    return Path(os.path.normpath(dot.parent / line.removeprefix("gitdir: "))) if line.startswith("gitdir: ") else dot


def _borrowed(objects: Path) -> Iterator[Path]:
    for line in _text(objects / "info/alternates").split("\n"):
        if line and not line.startswith("#"):
            yield Path(os.path.normpath(objects / line))


def _line(path: Path) -> str:
    return _text(path).partition("\n")[0]


def _text(path: Path) -> str:
    from yett.inventory.history.regular import regular  # its package runs git, which imports this

    try:
        return os.fsdecode(regular(path, _LARGEST_LINE)).replace("\0", "")
    except OSError:
        return ""


def _kind(path: Path) -> str:
    """What is no file, folder, or link to one; nothing for what has gone, or leads nowhere."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return ""
    if stat.S_ISSOCK(mode) and path.name in _SOCKETS_OF_GIT:
        return ""
    return _KINDS.get(stat.S_IFMT(mode), "")
