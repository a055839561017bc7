"""Inclusion and consistency proofs for every size the log ever had, read from the store (RFC 6962, section 2.1)."""

from __future__ import annotations

from sqlalchemy import Connection, select

from yett.ledger.rows import LedgerDamaged
from yett.ledger.tree import EMPTY_ROOT, HEIGHT, WIDTH, leaf_hash, node_hash, split, subtree_hash
from yett.model.errors import YettError
from yett.store.tables import ledger_entry, ledger_tile


class NoProof(YettError):
    """There is nothing to prove: no such entry, or no such size."""


def root_at(connection: Connection, size: int) -> bytes:
    """MTH(D[0:size]): the root the log had at that size."""
    return EMPTY_ROOT if size == 0 else _Hashes(connection).over(0, size)


def inclusion_proof(connection: Connection, index: int, size: int) -> tuple[bytes, ...]:
    """PATH(index, D[0:size]), from the leaf's sibling up (section 2.1.1). Raises NoProof."""
    if not 0 <= index < size:
        raise NoProof(f"Entry {index} is not in a log of {size} entries.", "Ask for an entry that is in it.")
    hashes, path = _Hashes(connection), []
    low, high = 0, size
    while high - low > 1:
        middle = low + _left_width(high - low)
        if index < middle:
            path.append(hashes.over(middle, high))
            high = middle
        else:
            path.append(hashes.over(low, middle))
            low = middle
    return tuple(reversed(path))


def consistency_proof(connection: Connection, old: int, size: int) -> tuple[bytes, ...]:
    """PROOF(old, D[0:size]): the log of `old` entries is a prefix (section 2.1.2). Empty for 0 and for equal sizes."""
    if not 0 <= old <= size:
        raise NoProof(f"A log of {size} entries was never {old} entries large.", "Give the smaller size first.")
    if old == 0:
        return ()
    hashes, path = _Hashes(connection), []
    low, high = 0, size
    while high != old:
        middle = low + _left_width(high - low)
        if old <= middle:
            path.append(hashes.over(middle, high))
            high = middle
        else:
            path.append(hashes.over(low, middle))
            low = middle
    if low > 0:  # SUBPROOF's flag b is false: the verifier does not know this subtree yet
        path.append(hashes.over(low, high))
    return tuple(reversed(path))


def _left_width(count: int) -> int:
    """k of section 2.1: the largest power of two smaller than `count`."""
    return 1 << ((count - 1).bit_length() - 1)


class _Hashes:
    """Subtree hashes out of stored tiles; each tile is read once."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._tiles: dict[tuple[int, int], list[bytes]] = {}

    def over(self, low: int, high: int) -> bytes:
        """MTH(D[low:high]) for a range that RFC 6962 splits off."""
        width = high - low
        if width & (width - 1) == 0:
            return self._perfect(width.bit_length() - 1, low)
        middle = low + _left_width(width)
        return node_hash(self.over(low, middle), self.over(middle, high))

    def _perfect(self, height: int, start: int) -> bytes:
        """The perfect subtree over the 2**height leaves from `start`."""
        level, rest = divmod(height, HEIGHT)
        tile, offset = divmod(start >> (level * HEIGHT), WIDTH)
        hashes = self._tile(level, tile)[offset : offset + (1 << rest)]
        if len(hashes) != 1 << rest:
            raise LedgerDamaged(
                f"Hashes are missing from tile {tile} at level {level}.", "Restore the store from a backup."
            )
        return subtree_hash(hashes)

    def _tile(self, level: int, index: int) -> list[bytes]:
        if (level, index) not in self._tiles:
            where = (ledger_tile.c.level == level) & (ledger_tile.c.idx == index)
            full = self._connection.execute(select(ledger_tile.c.hashes).where(where)).scalar()
            self._tiles[level, index] = split(bytes(full)) if full is not None else self._edge(level, index * WIDTH)
        return self._tiles[level, index]

    def _edge(self, level: int, start: int) -> list[bytes]:
        """A tile that is not full yet: leaf hashes of entries, or the roots of the tiles below."""
        if level == 0:
            entries = select(ledger_entry.c.data).where(ledger_entry.c.idx >= start).order_by(ledger_entry.c.idx)
            return [leaf_hash(bytes(data)) for data in self._connection.execute(entries).scalars()]
        below = (ledger_tile.c.level == level - 1) & (ledger_tile.c.idx >= start)
        roots = select(ledger_tile.c.root).where(below).order_by(ledger_tile.c.idx)
        return [bytes(root) for root in self._connection.execute(roots).scalars()]
