"""The log as a folder of static files, as C2SP tlog-tiles lays it out (https://c2sp.org/tlog-tiles).

`checkpoint`, `tile/<L>/<N>[.p/<W>]`, `tile/entries/<N>[.p/<W>]`, and beside them `vkey`: the log's verifier key, for
convenience only. Whoever verifies takes the key from somewhere else.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Connection, select

from yett.ledger.notes import Checkpoint, VerifierKey, open_checkpoint
from yett.ledger.tree import WIDTH, leaf_hash, subtree_hash
from yett.model.errors import ConfigurationError
from yett.store.engine import Store
from yett.store.tables import ledger_checkpoint, ledger_entry, meta


def export(store: Store, folder: Path, note: str | None = None) -> Checkpoint:
    """Write the log up to `note` (default: the newest checkpoint in the store) into an empty or new `folder`.

    Tiles are computed from the entries, not copied, so that an export says what the entries say.

    Raises:
        ConfigurationError: the folder is not empty, or nothing has been signed yet.
        StoreUnavailable: the store failed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise ConfigurationError(f"{folder} is not empty.", "Name a new folder for the export.")
    return store.read(lambda connection: _export(connection, folder, note))


def tile_path(index: int, width: int = WIDTH) -> str:
    """The `<N>[.p/<W>]` of a tile: 1234067 is x001/x234/067."""
    digits = str(index)
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[i : i + 3] for i in range(0, len(digits), 3)]
    name = "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])
    return name if width == WIDTH else f"{name}.p/{width}"


def _export(connection: Connection, folder: Path, note: str | None) -> Checkpoint:
    vkey = connection.execute(select(meta.c.value).where(meta.c.key == "log.vkey")).scalar()
    note = note or connection.execute(select(ledger_checkpoint.c.note)).scalar()
    if vkey is None or note is None:
        raise ConfigurationError("The log has no checkpoint yet.", "Let the daemon write an entry first.")
    signed = open_checkpoint(note, VerifierKey.parse(vkey))
    roots = list(_write_level_zero(connection, folder, signed.size))
    level = 1
    while roots:
        roots = list(_write_level(folder, level, roots))
        level += 1
    _write(folder / "vkey", f"{vkey}\n".encode())
    _write(folder / "checkpoint", note.encode())
    return signed


def _write_level_zero(connection: Connection, folder: Path, size: int) -> Iterator[bytes]:
    """Write entry bundles and leaf tiles; the root of every full one."""
    for index, start in enumerate(range(0, size, WIDTH)):
        here = (ledger_entry.c.idx >= start) & (ledger_entry.c.idx < min(start + WIDTH, size))
        rows = connection.execute(select(ledger_entry.c.data).where(here).order_by(ledger_entry.c.idx)).scalars()
        entries = [bytes(data) for data in rows]
        path = tile_path(index, min(WIDTH, size - start))
        bundle = b"".join(len(data).to_bytes(2, "big") + data for data in entries)
        _write(folder / "tile" / "entries" / path, bundle)
        yield from _write_tile(folder / "tile" / "0" / path, [leaf_hash(data) for data in entries])


def _write_level(folder: Path, level: int, hashes: list[bytes]) -> Iterator[bytes]:
    for index, start in enumerate(range(0, len(hashes), WIDTH)):
        part = hashes[start : start + WIDTH]
        yield from _write_tile(folder / "tile" / str(level) / tile_path(index, len(part)), part)


def _write_tile(path: Path, hashes: list[bytes]) -> Iterator[bytes]:
    _write(path, b"".join(hashes))
    if len(hashes) == WIDTH:
        yield subtree_hash(hashes)


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
