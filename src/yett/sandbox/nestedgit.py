"""Repositories below the workspace's own, as a run leaves them: nothing written inside names a program of the person's.

`git status` above looks into them, and so do prompts and editors, unasked. No mount lies over them, so whatever of
their settings changed since the run began is an agent's word. The rest is left as it was.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from yett.model.visible import visible
from yett.sandbox import beneath
from yett.sandbox.gitsettle import PLANTED, Say, name_changed, tame
from yett.sandbox.keep import move
from yett.sandbox.repository import Hooks

COARSE_NS = 1_000_000_000
"""File systems stamp with a clock that lags a little; a change of the last second before the run counts too."""


def settle(root: str, began: int, kept: str, say: Say) -> None:
    """Look at every git directory below `root` but its own. `began` is the start of the run in ns since the epoch."""
    since = began - COARSE_NS
    for directory, names in _folders(root):
        if ".git" in names and directory != root:
            _pointer(root, directory, since, kept, say)
        if _looks_like_git(names):
            _directory(root, directory, since, kept, say)


def _folders(root: str) -> Iterator[tuple[str, frozenset[str]]]:
    """Every directory with the names in it; not the workspace's own `.git`, which is settled elsewhere."""
    for directory, folders, files in os.walk(root):
        names = frozenset((*folders, *files))
        if directory == root:
            folders[:] = [name for name in folders if name != ".git"]
        elif _looks_like_git(names):
            folders[:] = [name for name in folders if name != "objects"]
        yield directory, names


def _looks_like_git(names: frozenset[str]) -> bool:
    """What git takes for a repository, or for the common directory of one (gitrepository-layout(5))."""
    return "HEAD" in names or {"objects", "refs"} <= names


def _pointer(root: str, directory: str, since: int, kept: str, say: Say) -> None:
    """A `.git` that is a file or link must not lead out of the workspace."""
    path = os.path.join(directory, ".git")
    if (os.path.isdir(path) and not os.path.islink(path)) or not _is_new(path, since):
        return
    inside = os.path.relpath(path, root)
    content = os.fsdecode(beneath.read(root, inside) or b"")
    leads = os.readlink(path) if os.path.islink(path) else content.removeprefix("gitdir:").strip()
    if not os.path.realpath(os.path.join(directory, leads)).startswith(os.path.realpath(root) + "/"):
        move(root, inside, os.path.join(kept, ".git"))
        say(f"{visible(inside)} led out of the workspace; it was moved away.")


def _directory(root: str, directory: str, since: int, kept: str, say: Say) -> None:
    for name in PLANTED:
        path = os.path.join(directory, name)
        if _is_new(path, since) and not _is_back(directory, path, name):
            move(root, os.path.relpath(path, root), os.path.join(kept, name))
            say(f"{visible(os.path.relpath(path, root))} was written inside; it was moved away.")
    config = os.path.join(directory, "config")
    if _is_new(config, since):
        if os.path.islink(config):
            move(root, os.path.relpath(config, root), os.path.join(kept, "config"))
        else:
            tame(root, directory, say)
    hooks = os.path.join(directory, "hooks")
    if _is_new(hooks, since) or any(_is_new(os.path.join(hooks, name), since) for name in _names(hooks)):
        name_changed(Hooks(directory, ""), kept, say)


def _is_back(directory: str, path: str, name: str) -> bool:
    """A linked work tree's way back to its own repository, as git writes it."""
    if name != "commondir" or os.path.islink(path):
        return False
    above = beneath.read(directory, name)
    return (
        os.path.basename(os.path.dirname(directory)) == "worktrees" and above is not None and above.strip() == b"../.."
    )


def _is_new(path: str, since: int) -> bool:
    """Nobody can set the time of a change."""
    try:
        return os.stat(path, follow_symlinks=False).st_ctime_ns >= since
    except OSError:
        return False


def _names(directory: str) -> list[str]:
    try:
        return os.listdir(directory)
    except OSError:
        return []
