"""What a path's ending says: whole base names and endings in a dictionary, patterns in one regular expression."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Generic, TypeVar

T = TypeVar("T")
_WILD = frozenset("*?[")


class Endings(Generic[T]):
    """Of several that fit, the longest ending is meant, then a whole base name, then a pattern. Never changes."""

    def __init__(self, rows: Iterable[tuple[str, T]]) -> None:
        self._plain: dict[str, list[tuple[str, T]]] = {}
        self._wild: list[tuple[str, T]] = []
        for ending, meant in rows:
            self._add(ending.lower().strip("/"), meant)
        for endings in self._plain.values():
            endings.sort(key=lambda row: -len(row[0]))
        self._wild.sort(key=lambda row: (-row[0].count("/"), -len(row[0])))
        wild = "|".join(f"({_as_regex(ending)})" for ending, _ in self._wild)
        self._pattern = re.compile(f"(?s:(?:^|.*/)(?:{wild}))" if wild else r"(?!)")

    def of(self, path: str) -> T | None:
        """What a path in lower case is."""
        for ending, meant in self._plain.get(path.rpartition("/")[2], ()):
            if f"/{path}".endswith(ending):
                return meant
        found = self._pattern.fullmatch(path)
        return self._wild[(found.lastindex or 1) - 1][1] if found else None

    def _add(self, ending: str, meant: T) -> None:
        if _WILD.isdisjoint(ending):
            self._plain.setdefault(ending.rpartition("/")[2], []).append((f"/{ending}", meant))
        else:
            self._wild.append((ending, meant))


def _as_regex(ending: str) -> str:
    """Of a shell pattern, where * stays within one folder. Sets ([ab]) need no translation."""
    parts = {"*": "[^/]*", "?": "[^/]"}
    return "".join(parts.get(part) or (part if part[0] == "[" else re.escape(part)) for part in _parts(ending))


def _parts(ending: str) -> list[str]:
    return re.findall(r"\[[^]/]+\]|.", ending)
