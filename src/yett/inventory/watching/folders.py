"""What of a folder is watched: what a scan reads. Links are not followed, git's own files and packages left out.

A name alone leaves nothing out that a person would keep a key in: a folder is git's if it is a repository, and of an
environment of Python only what the installer fills.
"""

from __future__ import annotations

import os

from yett.inventory.tree import _SKIPPED

_INSTALLED = frozenset({"node_modules", "site-packages"})
_OF_ENVIRONMENTS = frozenset({"bin", "include", "lib", "lib64", "share", "Include", "Lib", "Scripts"})


def inside(folder: str) -> tuple[list[str], list[str]]:
    """Regular files in it and folders in it, by path; nothing if it cannot be read."""
    files: list[str] = []
    below: list[str] = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    if is_watched(entry.path):
                        below.append(entry.path)
                elif entry.is_file(follow_symlinks=False):
                    files.append(entry.path)
    except OSError:
        return files, below
    return files, below


def is_watched(folder: str) -> bool:
    """Whether it is none of git's own, no cache, and no folder of packages that an installer put there."""
    above, name = os.path.split(folder)
    if name == ".git":
        return not is_repository(folder)
    if name in _SKIPPED or name in _INSTALLED:
        return False
    return name not in _OF_ENVIRONMENTS or not os.path.exists(os.path.join(above, "pyvenv.cfg"))


def is_repository(folder: str) -> bool:
    """Whether a folder called .git is one."""
    return os.path.exists(os.path.join(folder, "HEAD"))


def is_inside(root: str, path: str) -> bool:
    """Whether a path leads where it says: no folder on the way is a link that was put there meanwhile."""
    folder = os.path.dirname(path)
    return os.path.realpath(folder) == folder and (folder + "/").startswith(root.rstrip("/") + "/")
