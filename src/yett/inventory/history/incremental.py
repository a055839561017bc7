"""What an earlier scan has read: names of packs, ids of objects, never a value.

Objects that held something are named, so that the next scan reads them again and has their values in memory.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from yett.inventory.history.repositories import Repository

LAYOUT = 1


@dataclass(frozen=True, slots=True)
class Memory:
    """One repository's past. `again`: ids to read anew, because they held something or could not be read."""

    rules: str
    packs: frozenset[str] = frozenset()
    loose: frozenset[str] = frozenset()
    again: tuple[str, ...] = ()
    table: Path | None = field(default=None, compare=False)

    def known(self) -> bytes:
        """Ids of everything in the packs that were scanned, 20 bytes each, sorted."""
        found = b""
        if self.table is not None:
            with contextlib.suppress(OSError):
                found = self.table.read_bytes()
        return found if len(found) % 20 == 0 else b""


def load(state: Path | None, repository: Repository, rules: str) -> Memory:
    """What is remembered; nothing if other rules were used then, or if it cannot be read."""
    if state is None:
        return Memory(rules)
    place = _place(state, repository)
    try:
        row = json.loads((place / "scanned.json").read_bytes())
        if row["layout"] != LAYOUT or row["rules"] != rules:
            return Memory(rules)
        table = place / "known.ids"
        if row["known"] != _size(table):
            return Memory(rules)
        again = tuple(oid for oid in row["again"] if _is_id(oid))
        return Memory(rules, frozenset(row["packs"]), frozenset(row["loose"]), again, table)
    except (OSError, ValueError, KeyError, TypeError):
        return Memory(rules)


def save(state: Path, repository: Repository, memory: Memory, table: bytes | None) -> None:
    """Remember. `table` None: no pack is new. A folder that cannot be written means a full scan next time."""
    place = _place(state, repository)
    with contextlib.suppress(OSError):
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        if table is not None:
            _write(place / "known.ids", table)
        row = {
            "layout": LAYOUT,
            "rules": memory.rules,
            "packs": sorted(memory.packs),
            "loose": sorted(memory.loose),
            "again": _ids(memory.again),
            "known": _size(place / "known.ids"),
        }
        _write(place / "scanned.json", json.dumps(row).encode())


def pack_name(path: Path) -> str:
    """A pack's name is the hash of its content; its size tells one that was cut off."""
    return f"{path.stem}:{path.stat().st_size}"


def _place(state: Path, repository: Repository) -> Path:
    """A folder for each store of objects, so that linked worktrees share theirs."""
    return state / hashlib.sha256(os.fsencode(repository.stores[0].resolve())).hexdigest()[:32]


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _ids(oids: Iterable[str]) -> list[str]:
    return [oid for oid in oids if _is_id(oid)]


def _is_id(oid: object) -> bool:
    return isinstance(oid, str) and len(oid) in (40, 64) and all(letter in "0123456789abcdef" for letter in oid)


def _write(path: Path, content: bytes) -> None:
    """All or nothing, for this user only."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    with open(descriptor, "wb") as file:
        file.write(content)
    os.replace(temporary, path)
