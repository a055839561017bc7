"""What a secret looks like on a wire, and the one search that finds every known secret at once.

Needles are in lower case and are searched in views (escapes.py), so one needle covers every case of its letters. That
matters for hexadecimal and for hosts and header names, which lose their case; base64 loses a little precision, which 20
characters in a row make up for.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from struct import Struct

from ahocorasick_rs import BytesAhoCorasick, MatchKind

from yett.broker.escapes import BLANK, LONGEST_ESCAPE, families, is_plain, join_lines, join_written_lines
from yett.model.secret import Secret

SHORTEST = 16
"""Values below this length match by position only (law 3c): they would be found in ordinary text."""

MOST_PIECED = 200_000
"""Bytes of needles of which every piece of 8 is kept: some fifteen megabytes."""

_HEAD = 4
_BASE64_LOST = (0, 2, 3)
"""Leading characters that also carry bits of what stands before the value, by its offset modulo 3."""

_EIGHTS = tuple(Struct("8s" * count).unpack_from for count in range(129))
"""How to cut up to 1,031 bytes into pieces of 8, what is left over left out: a quarter of the time of slices."""


@dataclass(frozen=True, slots=True)
class Needle:
    """One form of one secret: raw, hex, or base64-K / base64url-K where K is the value's offset modulo 3.

    `size` is the length of the value itself, in bytes.
    """

    fingerprint: str
    form: str
    text: bytes
    size: int


@dataclass(frozen=True, slots=True)
class Found:
    """A known secret at `start` to `end` of the searched text."""

    needle: Needle
    start: int
    end: int


def needles(fingerprint: str, value: bytes) -> tuple[Needle, ...]:
    """Every form of a value, without repeats. Percent, JSON and HTML forms are views, not needles."""
    lower = value.lower()
    joined = join_lines(lower)
    # The second: a key whose lines an .env file joined with backslash-n may be written with real line breaks elsewhere.
    forms: dict[bytes, str] = {joined: "raw", join_written_lines(joined): "raw"}
    if b" " in value:
        forms.setdefault(joined.replace(b" ", b"+"), "raw")
    forms.setdefault(value.hex().encode(), "hex")
    for offset in range(3):
        core = base64_core(value, offset)
        forms.setdefault(core.lower(), f"base64-{offset}")
        forms.setdefault(core.translate(_URLSAFE).lower(), f"base64url-{offset}")
    return tuple(Needle(fingerprint, form, text, len(value)) for text, form in forms.items() if len(text) >= _HEAD)


def base64_core(value: bytes, offset: int) -> bytes:
    """The characters that a value gives in base64 wherever it starts at `offset` modulo 3, whatever is around it."""
    encoded = base64.b64encode(b"\0" * offset + value)
    return encoded[_BASE64_LOST[offset] : (offset + len(value)) * 8 // 6]


_URLSAFE = bytes.maketrans(b"+/", b"-_")
_ENCODED = frozenset(b"abcdefghijklmnopqrstuvwxyz0123456789+/-_%&#;\\")
"""What an encoding of an encoding consists of: where layers are taken off, these bytes count too."""


class Needles:
    """Every known secret of SHORTEST bytes or more, ready to search. Immutable: a new secret makes a new one."""

    def __init__(self, values: Mapping[str, Secret]) -> None:
        self._all = tuple(
            needle
            for fingerprint, value in values.items()
            if len(value) >= SHORTEST
            for needle in needles(fingerprint, value.reveal())
        )
        texts = [needle.text for needle in self._all]
        self._search = BytesAhoCorasick(texts, MatchKind.Standard) if texts else None
        self.longest = max(map(len, texts), default=0)
        self.reach = 2 * self.longest + LONGEST_ESCAPE
        """Two escapes of one value are never further apart, however it is wrapped."""
        self.hold_blank = any(BLANK in text for text in texts)
        letters = frozenset(byte for text in texts for byte in text)
        self.families = families(letters)
        self.deep_families = families(letters | _ENCODED)
        self._heads: dict[bytes, list[bytes]] = {}
        self._starts: set[bytes] = set()
        for text in texts:
            self._heads.setdefault(text[:_HEAD], []).append(text)
            self._starts.update(text[:length] for length in range(1, _HEAD))
        pieced = min(map(len, texts), default=15) >= 15 and sum(map(len, texts)) <= MOST_PIECED
        self._pieces = {text[at : at + 8] for text in texts for at in range(len(text) - 7)} if pieced else None
        self._head_search = BytesAhoCorasick(list(self._heads), MatchKind.Standard) if texts else None

    def __bool__(self) -> bool:
        return bool(self._all)

    def are_absent(self, text: bytes) -> bool:
        """True: none of them stands in the text, which is short, in any view of it. False: look.

        A text without a byte that begins an escape or a line break is all its views at once. Of a needle of 15 bytes
        or more, wherever it stands, one piece of 8 begins at a multiple of 8. `find` lets go of the interpreter's lock,
        which for a statement costs more than the search: others take it meanwhile.
        """
        pieces, count = self._pieces, len(text) // 8
        if pieces is None or count >= len(_EIGHTS) or not is_plain(text):
            return False
        return pieces.isdisjoint(_EIGHTS[count](text.lower()))

    def find_one(self, text: bytes) -> Needle | None:
        """The first needle in the text."""
        hits = self._search.find_matches_as_indexes(text) if self._search is not None else ()
        return self._all[hits[0][0]] if hits else None

    def find(self, text: bytes) -> list[Found]:
        """Every occurrence, overlapping ones included."""
        if self._search is None:
            return []
        hits = self._search.find_matches_as_indexes(text, overlapping=True)
        return [Found(self._all[i], start, end) for i, start, end in hits]

    def unfinished(self, text: bytes) -> int:
        """Where the longest end of `text` starts that could become a needle when more comes; its length if none."""
        if self._head_search is None:
            return len(text)
        base = max(0, len(text) - self.longest + 1)
        tail = text[base:]
        for _, start, _ in sorted(self._head_search.find_matches_as_indexes(tail, overlapping=True), key=_by_start):
            rest = tail[start:]
            if any(needle != rest and needle.startswith(rest) for needle in self._heads[rest[:_HEAD]]):
                return base + start
        for length in range(min(_HEAD - 1, len(tail)), 0, -1):
            if tail[-length:] in self._starts:
                return len(text) - length
        return len(text)


def _by_start(match: tuple[int, int, int]) -> int:
    return match[1]
