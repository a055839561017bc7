"""JSON with byte offsets, as people and programs write it: comments, trailing commas, single quotes, bare keys, lines.

Grammar: RFC 8259 and JSON5 (json5.org), read without recursion; several values behind each other (JSON lines) are one
file. Commas are taken as blanks: whoever forgot one still has a password there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from yett.inventory.formats.entry import DEEPEST, Entry
from yett.inventory.formats.format import Unparsable

_BLANK = re.compile(rb"(?:[\s,]++|//[^\n]*+|\#[^\n]*+|/\*(?s:.*?)\*/)*+")
_TOKEN = re.compile(
    rb"""(?s)(?P<mark>[{}\[\]:])"""
    rb"""|"(?P<double>[^"\\]*+(?:\\.[^"\\]*+)*+)\""""
    rb"""|'(?P<single>[^'\\]*+(?:\\.[^'\\]*+)*+)'"""
    rb"""|(?P<bare>[A-Za-z0-9_$.+-][^\s,:{}\[\]"'\\#\0]*+)"""
)
_ROOT_WORD = re.compile(rb"null|true|false|[+-]?[0-9][0-9.eE+-]*")
_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|x([0-9A-Fa-f]{2})|(.))", re.DOTALL)
_SIMPLE = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "0": "\0", "\n": ""}


def json_entries(content: bytes) -> Iterator[Entry]:
    """Every string, number and word that is a value, in the file's order. The path of a value at the root is empty.

    Raises:
        Unparsable: no JSON, or nested too deeply; what was given before holds.
    """
    nest = _Nest()
    at = 3 if content.startswith(b"\xef\xbb\xbf") else 0
    while (at := _after_blank(content, at)) < len(content):
        token = _TOKEN.match(content, at)
        if token is None or not nest.takes(token):
            raise Unparsable(f"broken JSON at line {content.count(10, 0, at) + 1}")
        if token.lastgroup != "mark" and (path := nest.place(token)) is not None:
            yield _entry(path, token)
        at = token.end()
    if nest.open:
        raise Unparsable("the JSON ends in the middle")


def _after_blank(content: bytes, at: int) -> int:
    found = _BLANK.match(content, at)
    return found.end() if found else at


class _Nest:
    """Where in the structure the reader is: one key a level, and whether it waits for a key, a colon or a value."""

    def __init__(self) -> None:
        self._keys: list[str] = []
        self._counts: list[int] = []
        """Of a list the values so far; -1 in an object that waits for a key, -2 for a colon, -3 for a value."""

    @property
    def open(self) -> bool:
        return bool(self._counts)

    def takes(self, token: re.Match[bytes]) -> bool:
        """Whether the grammar allows the token here; brackets and colons are taken in at once."""
        state = self._counts[-1] if self._counts else 0
        mark = token["mark"]
        if mark is None:
            return state != -2 and (self.open or token["bare"] is None or _ROOT_WORD.fullmatch(token[0]) is not None)
        if mark == b":":
            if state == -2:
                self._counts[-1] = -3
            return state == -2
        if mark in b"}]":
            return self._close(state == -1 if mark == b"}" else self.open and state >= 0)
        return self._open(mark, state)

    def place(self, token: re.Match[bytes]) -> tuple[str, ...] | None:
        """Of the scalar that comes now its path, None if it is a key."""
        if not self._counts:
            return ()
        if self._counts[-1] == -1:
            self._counts[-1] = -2
            self._keys[-1] = _text(token)
            return None
        self._count()
        return tuple(self._keys)

    def _open(self, mark: bytes, state: int) -> bool:
        if state in (-1, -2):
            return False
        if len(self._counts) >= DEEPEST:
            raise Unparsable(f"JSON nested deeper than {DEEPEST} levels")
        if self._counts:
            self._count()
        self._keys.append("")
        self._counts.append(-1 if mark == b"{" else 0)
        return True

    def _close(self, matches: bool) -> bool:
        if matches:
            self._keys.pop()
            self._counts.pop()
        return matches

    def _count(self) -> None:
        """A value begins here: name its position in a list; an object waits for a key again."""
        if self._counts[-1] == -3:
            self._counts[-1] = -1
        else:
            self._keys[-1] = str(self._counts[-1])
            self._counts[-1] += 1


def _entry(path: tuple[str, ...], token: re.Match[bytes]) -> Entry:
    group = token.lastgroup or "bare"
    value = _text(token)
    decoded = value.encode("utf-8", "surrogatepass") if b"\\" in token[group] else b""
    return Entry(path, value, *token.span(group), decoded, quoted=group != "bare")


def _text(token: re.Match[bytes]) -> str:
    raw = token[token.lastgroup or "bare"].decode("utf-8", "replace")
    if "\\" not in raw:
        return raw
    try:
        return str(json.loads(f'"{raw}"', strict=False))  # knows surrogate pairs
    except ValueError:
        return _ESCAPE.sub(_unescaped, raw)


def _unescaped(found: re.Match[str]) -> str:
    code = found[1] or found[2]
    return chr(int(code, 16)) if code else _SIMPLE.get(found[3], found[3])
