"""XML as names and values: <add key="X" value="Y"/>, <property name="X">Y</property>, <X>Y</X>."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from yett.inventory.formats.entry import Entry, Path
from yett.inventory.formats.xml_spans import xml_entries

_NAMES = ("@name", "@key", "@id", "@property")
_VALUES = ("@value", "@connectionstring", "@content")


def xml_values(content: bytes) -> Iterator[Entry]:
    """Every value by its name. Elements of one name beside each other are numbered: accounts are not mixed up."""
    yield from _named(_numbered(xml_entries(content)))


def _numbered(entries: Iterable[Entry]) -> Iterator[Entry]:
    """An object ends where a key comes a second time."""
    seen: dict[Path, set[str]] = {}
    counts: dict[Path, int] = {}
    for entry in entries:
        keys = seen.setdefault(entry.parent, set())
        if entry.key in keys:
            keys.clear()
            counts[entry.parent] = counts.get(entry.parent, 0) + 1
        keys.add(entry.key)
        yield replace(entry, path=(*entry.parent, f"#{counts.get(entry.parent, 0)}", entry.key))


def _named(entries: Iterable[Entry]) -> Iterator[Entry]:
    names: dict[Path, str] = {}
    """By element (without the number) what its last name attribute said."""
    for entry in entries:
        element, key = entry.path[:-2], entry.key.lower()
        if key in _NAMES:
            names[element] = entry.value
        if key in _VALUES and element in names:
            yield replace(entry, path=(*element[:-1], names[element]))
        elif not key.startswith("@") and (name := names.pop((*element, entry.key), "")):
            yield replace(entry, path=(*element, name))
        elif key == "value" and element in names:
            yield replace(entry, path=(*element[:-1], names[element]))
        else:
            yield replace(entry, path=(*entry.parent, entry.key.removeprefix("@")))
