"""Where a repository keeps its objects: its common folder, what it borrows from others, and its submodules."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from yett.inventory.git import GIT, environment
from yett.inventory.git_life import run
from yett.inventory.history.regular import regular
from yett.inventory.outcome import Unread

_DEEPEST_ALTERNATE = 5
"""As git: an alternate's alternates are followed this far."""
_MOST_ALTERNATES = 100
_MOST_SUBMODULES = 1000
_LARGEST_TEXT = 8 << 20


@dataclass(frozen=True, slots=True)
class Repository:
    """`folder` is the git folder (of a linked worktree: its own), `stores` every folder of objects, the own one first.

    `plain` False: its ids are not SHA-1, so only git itself can read it.
    """

    folder: Path
    stores: tuple[Path, ...]
    plain: bool = True
    unread: tuple[Unread, ...] = ()

    @property
    def env(self) -> dict[str, str]:
        """What makes git use exactly this one, though the folder that its configuration names may be gone."""
        return {"GIT_DIR": str(self.folder), "GIT_WORK_TREE": str(self.folder)}


def repositories(workspace: Path) -> tuple[Repository, ...]:
    """The repository that a folder belongs to, then its submodules'. Nothing if it belongs to none."""
    said = git(workspace, {}, "rev-parse", "--absolute-git-dir", "--git-common-dir").decode(errors="surrogateescape")
    folder, _, common = said.strip("\n").partition("\n")
    if not folder:
        return ()
    shared = Path(os.path.abspath(workspace / common)) if common else Path(folder)
    own = _repository(Path(folder), shared)
    return (own, *(_repository(each, each) for each in _submodules(shared)))


def git(cwd: Path, env: dict[str, str], *words: str, feed: bytes = b"") -> bytes:
    """git's answer, nothing if it has none: no repository, no git.

    Raises:
        GitStalled: it waits for something that does not come.
    """
    try:
        done = run([*GIT, *words], cwd=cwd, env=environment(env), stdin=feed)
    except OSError:
        return b""
    return done.stdout if done.returncode == 0 else b""


def _repository(folder: Path, common: Path) -> Repository:
    unread = []
    if (common / "shallow").exists():
        unread.append(Unread(str(common), "a shallow clone: older history is not here"))
    if any((common / "objects/pack").glob("*.promisor")) and _is_partial(common):
        unread.append(Unread(str(common), "a partial clone: objects that were never fetched are not here"))
    objects = common / "objects"
    stores = tuple(dict.fromkeys((objects, *_alternates(objects))))
    plain = b"objectformat" not in _text(common / "config").lower()
    return Repository(folder, stores, plain, tuple(unread))


def _is_partial(common: Path) -> bool:
    configuration = _text(common / "config").lower()
    return b"promisor" in configuration or b"partialclone" in configuration or not configuration


def _alternates(objects: Path) -> Iterator[Path]:
    """Folders of objects that this one borrows from (gitrepository-layout, objects/info/alternates), each once."""
    seen, level = {objects}, [objects]
    for _ in range(_DEEPEST_ALTERNATE):
        borrowed = [other for store in level for other in _borrowed(store)]
        level = [other for other in dict.fromkeys(borrowed) if other not in seen][: _MOST_ALTERNATES - len(seen)]
        seen.update(level)
        yield from level


def _borrowed(objects: Path) -> Iterator[Path]:
    for line in _text(objects / "info/alternates").split(b"\n"):
        if line and not line.startswith(b"#") and b"\0" not in line:
            yield Path(os.path.normpath(objects / os.fsdecode(line)))


def _submodules(common: Path) -> Iterator[Path]:
    """Git folders below modules/; names may hold a /, and a submodule may have its own."""
    found = 0
    for base, folders, files in os.walk(common / "modules"):
        if "HEAD" in files and "objects" in folders:
            yield Path(base)
            found += 1
            folders[:] = ["modules"] if "modules" in folders else []
        if found >= _MOST_SUBMODULES:
            return


def _text(path: Path) -> bytes:
    try:
        return regular(path, _LARGEST_TEXT)
    except OSError:
        return b""
