"""The Merkle tree of RFC 6962, section 2.1, kept as C2SP tiles: 256 hashes wide, eight levels high.

A `Tree` is a value: growing it makes another one, so a transaction that fails leaves nothing to take back.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

WIDTH = 256
HEIGHT = 8
EMPTY_ROOT = hashlib.sha256(b"").digest()

_sha256 = hashlib.sha256


def leaf_hash(data: bytes) -> bytes:
    """MTH({d}) = SHA-256(0x00 || d)."""
    return _sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 || left || right)."""
    return _sha256(b"\x01" + left + right).digest()


def subtree_hash(hashes: Sequence[bytes]) -> bytes:
    """The root over `hashes`, whose number is a power of two."""
    while len(hashes) > 1:
        pairs = iter(hashes)
        hashes = [_sha256(b"\x01" + left + right).digest() for left, right in zip(pairs, pairs, strict=True)]
    return hashes[0]


def peaks(hashes: Sequence[bytes]) -> list[bytes]:
    """The roots of the largest perfect subtrees over `hashes`, from left to right."""
    found, start = [], 0
    while start < len(hashes):
        width = 1 << ((len(hashes) - start).bit_length() - 1)
        found.append(subtree_hash(hashes[start : start + width]))
        start += width
    return found


def split(data: bytes) -> list[bytes]:
    """A tile's bytes as its hashes."""
    return [data[i : i + 32] for i in range(0, len(data), 32)]


@dataclass(frozen=True, slots=True)
class Tile:
    """A full tile and its own root, which is one hash of the tile above."""

    level: int
    index: int
    root: bytes
    hashes: bytes


@dataclass(frozen=True, slots=True)
class Tree:
    """The right edge of the log: for each level, the hashes that have not filled a tile yet. `edges[0]` are leaves."""

    size: int = 0
    edges: tuple[tuple[bytes, ...], ...] = ()

    def grow(self, leaves: Sequence[bytes]) -> tuple[Tree, list[Tile]]:
        """Append leaf hashes: the tree that results, and the tiles that they filled."""
        edges: list[tuple[bytes, ...]] = []
        tiles: list[Tile] = []
        fresh, level = leaves, 0
        while fresh or level < len(self.edges):
            row = (*(self.edges[level] if level < len(self.edges) else ()), *fresh)
            full = _full_tiles(level, self.size // WIDTH ** (level + 1), row)
            edges.append(row[len(full) * WIDTH :])
            tiles.extend(full)
            fresh, level = [tile.root for tile in full], level + 1
        return Tree(self.size + len(leaves), tuple(edges)), tiles

    def root(self) -> bytes:
        """MTH over all leaves: the perfect subtrees of every edge, folded from the right."""
        accumulated: bytes | None = None
        for edge in self.edges:
            for peak in reversed(peaks(edge)):
                accumulated = peak if accumulated is None else node_hash(peak, accumulated)
        return EMPTY_ROOT if accumulated is None else accumulated


def _full_tiles(level: int, first: int, row: Sequence[bytes]) -> list[Tile]:
    parts = [row[start : start + WIDTH] for start in range(0, len(row) - WIDTH + 1, WIDTH)]
    return [Tile(level, first + i, subtree_hash(part), b"".join(part)) for i, part in enumerate(parts)]
