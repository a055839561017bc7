"""Of hits that overlap, the first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from yett.inventory.hit import Hit


def apart(hits: Iterable[Hit], size: int) -> Iterator[Hit]:
    """The hits that do not overlap an earlier one, in a text of that size: a mark a byte, as a file may be all hits."""
    taken = bytearray(size)
    for hit in hits:
        if taken.find(1, hit.start, hit.end) < 0:
            taken[hit.start : hit.end] = b"\1" * (hit.end - hit.start)
            yield hit
