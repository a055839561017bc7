"""Text about a finding that may hold a value itself: a file that is named like a key, an account that is one."""

from __future__ import annotations

from collections.abc import Iterable

from ahocorasick_rs import BytesAhoCorasick, MatchKind

from yett.inventory.engine import Detector

SHORTEST = 8
"""A shorter value would hide ordinary words of a path."""
HIDDEN = b"[secret]"
MOST = 5000
"""Characters kept of one text: any path of a file system, not any name within an archive."""


class Hiding:
    """What may be kept of a text: printable Unicode, in which no value of these stands, nor one by its own form."""

    def __init__(self, detector: Detector, values: Iterable[bytes]) -> None:
        self._detector = detector
        found = [value for value in values if len(value) >= SHORTEST]
        self._search = BytesAhoCorasick(found, MatchKind.LeftmostLongest) if found else None

    def clean(self, text: str) -> str:
        raw = text.encode("utf-8", "surrogateescape")
        spans = [(hit.start, hit.end) for hit in self._detector.hits(raw)]
        if self._search is not None:
            spans += [(start, end) for _, start, end in self._search.find_matches_as_indexes(raw)]
        return plain(_without(raw, spans) if spans else raw)


def plain(text: str | bytes) -> str:
    """A path as text that any store and log takes: what is no UTF-8, and NUL, is written as an escape."""
    raw = text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text
    shown = raw.decode("utf-8", "backslashreplace").replace("\0", "\\x00")
    return shown if len(shown) <= MOST else shown[: MOST - 1] + "…"


def is_whole(path: str) -> bool:
    """Whether a kept path is the file's own name, so that one may look for it there."""
    return HIDDEN.decode() not in path and "\\x" not in path and len(path) < MOST


def _without(raw: bytes, spans: list[tuple[int, int]]) -> bytes:
    parts, at = [], 0
    for start, end in sorted(spans):
        if end > at:
            parts += [raw[at : max(at, start)], HIDDEN if start >= at else b""]
            at = end
    return b"".join([*parts, raw[at:]])
