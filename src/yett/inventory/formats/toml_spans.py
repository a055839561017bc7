"""TOML with byte offsets (toml.io, 1.0): tables, dotted keys, the four kinds of strings, lists, inline tables."""

from __future__ import annotations

import re
from collections.abc import Iterator

from yett.inventory.formats.entry import DEEPEST, Entry
from yett.inventory.formats.format import Unparsable

_BLANK = re.compile(rb"(?:[\s,]++|#[^\n]*+)*+")
_PART = rb"""(?:[A-Za-z0-9_-]++|"(?:[^"\\\n]|\\.)*+"|'[^'\n]*+')"""
_KEY = re.compile(_PART + rb"(?:[ \t]*+\.[ \t]*+" + _PART + rb")*+")
_ONE_PART = re.compile(_PART)
_HEADER = re.compile(rb"\[(?P<many>\[)?[ \t]*+(?P<key>" + _KEY.pattern + rb")[ \t]*+\]\]?")
_EQUALS = re.compile(rb"[ \t]*+=[ \t]*+")
_VALUE = re.compile(
    rb'''(?s)"""(?:\r?\n)?(?P<long>[^"\\]*+(?:(?:\\.|"(?!""(?!"))|[^"\\])[^"\\]*+)*+)"""'''
    rb"""|'''(?:\r?\n)?(?P<raw>.*?)'''"""
    rb"""|"(?P<double>[^"\\\n]*+(?:\\.[^"\\\n]*+)*+)"|'(?P<single>[^'\n]*+)'"""
    rb"""|(?P<bare>[^\s,\[\]{}"'#=]++)"""
)
_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(\r?\n\s*)|(.))", re.DOTALL)
_SIMPLE = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "e": "\x1b"}


def toml_entries(content: bytes) -> Iterator[Entry]:
    """Every value that is no table, with its table's path before its key. Of [[x]] the path is ("x", "0", key).

    Raises:
        Unparsable: no TOML, or nested too deeply; what was given before holds.
    """
    reader = _Reader(content)
    while reader.at < len(content):
        yield from reader.line()


class _Reader:
    """Where the reader is: the byte, and the table that it is in."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._table: tuple[str, ...] = ()
        self._tables: dict[tuple[str, ...], int] = {}
        self.at = 3 if content.startswith(b"\xef\xbb\xbf") else 0
        self._skip()

    def line(self) -> Iterator[Entry]:
        """A header, or a key with all of its value."""
        if header := _HEADER.match(self._content, self.at):
            self._table = _parts(header["key"])
            if header["many"]:
                count = self._tables[self._table] = self._tables.get(self._table, -1) + 1
                self._table = (*self._table, str(count))
            self.at = header.end()
        else:
            yield from self._value((*self._table, *self._key()))
        self._skip()

    def _value(self, path: tuple[str, ...]) -> Iterator[Entry]:
        """A scalar, or a list or inline table with all that is in it: `open` holds each one's path and count (-1)."""
        opened: list[tuple[tuple[str, ...], int]] = []
        while True:
            mark = self._content[self.at : self.at + 1]
            if mark in (b"[", b"{") and mark:
                if len(opened) >= DEEPEST:
                    raise Unparsable(f"TOML nested deeper than {DEEPEST} levels")
                opened.append((path, 0 if mark == b"[" else -1))
                self.at += 1
            else:
                yield self._scalar(path)
            while opened:
                self._skip()
                mark = self._content[self.at : self.at + 1]
                if mark != (b"}" if opened[-1][1] < 0 else b"]"):
                    break
                opened.pop()
                self.at += 1
            if not opened:
                return
            table, count = opened[-1]
            path = (*table, *self._key()) if count < 0 else (*table, str(count))
            opened[-1] = (table, count if count < 0 else count + 1)

    def _scalar(self, path: tuple[str, ...]) -> Entry:
        found = _VALUE.match(self._content, self.at)
        if found is None:
            raise self._broken()
        self.at = found.end()
        group = found.lastgroup or "bare"
        value = found[group].decode("utf-8", "replace")
        if "\\" not in value or group in ("raw", "single", "bare"):
            return Entry(path, value, *found.span(group), quoted=group != "bare")
        value = _ESCAPE.sub(_unescaped, value)
        return Entry(path, value, *found.span(group), value.encode("utf-8", "replace"), quoted=True)

    def _key(self) -> tuple[str, ...]:
        found = _KEY.match(self._content, self.at)
        equals = _EQUALS.match(self._content, found.end()) if found else None
        if found is None or equals is None:
            raise self._broken()
        self.at = equals.end()
        return _parts(found[0])

    def _skip(self) -> None:
        if found := _BLANK.match(self._content, self.at):
            self.at = found.end()

    def _broken(self) -> Unparsable:
        return Unparsable(f"broken TOML at line {self._content.count(10, 0, self.at) + 1}")


def _parts(key: bytes) -> tuple[str, ...]:
    parts = tuple(part.decode("utf-8", "replace").strip("\"'") for part in _ONE_PART.findall(key))
    if len(parts) > DEEPEST:
        raise Unparsable(f"TOML nested deeper than {DEEPEST} levels")
    return parts


def _unescaped(found: re.Match[str]) -> str:
    if found[3] is not None:
        return ""
    code = int(found[1] or found[2] or "0", 16)
    if found[4] is None:
        return chr(code) if code < 0x110000 else ""
    return _SIMPLE.get(found[4], found[4])
