"""Undo the ways in which text is written inside other text: percent (RFC 3986), JSON (RFC 8259), HTML references.

A view is the text as a reader would see it: ASCII letters in lower case, escapes decoded, single line breaks gone (a
wrapped base64 value reads as one), a blank line kept as one NUL (nothing is wrapped across it, and a server-sent event
ends with it, so nothing waits there). Needles are made the same way and searched in the view.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable
from functools import lru_cache
from html.entities import html5

BLANK = b"\0"
LONGEST_ESCAPE = 48
"""No escape that is decoded here is longer; repeats are bounded, so that nobody can make Yett wait for the rest."""

UNFINISHED = re.compile(
    rb"(?:%(?:25){0,8}2?[0-9a-f]?"
    rb"|\\{1,8}(?:u[0-9a-f]{0,3}|x[0-9a-f]?)?"
    rb"|\\{1,8}ud[89ab][0-9a-f]{2}(?:\\{1,8}(?:ud?|ud[c-f][0-9a-f]?)?)?"
    rb"|&(?:amp;){0,4}(?:a|am|amp|#x?0{0,6}[0-9a-f]{0,6}|[a-z]{1,8})?)\Z"
)
"""An escape that the end of a chunk cut off, in lower case."""

_SHORT = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}
_NAMED: dict[bytes, int] = {
    name[:-1].lower().encode(): ord(char)
    for name, char in html5.items()
    if len(char) == 1 and ord(char) < 128 and name.endswith(";")
}
_LINE_BREAK = rb"\r\n?|\n"
_ANY_LINE_BREAK = _LINE_BREAK + rb"|\\\\|\\[nr]"
"""JSON's too. An escaped backslash is taken whole, so that an n behind it stays a letter."""


_BEGINS = b"\n\r\\%&"
_SHORT_BYTES = 1024


def is_plain(text: bytes) -> bool:
    """Whether it has no byte that begins an escape or a line break: every view of it is the text itself."""
    if len(text) <= _SHORT_BYTES:  # one call for five: 0.1 us instead of 0.7 for a statement
        return len(text.translate(None, _BEGINS)) == len(text)
    return b"\n" not in text and b"\r" not in text and b"\\" not in text and b"%" not in text and b"&" not in text


def join_lines(text: bytes) -> bytes:
    """The text without its line breaks; a blank line becomes BLANK. The same object if there are none."""
    if b"\n" not in text and b"\r" not in text:
        return text
    text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return text.replace(b"\n\n", BLANK).replace(b"\n", b"")


def join_written_lines(joined: bytes) -> bytes:
    """The text without the line breaks that JSON writes as two letters. The same object if there are none."""
    if b"\\n" not in joined and b"\\r" not in joined:
        return joined
    return joined.replace(b"\\r", b"").replace(b"\\n", b"")


class View:
    """Text as a reader sees it, and where in the original each byte of it stood."""

    def __init__(self, text: bytes, seen: list[int], origin: list[int]) -> None:
        self.text = text
        self._seen = seen  # offsets in the view: plain piece, escape, plain piece, escape, ...
        self._origin = origin  # the same pieces in the original

    def start(self, at: int) -> int:
        """Where the byte at `at` of the view starts in the original."""
        piece = bisect_right(self._seen, at) - 1
        return self._origin[piece] + (0 if piece % 2 else at - self._seen[piece])

    def end(self, at: int) -> int:
        """Where the byte before `at` of the view ends in the original."""
        piece = bisect_right(self._seen, at - 1) - 1
        return self._origin[piece + 1] if piece % 2 else self._origin[piece] + at - self._seen[piece]


class Escapes:
    """One family of escapes, and of it those that can stand for some bytes; others are left as they are.

    Families are kept apart, because a value may hold what looks like an escape of another family.
    """

    def __init__(self, mark: bytes, pattern: bytes, breaks: bytes = _LINE_BREAK) -> None:
        self._mark = mark
        self._relevant = re.compile(pattern)
        self._any_case = re.compile(pattern, re.IGNORECASE)
        self._pieces = re.compile(rb"(?:%s){2}|%s|%s" % (_LINE_BREAK, pattern, breaks))

    def regions(self, text: bytes, reach: int) -> list[tuple[int, int]]:
        """The parts of lower-case text that have escapes in them, or within `reach` bytes. Usually there are none."""
        return self.bounded_regions(text, reach, len(text))[0]

    def bounded_regions(self, text: bytes, reach: int, most: int) -> tuple[list[tuple[int, int]], int]:
        """The regions, and how many escapes there are; it stops counting beyond `most`."""
        if self._mark not in text:
            return [], 0
        found: list[tuple[int, int]] = []
        start, end, count = 0, -1, 0
        for match in self._relevant.finditer(text):
            count += 1
            if count > most:
                break
            if match.start() - reach > end:
                if end >= 0:
                    found.append((start, min(end, len(text))))
                start = max(0, match.start() - reach)
            end = match.end() + reach
        if end >= 0:
            found.append((start, min(end, len(text))))
        return found, count

    def decode(self, text: bytes) -> bytes:
        """One layer of escapes off, letters in their own case; line breaks stay."""
        return self._any_case.sub(lambda match: _decoded(match[0].lower()), text)

    def view(self, lower: bytes) -> View:
        """One layer of escapes off, and line breaks gone."""
        pieces: list[bytes] = []
        seen, origin = [0], [0]
        length = position = 0
        for match in self._pieces.finditer(lower):
            start, end = match.span()
            decoded = _flat(match[0])
            pieces += (lower[position:start], decoded)
            length += start - position
            seen += (length, length + len(decoded))
            origin += (start, end)
            length += len(decoded)
            position = end
        pieces.append(lower[position:])
        return View(b"".join(pieces), seen, origin)


