"""Known credential files: a password there is a secret because of where it stands, not because of how it looks.

A family of formats is a module here with `FORMATS`; it is found by being here. `format_of` names the format of a path,
`sniffers` are those that content alone can tell (git history, files without a telling name). The `*_spans` modules read
JSON, YAML, INI, TOML, HCL, XML and shell assignments and say at which bytes each value stands; `entry` is their noun,
`placeholder` says what is no value at all, `declared` makes a parser out of rows.

It promises that a parser raises nothing but `Unparsable`, takes linear time whatever the file holds, never resolves an
alias, an entity or an include, and does no I/O. It will not judge whether a value still works, and reads no databases.
"""

from __future__ import annotations

import pkgutil
import re
from collections.abc import Iterable
from functools import lru_cache
from importlib import import_module

from yett.inventory.formats.format import Format, Unparsable

__all__ = ["Format", "Unparsable", "all_formats", "format_of", "sniffers"]

_WILD = frozenset("*?[")


@lru_cache(maxsize=1)
def all_formats() -> tuple[Format, ...]:
    """Of every module here, in the modules' order."""
    modules = (import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__))
    return tuple(made for module in modules for made in getattr(module, "FORMATS", ()))


@lru_cache(maxsize=1)
def sniffers() -> tuple[Format, ...]:
    """Those that a file's content alone can tell."""
    return tuple(made for made in all_formats() if made.sniff)


def format_of(path: str) -> Format | None:
    """The format of a file by its path: the longest telling ending first, then whole base names, then patterns."""
    return _names().of(path.lower())


@lru_cache(maxsize=1)
def _names() -> _Names:
    return _Names(all_formats())


class _Names:
    """Endings by their base name, and every pattern with a wildcard in one regular expression. Never changes."""

    def __init__(self, formats: Iterable[Format]) -> None:
        self._plain: dict[str, list[tuple[str, Format]]] = {}
        self._wild: list[tuple[str, Format]] = []
        for made in formats:
            for ending in (*made.paths, *made.names):
                self._add(ending.lower().strip("/"), made)
        for endings in self._plain.values():
            endings.sort(key=lambda row: -len(row[0]))
        self._wild.sort(key=lambda row: (-row[0].count("/"), -len(row[0])))
        wild = "|".join(f"({_as_regex(ending)})" for ending, _ in self._wild)
        self._pattern = re.compile(f"(?s:(?:^|.*/)(?:{wild}))" if wild else r"(?!)")

    def _add(self, ending: str, made: Format) -> None:
        if _WILD.isdisjoint(ending):
            self._plain.setdefault(ending.rpartition("/")[2], []).append((f"/{ending}", made))
        else:
            self._wild.append((ending, made))

    def of(self, path: str) -> Format | None:
        for ending, made in self._plain.get(path.rpartition("/")[2], ()):
            if f"/{path}".endswith(ending):
                return made
        found = self._pattern.fullmatch(path)
        return self._wild[(found.lastindex or 1) - 1][1] if found else None


def _as_regex(ending: str) -> str:
    """Of a shell pattern, where * stays within one folder. Sets ([ab]) need no translation."""
    parts = {"*": "[^/]*", "?": "[^/]"}
    return "".join(parts.get(part) or (part if part[0] == "[" else re.escape(part)) for part in _parts(ending))


def _parts(ending: str) -> list[str]:
    return re.findall(r"\[[^]/]+\]|.", ending)
