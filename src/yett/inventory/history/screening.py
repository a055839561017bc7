"""What this package needs of the scanner that it is given, and what it hands back."""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from yett.inventory.hit import Hit
from yett.inventory.outcome import Unread


class Engine(Protocol):
    """A screen that is fast and says too much, and a detector that is exact.

    Of everything that decides about a hit (the value, its name before it, telling words near it, the byte on either
    side) no part may lie further than `reach` bytes from another. Where a rule looks further (private keys, long
    tokens, encoded text), an expression of the screen with an id in `long` must match within every such hit, within
    `reach` bytes: an object with such a match is never judged by its changes alone, nor is what is made from it.
    """

    @property
    def reach(self) -> int: ...

    @property
    def long(self) -> Set[int]: ...

    @property
    def version(self) -> str:
        """Names the rules: what was scanned with other rules is scanned again."""

    def touches(self, buffer: bytes) -> Set[int]:
        """Ids of expressions that occur in the buffer. Empty: no rule can hit. Never misses; may say too much."""

    def hits(self, text: bytes) -> Iterable[Hit]:
        """Every credential in a whole text."""


@dataclass(frozen=True, slots=True)
class Spot:
    """One credential in an object: its value (in memory only) and its line, from 1."""

    hit: Hit
    value: bytes
    line: int


@dataclass(frozen=True, slots=True)
class Found:
    """An object of a repository's history that holds credentials. `kind` is blob, commit or tag.

    `repository` is the git folder whose history it is: a submodule has its own.
    """

    oid: str
    kind: str
    spots: tuple[Spot, ...]
    repository: Path


@dataclass(frozen=True, slots=True)
class HistoryOutcome:
    """`blobs` counts all scanned objects, `read` their bytes as if each was read whole."""

    found: tuple[Found, ...] = ()
    unread: tuple[Unread, ...] = ()
    blobs: int = 0
    read: int = 0


def spots(engine: Engine, text: bytes) -> tuple[Spot, ...]:
    """The hits of a text with what is needed of it, so that the text itself need not be kept."""
    return tuple(Spot(hit, hit.value_in(text), text.count(b"\n", 0, hit.start) + 1) for hit in engine.hits(text))
