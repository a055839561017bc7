"""Files whose form says where their credentials stand: parsers first, because a password there looks like any word."""

from __future__ import annotations

import glob
import re
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from yett.inventory.hit import Hit

SHORTEST = 6
"""Shorter values in a credential's place are kept out: they would stand in every second line of text."""
_EMPTY = frozenset({b"null", b"none", b"true", b"false", b"undefined", b"changeme", b"password"})

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Place:
    """One entry of places.toml. `path` starts with ~/ and may have a * in its last part."""

    title: str
    path: str
    name: str
    style: str
    keys: tuple[str, ...]

    def paths(self, home: Path) -> Iterator[str]:
        """The files of that place that there may be."""
        path = str(home / self.path.removeprefix("~/"))
        if "*" not in self.path:
            yield path
            return
        yield from sorted(found for found in glob.glob(path) if not found.endswith(".pub"))

    def hits(self, content: bytes) -> Iterator[Hit]:
        """The values that are credentials because of where they stand."""
        for start, end in _STYLES[self.style](content, self.keys):
            if end - start >= SHORTEST and content[start:end].lower() not in _EMPTY:
                yield Hit("", _kind(self.title), self.title, False, start, end)


@lru_cache(maxsize=1)
def places() -> tuple[Place, ...]:
    rows = tomllib.loads((Path(__file__).parent / "places.toml").read_text("utf-8"))["place"]
    return tuple(
        Place(row["title"], row["path"], row.get("name", ""), row.get("style", ""), tuple(row.get("keys", ())))
        for row in rows
    )


@lru_cache(maxsize=1)
def places_by_name() -> dict[str, Place]:
    """Files that are credential files wherever they lie, by their name."""
    return {place.name: place for place in places() if place.name}


def _kind(title: str) -> str:
    return "client-login" if title.startswith("login") else "client-credential"


def _members(content: bytes, keys: tuple[str, ...]) -> Iterator[Span]:
    """Values of `keys` in JSON (comments and all), YAML, TOML, INI: the value up to its quote, comma or line's end.

    An npm key stands behind its registry: //HOST/:_authToken=...
    """
    if keys:
        for found in _member_pattern(keys).finditer(content):
            name = "quoted" if found["quoted"] is not None else "plain"
            yield found.span(name)


@lru_cache(maxsize=128)
def _member_pattern(keys: tuple[str, ...]) -> re.Pattern[bytes]:
    names = b"|".join(re.escape(key.encode()) for key in keys)
    return re.compile(
        rb"(?im)(?<![A-Za-z0-9_-])[\"']?(?:" + names + rb")[\"']?[ \t]*[:=][ \t]*"
        rb"(?:[\"'](?P<quoted>[^\"'\r\n]+)[\"']|(?P<plain>[^\s\"',{}\[\]#][^\s,{}]*))"
    )


def _netrc(content: bytes, _keys: tuple[str, ...]) -> Iterator[Span]:
    for found in re.finditer(rb"(?:^|\s)(?:password|account)\s+\"?(?P<value>[^\s\"]+)", content):
        yield found.span("value")


def _pgpass(content: bytes, _keys: tuple[str, ...]) -> Iterator[Span]:
    """host:port:database:user:password, where \\: and \\\\ stand for themselves (PostgreSQL documentation, 34.16)."""
    part = rb"(?:[^:\\\r\n]|\\.)*"
    for found in re.finditer(rb"(?m)^(?!#)" + rb":".join([part] * 4) + rb":(?P<value>[^\r\n]+)$", content):
        yield found.span("value")


def _whole(content: bytes, _keys: tuple[str, ...]) -> Iterator[Span]:
    value = content.strip()
    if value and len(value.split()) == 1:
        start = content.index(value)
        yield start, start + len(value)


def _copilot(content: bytes, _keys: tuple[str, ...]) -> Iterator[Span]:
    """The tokens by login: "copilotTokens": {"https://github.com:LOGIN": "..."}."""
    block = re.search(rb'"copilotTokens"\s*:\s*\{[^{}]*\}', content)
    if block is not None:
        for found in re.compile(rb'":\s*"(?P<value>[^"\r\n]+)"').finditer(content, *block.span()):
            yield found.span("value")


_STYLES: dict[str, Callable[[bytes, tuple[str, ...]], Iterator[Span]]] = {
    "": _members,
    "netrc": _netrc,
    "pgpass": _pgpass,
    "whole": _whole,
    "copilot": _copilot,
}
