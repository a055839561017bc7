"""Of hits that overlap, the first; and of the others what it leaves uncovered, if that is a secret by itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from yett.inventory.engine.filters import looks_made
from yett.inventory.hit import Hit

_JOINTS = b"-_.:;,/|+=~@ "


def apart(hits: Iterable[Hit], size: int, text: bytes = b"") -> Iterator[Hit]:
    """The hits that do not overlap an earlier one, in a text of that size: a mark a byte, as a file may be all hits.

    With the `text`, what only a name or a place told is not lost behind a known form that somebody wrote beside it.
    """
    taken = bytearray(size)
    for hit in hits:
        if taken.find(1, hit.start, hit.end) < 0:
            taken[hit.start : hit.end] = b"\1" * (hit.end - hit.start)
            yield hit
        elif text and not hit.decoded and not hit.provider:
            yield from _left(hit, taken, text)


def _left(hit: Hit, taken: bytearray, text: bytes) -> Iterator[Hit]:
    """The free parts of a hit that machines made."""
    end = hit.start
    while (start := taken.find(0, end, hit.end)) >= 0:
        end = taken.find(1, start, hit.end)
        end = end if end >= 0 else hit.end
        part = text[start:end].strip(_JOINTS)
        if looks_made(part):
            at = text.index(part, start)
            taken[at : at + len(part)] = b"\1" * len(part)
            yield replace(hit, start=at, end=at + len(part))
