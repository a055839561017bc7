"""Apple's property lists in XML: <key>name</key> before <string>value</string> (plist(5))."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from yett.inventory.formats.entry import Entry, Path
from yett.inventory.formats.xml_spans import xml_entries


def plist_values(content: bytes) -> Iterator[Entry]:
    """Every text with the key before it.

    Raises:
        Unparsable: no XML; the binary form is none either.
    """
    keys: dict[Path, str] = {}
    for entry in xml_entries(content):
        if entry.key == "key":
            keys[entry.parent] = entry.value
        elif entry.key == "string" and (name := keys.pop(entry.parent, "")):
            yield replace(entry, path=(*entry.parent, name))
