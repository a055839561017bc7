"""The log's rows in the store: its size, its right edge, its newest time, and how they are added."""

from __future__ import annotations

import json

from sqlalchemy import Connection, select

from yett.ledger.tree import WIDTH, Tile, Tree, leaf_hash
from yett.model.errors import LedgerUnavailable
from yett.store.tables import ledger_entry, ledger_tile


class LedgerDamaged(LedgerUnavailable):
    """The log on disk is not the log that was signed. No writer goes on from here."""


def load_tree(connection: Connection) -> Tree:
    """Read the right edge: leaves since the last full tile, and the roots of the tiles that fill no tile above.

    Raises:
        LedgerDamaged: entries or tiles are missing there.
    """
    size = log_size(connection)
    edges: list[tuple[bytes, ...]] = []
    width, level = size, 0
    while width:
        start = width - width % WIDTH
        if level == 0:
            column, where = ledger_entry.c.data, ledger_entry.c.idx >= start
            rows = connection.execute(select(column).where(where).order_by(ledger_entry.c.idx)).scalars()
            edge = tuple(leaf_hash(bytes(data)) for data in rows)
        else:
            where = (ledger_tile.c.level == level - 1) & (ledger_tile.c.idx >= start)
            rows = connection.execute(select(ledger_tile.c.root).where(where).order_by(ledger_tile.c.idx)).scalars()
            edge = tuple(bytes(root) for root in rows)
        if len(edge) != width - start:
            raise LedgerDamaged(
                f"The log's newest hashes at level {level} are incomplete.", "Restore the store from a backup."
            )
        edges.append(edge)
        width, level = width // WIDTH, level + 1
    return Tree(size, tuple(edges))


def log_size(connection: Connection) -> int:
    """How many entries the log has."""
    last = connection.exec_driver_sql("SELECT max(idx) FROM ledger_entry").scalar()  # plain SQL: once a batch
    return 0 if last is None else int(last) + 1


def last_time(connection: Connection) -> int:
    """The time of the newest entry, 0 in an empty log. Raises LedgerDamaged."""
    newest = select(ledger_entry.c.data).order_by(ledger_entry.c.idx.desc()).limit(1)
    data = connection.execute(newest).scalar()
    try:
        return 0 if data is None else int(json.loads(data)["at"])
    except (ValueError, KeyError, TypeError) as error:
        raise LedgerDamaged("The log's newest entry cannot be read.", "Run yett log verify.") from error


_INSERT = {
    "sqlite": ("INSERT INTO ledger_entry (idx, data) VALUES (?, ?)", "INSERT INTO ledger_tile VALUES (?, ?, ?, ?)"),
    "postgresql": (
        "INSERT INTO ledger_entry (idx, data) VALUES (%s, %s)",
        "INSERT INTO ledger_tile VALUES (%s, %s, %s, %s)",
    ),
}


def insert_entries(connection: Connection, first: int, entries: list[bytes], tiles: list[Tile]) -> None:
    """The hot path: plain SQL, one prepared statement for all rows."""
    into_entries, into_tiles = _INSERT[connection.dialect.name]
    if entries:
        connection.exec_driver_sql(into_entries, list(enumerate(entries, first)))
    if tiles:
        connection.exec_driver_sql(into_tiles, [(t.level, t.index, t.root, t.hashes) for t in tiles])
