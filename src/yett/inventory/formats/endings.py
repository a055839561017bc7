"""What a path's ending says: whole base names and endings in a dictionary, patterns in one regular expression."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Generic, TypeVar

T = TypeVar("T")
_WILD = frozenset("*?[")
DEEPEST = 7
"""Parts of a path that its ending may be made of."""
MOST_FOLDERS = 4096
_ANYWHERE = "(?:^|.*/)"
_WILDCARDS = re.compile(r"[*?]|\[[^]/]+\]")


class Endings(Generic[T]):
    """Of several that fit, the longest ending is meant, then a whole base name, then a pattern. Never changes, but for
    what it remembers of folders: files come folder by folder.

    Patterns are kept by the extension or the folder that they ask for, and compiled when the first such file comes: a
    commit hook has few files and must not wait for two hundred patterns, and a tree has a hundred thousand.
    """

    def __init__(self, rows: Iterable[tuple[str, T]]) -> None:
        self._plain: dict[str, list[tuple[str, T]]] = {}
        self._named: dict[str, _Patterns[T]] = {}
        self._below: dict[str, _Patterns[T]] = {}
        self._folders: dict[str, tuple[_Patterns[T], ...]] = {}
        for ending, meant in rows:
            self._add(ending.lower().strip("/"), meant)
        for endings in self._plain.values():
            endings.sort(key=lambda row: -len(row[0]))
        self._any_name = self._named.pop("", _Patterns(""))

    def of(self, path: str) -> T | None:
        """What a path in lower case is."""
        folder, _, name = path.rpartition("/")
        if name in self._plain:
            for ending, meant in self._plain[name]:
                if f"/{path}".endswith(ending):
                    return meant
        below = self._folders.get(folder)
        if below is None:
            below = self._remembered(folder)
        if below or name in self._below:
            tail = "/".join(path.split("/")[-DEEPEST:])
            for patterns in (*below, *self._of_name(name)):
                if found := patterns.of(tail):
                    return found
        if (named := self._named.get(name.rpartition(".")[2])) and (found := named.of(name)):
            return found
        return self._any_name.of(name)

    def _remembered(self, folder: str) -> tuple[_Patterns[T], ...]:
        """The patterns that ask for a part of this folder's path."""
        if len(self._folders) >= MOST_FOLDERS:
            self._folders.clear()
        parts = folder.split("/")[1 - DEEPEST :]
        found = tuple(self._below[part] for part in parts if part in self._below)
        self._folders[folder] = found
        return found

    def _of_name(self, name: str) -> tuple[_Patterns[T], ...]:
        return (self._below[name],) if name in self._below else ()

    def _add(self, ending: str, meant: T) -> None:
        folders, slash, name = ending.rpartition("/")
        if _WILD.isdisjoint(ending):
            self._plain.setdefault(name, []).append((f"/{ending}", meant))
        elif slash:
            parts = folders.split("/")
            literal = max((part for part in parts if _WILD.isdisjoint(part)), key=len, default=name)
            self._below.setdefault(literal, _Patterns(_ANYWHERE)).rows.append((ending, meant))
        else:
            extension = name.rpartition(".")[2]
            kind = extension if _WILD.isdisjoint(extension) else ""
            self._named.setdefault(kind, _Patterns("")).rows.append((ending, meant))


class _Patterns(Generic[T]):
    """Patterns that have a folder or an extension in common, as one regular expression."""

    def __init__(self, before: str) -> None:
        """`before`: what of a path may stand before them, as a regular expression."""
        self.rows: list[tuple[str, T]] = []
        self._before = before
        self._tails: tuple[str, ...] = ()
        self._pattern: re.Pattern[str] | None = None

    def of(self, path: str) -> T | None:
        if self._pattern is None:
            self.rows.sort(key=lambda row: -_weight(row[0]))
            wild = "|".join(f"({_as_regex(ending)})" for ending, _ in self.rows)
            self._tails = tuple({_WILDCARDS.split(ending)[-1] for ending, _ in self.rows})
            self._pattern = re.compile(f"(?s:{self._before}(?:{wild}))")
        if not path.endswith(self._tails):
            return None
        found = self._pattern.fullmatch(path)
        return self.rows[(found.lastindex or 1) - 1][1] if found else None


def _weight(ending: str) -> int:
    """The more folders, the more it says; of names, the longer."""
    return ending.count("/") * 1000 + len(ending)


def _as_regex(ending: str) -> str:
    """Of a shell pattern, where * stays within one folder. Sets ([ab]) need no translation."""
    parts = {"*": "[^/]*", "?": "[^/]"}
    return "".join(parts.get(part) or (part if part[0] == "[" else re.escape(part)) for part in _parts(ending))


def _parts(ending: str) -> list[str]:
    return re.findall(r"\[[^]/]+\]|.", ending)
