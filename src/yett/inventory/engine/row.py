"""A rule as the engine uses it: made from a kinds file or a provider's room, and kept in the cache as plain values."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields

from yett.inventory.severity import Severity

SHORTEST_ANCHOR = 3
"""A literal of one or two letters stands in every second word."""
_LITERAL = re.compile(r"(?:[A-Za-z0-9_=/:@-]|\\[.+$/-])+(?![?*{+])")


@dataclass(frozen=True, slots=True)
class Row:
    """`kind` is what the finding is called, `provider` its issuer. Either `pattern`, or `names` with `value`."""

    kind: str
    provider: str
    title: str
    identity: str
    severity: int
    broad: bool
    pattern: str
    near: tuple[str, ...]
    entropy: float
    checksum: str
    names: tuple[str, ...]
    value: str
    anchors: tuple[str, ...]

    @property
    def level(self) -> Severity:
        return Severity(self.severity)

    @property
    def is_signed(self) -> bool:
        """Whether its issuer's own form says whose it is: no password does, no key that anyone can make, nor what is
        known by a word near it only.
        """
        return bool(self.pattern) and self.identity not in ("password", "certificate") and not self.near

    @property
    def weight(self) -> int:
        """How much its own form says: of two rules at one place, the heavier is meant."""
        return min((len(anchor) for anchor in self.anchors), default=0)


NAMES = tuple(field.name for field in fields(Row))


def plain(row: Row) -> tuple[object, ...]:
    """What `marshal` can write."""
    return tuple(getattr(row, name) for name in NAMES)


def leading(pattern: str) -> tuple[str, ...]:
    """The literal that a pattern starts with, as a tuple; () if it starts with none of three letters or more."""
    found = _LITERAL.match(pattern)
    literal = found[0].replace("\\", "") if found else ""
    return (literal,) if len(literal) >= SHORTEST_ANCHOR else ()
