"""INI, properties and git configuration with byte offsets: sections, keys, values over several lines."""

from __future__ import annotations

import re
from collections.abc import Iterator

from yett.inventory.formats.entry import Entry

_SECTION = re.compile(rb"[ \t]*\[[ \t]*(?P<name>[^\]\r\n]*+)\]")
_QUOTED_SECTION = re.compile(rb'(?P<name>[^"\s]+)[ \t]+"(?P<of>(?:[^"\\]|\\.)*)"')
_PAIR = re.compile(rb"(?P<indent>[ \t]*+)(?P<key>[^\s=:;#\[][^=:\r\n]*?)[ \t]*[=:](?!//)[ \t]*+(?P<value>[^\r\n]*)")
_EQUALS = re.compile(rb"(?P<indent>[ \t]*+)(?P<key>[^\s=;#\[][^=\r\n]*?)[ \t]*=[ \t]*+(?P<value>[^\r\n]*)")
LONGEST_KEY = 300


def ini_entries(content: bytes, *, separators: str = "=:", comments: bytes = b";#") -> Iterator[Entry]:
    """Every value with the path (section, key); keys before the first section have the path (key,).

    A git section `[url "x"]` gives the path ("url", "x", key). An indented line that is no pair goes on with the
    list before it (pip, configparser): it is an entry of its own, with the same path. Quotes around a value are not a
    part of it. With separators "=" a colon may stand in keys (npm).
    """
    pair = _EQUALS if separators == "=" else _PAIR
    section: tuple[str, ...] = ()
    path: tuple[str, ...] = ()
    for start, end in lines(content):
        line = content[start:end]
        if line.lstrip()[:1] in comments:  # b"" is in anything: a blank line
            continue
        if found := _SECTION.match(line):
            section = path = _section(found["name"])
            continue
        if (found := _pair(pair, line)) is not None:
            path = (*section, _text(found["key"]))
            at = start + found.start("value")
        elif line[:1] in b" \t" and len(path) > len(section):
            at = start + len(line) - len(line.lstrip())
        else:
            continue
        yield _entry(content, path, at, end, comments)


def lines(content: bytes) -> Iterator[tuple[int, int]]:
    """The lines without their ends, from behind a byte order mark."""
    at = 3 if content.startswith(b"\xef\xbb\xbf") else 0
    while at < len(content):
        end = content.find(b"\n", at)
        end = len(content) if end < 0 else end
        yield at, end - 1 if content[end - 1 : end] == b"\r" and end > at else end
        at = end + 1


def _pair(pattern: re.Pattern[bytes], line: bytes) -> re.Match[bytes] | None:
    """Only a short key is one: the pattern would read a long line twice."""
    found = pattern.match(line[:LONGEST_KEY])
    return pattern.match(line) if found else None


def _section(name: bytes) -> tuple[str, ...]:
    found = _QUOTED_SECTION.fullmatch(name.strip())
    if found is None:
        return (_text(name),)
    return (_text(found["name"]), _text(found["of"]).replace('\\"', '"').replace("\\\\", "\\"))


def _entry(content: bytes, path: tuple[str, ...], start: int, end: int, comments: bytes) -> Entry:
    raw = content[start:end].rstrip()
    quote = raw[:1]
    if quote in (b'"', b"'") and (close := raw.find(quote, 1)) > 0 and _is_rest(raw[close + 1 :], comments):
        return Entry(path, _text(raw[1:close]), start + 1, start + close, quoted=True)
    return Entry(path, _text(raw), start, start + len(raw))


def _is_rest(raw: bytes, comments: bytes) -> bool:
    """Whether nothing but a comment follows the closing quote."""
    raw = raw.strip()
    return not raw or raw[0] in comments


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace").strip()