LINE_BREAKS = Escapes(b"\n", rb"(?!)")
"""No escape at all: its view only joins lines."""
WRITTEN_LINE_BREAKS = Escapes(b"\\", rb"(?!)", _ANY_LINE_BREAK)
"""The two of JSON that occur everywhere, apart from the rest, because they can be looked for without a pattern."""


@lru_cache(maxsize=16)
def families(letters: frozenset[int]) -> tuple[Escapes, ...]:
    """Percent, HTML and JSON escapes of some bytes; a letter counts in either case.

    Each is read deep (%2541, &amp;#65; and \\u0041 are all an A) and, where values hold its mark, also one layer only.
    """
    both = letters | set(bytes(letters).upper()) | {0x0A, 0x0D}
    ascii_only = {byte for byte in both if byte < 0x80}
    percent, html, json = _hexadecimal(both), _html(ascii_only), _json(both, ascii_only)
    found = [
        Escapes(b"%", rb"%%(?:25){0,8}%s" % percent),
        Escapes(b"&", rb"&(?:amp;){0,4}%s" % html),
        Escapes(b"\\", json % {b"more": b"{0,7}"}, _ANY_LINE_BREAK),
    ]
    if 0x25 in letters:
        found.append(Escapes(b"%", rb"%%%s" % percent))
    if 0x26 in letters:
        found.append(Escapes(b"&", rb"&%s" % html))
    if 0x5C in letters:
        found.append(Escapes(b"\\", rb"\\\\|" + json % {b"more": b"{0}"}, _ANY_LINE_BREAK))
    return tuple(found)


def _html(ascii_only: set[int]) -> bytes:
    decimal = _any_of(b"%d" % byte for byte in ascii_only)
    names = _any_of(name for name, byte in _NAMED.items() if byte in ascii_only)
    return rb"(?:#0{0,6}%s|#x0{0,6}%s|%s);" % (decimal, _hexadecimal(ascii_only), names)


def _json(both: frozenset[int], ascii_only: set[int]) -> bytes:
    """To be filled in with the number of backslashes before the last one, `more`."""
    parts = [rb"u00" + _hexadecimal(ascii_only), rb"x" + _hexadecimal(both)]
    if len(ascii_only) != len(both):
        parts = [rb"ud[89ab][0-9a-f]{2}\\%(more)s\\ud[c-f][0-9a-f]{2}", rb"u[0-9a-f]{4}", *parts]
    quoted = b"".join(re.escape(bytes([byte])) for byte in b"\"'/" if byte in both)
    quoted += b"".join(letter for letter, byte in _SHORT.items() if byte not in b"\n\r" and byte[0] in both)
    short = rb"|[%s]" % quoted if quoted else b""
    return rb"\\(?:\\%(more)s(?:" + b"|".join(parts) + b")" + short + b")"


def _hexadecimal(values: Iterable[int]) -> bytes:
    """Two digits, written as one class of second digits a first digit: a fifth of the time of an alternation."""
    by_first: dict[str, str] = {}
    for value in sorted(values):
        digits = f"{value:02x}"
        by_first[digits[0]] = by_first.get(digits[0], "") + digits[1]
    return b"(?:" + b"|".join(f"{first}[{second}]".encode() for first, second in by_first.items()) + b")"


def _any_of(words: Iterable[bytes]) -> bytes:
    longest_first = sorted((re.escape(word) for word in words), key=lambda word: len(word), reverse=True)
    return b"(?:" + b"|".join(longest_first) + b")"


@lru_cache(maxsize=8192)
def _decoded(escape: bytes) -> bytes:
    """What one escape, written in lower case, stands for."""
    if escape[:1] == b"%":
        return bytes([int(escape[-2:], 16)])
    if escape[:1] == b"&":
        name = escape[:-1].rpartition(b"&")[2].rpartition(b";")[2]
        if name[:2] == b"#x":
            return bytes([int(name[2:], 16)])
        return bytes([int(name[1:]) if name[:1] == b"#" else _NAMED[name]])
    kind = escape.lstrip(b"\\")
    if not kind:
        return b"\\"
    if kind[:1] == b"x":
        return bytes([int(kind[1:], 16)])
    if kind[:1] == b"u" and len(kind) > 1:
        return _utf16(kind)
    return _SHORT.get(kind, kind)


def _utf16(units: bytes) -> bytes:
    """One code point, written as one or two \\u units without the first backslashes, in UTF-8."""
    code = int(units[1:5], 16)
    if len(units) > 5:
        code = 0x10000 + ((code & 0x3FF) << 10) + (int(units[-4:], 16) & 0x3FF)
    return chr(code).encode("utf-8", "surrogatepass")


@lru_cache(maxsize=8192)
def _flat(piece: bytes) -> bytes:
    """What a piece becomes in a view: a blank line BLANK, a line break nothing, however either is written."""
    if piece[:1] in (b"\r", b"\n"):
        return b"" if piece in (b"\n", b"\r", b"\r\n") else BLANK
    decoded = _decoded(piece)
    return b"" if decoded in (b"\n", b"\r") else decoded.lower()
