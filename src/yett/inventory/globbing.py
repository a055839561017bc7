"""Patterns of paths, expanded without running in circles: ** follows no link, and every pattern has an end."""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Callable, Iterator

from yett.inventory.outcome import Unread

DEEPEST = 12
MOST = 50_000
"""Entries of folders that one pattern looks at."""
_SKIPPED = frozenset({".git", "node_modules", "site-packages", "__pycache__"})
_WILD = re.compile(r"[*?\[]")
_SET = re.compile(r"\[([*?\[])\]")


class Expansion:
    """One pattern's way through the folders: counts what it looks at, tells what it may not list."""

    def __init__(self, unread: Callable[[Unread], None]) -> None:
        self._unread = unread
        self._looked = 0

    def paths(self, base: str, pattern: str) -> Iterator[str]:
        """Every path that there is, folders too, in the order of names. `*` stays within a name, `**` does not."""
        yield from self._below(base, [part for part in pattern.split("/") if part])

    def _below(self, base: str, parts: list[str]) -> Iterator[str]:
        if not parts:
            yield base
            return
        first, rest = parts[0], parts[1:]
        if first == "**":
            for folder in self._folders(base, DEEPEST):
                yield from self._below(folder, rest or ["*"])
        elif not _WILD.search(_SET.sub(r"x", first)):
            path = os.path.join(base, _SET.sub(r"\1", first))
            if os.path.lexists(path):
                yield from self._below(path, rest)
        else:
            matches = re.compile(fnmatch.translate(first)).match
            for name, _ in self._listed(base):
                if matches(name):
                    yield from self._below(os.path.join(base, name), rest)

    def _folders(self, base: str, depth: int) -> Iterator[str]:
        """The folder and those below, not through links."""
        yield base
        if depth:
            for name, is_folder in self._listed(base):
                if is_folder and name not in _SKIPPED:
                    yield from self._folders(os.path.join(base, name), depth - 1)

    def _listed(self, folder: str) -> list[tuple[str, bool]]:
        """(name, whether it is a folder and no link)."""
        if self._looked > MOST:
            return []
        found: list[tuple[str, bool]] = []
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    self._looked += 1
                    if self._looked > MOST:
                        self._unread(Unread(folder, f"more than {MOST} files: the rest was not read"))
                        break
                    found.append((entry.name, entry.is_dir(follow_symlinks=False)))
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            self._unread(Unread(folder, error.strerror or "cannot be listed"))
        return sorted(found)
