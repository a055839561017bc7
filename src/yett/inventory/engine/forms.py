"""Values that their own form gives away: where exactly they stand, and whether one was really made by its issuer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from yett.inventory.engine.filters import LEAST_BITS, is_code, is_made, is_taught, stands_alone
from yett.inventory.engine.row import Row

Span = tuple[int, int]
Checksum = Callable[[bytes], bool]
NEAR = 200
"""How far before a value one of its rule's words may stand, in bytes; anywhere in its own line counts too."""


def spans(row: Row, pattern: Any, text: bytes, checksum: Checksum | None) -> Iterator[Span]:  # Any: see regex
    """Every value of that form in the text. After a match that is none, the search goes on one byte further."""
    position, lower = 0, b""
    group = next(iter(pattern.groupindex.values()), 0)  # RE2 gives names as bytes, Python as text
    while (found := pattern.search(text, position)) is not None:
        start, end = found.span()
        position = end if end > start else end + 1
        if not stands_alone(text, start, end):
            position = start + 1
            continue
        inner = found.span(group)
        value = text[inner[0] : inner[1]]
        if not is_made(_own(row, value, group), row.entropy or LEAST_BITS):
            continue
        if row.identity == "password" and inner != (start, end) and (is_code(value) or is_taught(value)):
            continue
        if checksum is not None and not checksum(value):
            continue
        if row.near:
            lower = lower or text.lower()
            if not _is_near(row.near, lower, start, end):
                continue
        yield inner


def _own(row: Row, value: bytes, group: int) -> bytes:
    """What of it its maker chose: without the letters that every such value begins with."""
    return value if group else value[row.weight :] or value


def _is_near(words: tuple[str, ...], lower: bytes, start: int, end: int) -> bool:
    line_end = lower.find(b"\n", end, end + 2 * NEAR)
    line_start = lower.rfind(b"\n", max(0, start - 2 * NEAR), start) + 1
    around = lower[max(0, min(start - NEAR, line_start)) : line_end if line_end >= 0 else end + NEAR]
    return any(word.encode() in around for word in words)
