"""What of a folder is watched: what a scan reads. Links are not followed, git's own files and packages left out."""

from __future__ import annotations

import os

from yett.inventory.tree import _MEDIA, _SKIPPED

_INSTALLED = frozenset({"node_modules", "site-packages"})


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
                elif is_wanted(entry.name) and entry.is_file(follow_symlinks=False):
                    files.append(entry.path)
    except OSError:
        return files, below
    return files, below


def is_watched(folder: str) -> bool:
    """Whether it is none of git's own, no cache, and no folder of packages that an installer put there."""
    name = os.path.basename(folder)
    if name in _SKIPPED or name in _INSTALLED:
        return False
    return not os.path.exists(os.path.join(folder, "pyvenv.cfg"))


def is_wanted(name: str) -> bool:
    """Whether a file of that name can hold a credential: a picture or a film cannot."""
    return name.rpartition(".")[2].lower() not in _MEDIA


def is_inside(root: str, path: str) -> bool:
    """Whether a path leads where it says: no folder on the way is a link that was put there meanwhile."""
    folder = os.path.dirname(path)
    return os.path.realpath(folder) == folder and (folder + "/").startswith(root.rstrip("/") + "/")
