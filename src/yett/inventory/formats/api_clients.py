"""What programs that try out an API keep of it: Postman's and Insomnia's files, records of browsers, property lists.

Sources: Postman Collection Format 2.1 (`auth`, `variable`) and HAR 1.2 (`headers`): lists of names and values.
"""

from __future__ import annotations

from collections.abc import Iterator

from yett.inventory.formats.entry import Entry
from yett.inventory.formats.format import Format
from yett.inventory.formats.json_spans import json_entries
from yett.inventory.formats.named_values import named_secrets, siblings
from yett.inventory.formats.parser import hits, parser
from yett.inventory.formats.plist_values import plist_values
from yett.inventory.formats.word import Found, Word, in_header
from yett.inventory.hit import Hit


def _named(entries: list[Entry]) -> Iterator[Found]:
    """{"key": "token", "value": "..."} and {"token": "..."}."""
    families = siblings(entries)
    for entry in entries:
        family = families[entry.parent]
        name = family.get("NAME") or family.get("KEY") or ""
        if entry.key == "value" and name:
            yield from in_header(Word.of(entry), name)
    yield from named_secrets(entries)


def _pairs(kind: str, what: str, *names: str) -> Format:
    title = f"credential in {what}"

    def find(entries: list[Entry]) -> Iterator[Hit]:
        yield from hits(_named(entries), kind, title, identity="api-key")

    return Format(kind, title, "api-key", parser(json_entries, find), names)


def _in_plist(entries: list[Entry]) -> Iterator[Hit]:
    yield from hits(named_secrets(entries), "plist", "credential in a property list", identity="api-key")


FORMATS = (
    _pairs(
        "postman", "a Postman file", *(f"*.postman_{what}.json" for what in ("collection", "environment", "globals"))
    ),
    _pairs("insomnia", "an Insomnia export", "insomnia*.json", ".insomnia*.json"),
    _pairs("har", "a record of a browser", "*.har"),
    Format("plist", "credential in a property list", "api-key", parser(plist_values, _in_plist), ("*.plist",)),
)
