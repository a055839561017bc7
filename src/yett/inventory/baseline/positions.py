"""JSON read so that every member of a list knows its line: an error names the place that a person must edit."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

_DECODER = json.JSONDecoder()
_BLANK = re.compile(r"[ \t\r\n]*")

Lined = list[tuple[int, Any]]  # Any: whatever the JSON holds


def document(text: str) -> dict[str, tuple[int, Any]]:
    """The object's members with their lines, counted from 1; a list's value is a `Lined`.

    Raises:
        json.JSONDecodeError: it is not one JSON object, or says the same key twice.
        RecursionError: it is nested beyond all reason.
    """
    found: dict[str, tuple[int, Any]] = {}
    at = _expect(text, _skip(text, 0), "{")
    for name, start in _members(text, at):
        if name in found:
            raise json.JSONDecodeError(f"the key {name[:40]!r} a second time", text, start)
        line = _line(text, start)
        found[name] = (line, _list(text, start) if text[start] == "[" else _DECODER.raw_decode(text, start)[0])
    return found


def _members(text: str, at: int) -> Iterator[tuple[str, int]]:
    """Each key and where its value begins."""
    at = _skip(text, at)
    while text[at : at + 1] != "}":
        if text[at : at + 1] != '"':
            raise json.JSONDecodeError("a key in quotes was expected", text, at)
        name, at = _DECODER.raw_decode(text, at)
        at = _skip(text, _expect(text, _skip(text, at), ":"))
        _need(text, at)
        yield name, at
        at = _separator(text, _skip(text, _DECODER.raw_decode(text, at)[1]), "}")
    if _skip(text, at + 1) != len(text):
        raise json.JSONDecodeError("something stands behind the end", text, at + 1)


def _list(text: str, at: int) -> Lined:
    found: Lined = []
    at = _skip(text, at + 1)
    while text[at : at + 1] != "]":
        _need(text, at)
        value, end = _DECODER.raw_decode(text, at)
        found.append((_line(text, at), value))
        at = _separator(text, _skip(text, end), "]")
    return found


def _separator(text: str, at: int, end: str) -> int:
    if text[at : at + 1] == end:
        return at
    at = _skip(text, _expect(text, at, ","))
    if text[at : at + 1] == end:
        raise json.JSONDecodeError("a comma stands before the end", text, at)
    return at


def _expect(text: str, at: int, sign: str) -> int:
    if text[at : at + 1] != sign:
        raise json.JSONDecodeError(f"{sign} was expected", text, at)
    return at + 1


def _need(text: str, at: int) -> None:
    if at >= len(text):
        raise json.JSONDecodeError("it ends too early", text, at)


def _skip(text: str, at: int) -> int:
    blank = _BLANK.match(text, at)
    return blank.end() if blank else at


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1
