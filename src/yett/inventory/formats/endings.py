"""What a path's ending says: whole base names and endings in a dictionary, patterns in one regular expression."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Generic, TypeVar

T = TypeVar("T")
_WILD = frozenset("*?[")
DEEPEST = 7
"""Parts of a path that its ending may be made of."""


class Endings(Generic[T]):
    """Of several that fit, the longest ending is meant, then a whole base name, then a pattern. Never changes.

    Patterns are kept by the extension or the folder that they ask for, and compiled when the first such file comes: a
    commit hook has few files and must not wait for two hundred patterns, and a tree has a hundred thousand.
    """

    def __init__(self, rows: Iterable[tuple[str, T]]) -> None:
        self._plain: dict[str, list[tuple[str, T]]] = {}
        self._named: dict[str, _Patterns[T]] = {}
        self._below: dict[str, _Patterns[T]] = {}
        for ending, meant in rows:
            self._add(ending.lower().strip("/"), meant)
        for endings in self._plain.values():
            endings.sort(key=lambda row: -len(row[0]))

    def of(self, path: str) -> T | None:
        """What a path in lower case is."""
        parts = path.split("/")[-DEEPEST:]
        name = parts[-1]
        for ending, meant in self._plain.get(name, ()):
            if f"/{path}".endswith(ending):
                return meant
        if not self._below.keys().isdisjoint(parts):
            for part in parts:
                if (patterns := self._below.get(part)) and (found := patterns.of("/".join(parts))):
                    return found
        extension = name.rpartition(".")[2]
        for kind in (extension, ""):
            if (patterns := self._named.get(kind)) and (found := patterns.of(name)):
                return found
        return None

    def _add(self, ending: str, meant: T) -> None:
        folders, slash, name = ending.rpartition("/")
        if _WILD.isdisjoint(ending):
            self._plain.setdefault(name, []).append((f"/{ending}", meant))
        elif slash:
            parts = folders.split("/")
            literal = max((part for part in parts if _WILD.isdisjoint(part)), key=len, default=name)
            self._below.setdefault(literal, _Patterns()).rows.append((ending, meant))
        else:
            extension = name.rpartition(".")[2]
            kind = extension if _WILD.isdisjoint(extension) else ""
            self._named.setdefault(kind, _Patterns()).rows.append((ending, meant))


class _Patterns(Generic[T]):
    """Patterns that have a folder or an extension in common, as one regular expression."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, T]] = []
        self._pattern: re.Pattern[str] | None = None

    def of(self, path: str) -> T | None:
        if self._pattern is None:
            self.rows.sort(key=lambda row: -_weight(row[0]))
            wild = "|".join(f"({_as_regex(ending)})" for ending, _ in self.rows)
            self._pattern = re.compile(f"(?s:(?:^|.*/)(?:{wild}))")
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
