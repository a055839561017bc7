"""What an earlier scan has read: names of packs, ids of objects, never a value.

Objects that held something are named, so that the next scan reads them again and has their values in memory. Where
many versions of a text hold the same, one of them is read, and of the others only the places are remembered.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from yett.inventory.history.repositories import Repository
from yett.inventory.history.screening import Found, Spot
from yett.inventory.hit import Hit

LAYOUT = 2


@dataclass(frozen=True, slots=True)
class Echo:
    """An object and, for each credential in it: the object that also holds it, its number there, then its place here.

    The place is start, end and line.
    """

    oid: str
    kind: str
    places: tuple[tuple[str, int, int, int, int], ...]


@dataclass(frozen=True, slots=True)
class Memory:
    """One repository's past.

    `again`: ids to read anew, because they held something or could not be read. `echoes`: objects whose credentials
    are all in others, and where in these.
    """

    rules: str
    packs: frozenset[str] = frozenset()
    loose: frozenset[str] = frozenset()
    again: tuple[str, ...] = ()
    echoes: tuple[Echo, ...] = ()
    table: Path | None = field(default=None, compare=False)

    @property
    def named(self) -> set[str]:
        """Every object that held something or could not be read."""
        return {*self.again, *(echo.oid for echo in self.echoes)}

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
        echoes = tuple(_echo(*each) for each in row["echoes"])
        return Memory(rules, frozenset(row["packs"]), frozenset(row["loose"]), again, echoes, table)
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
            "echoes": [(each.oid, each.kind, each.places) for each in memory.echoes],
            "known": _size(place / "known.ids"),
        }
        _write(place / "scanned.json", json.dumps(row).encode())


def folded(found: Iterable[Found]) -> tuple[list[str], tuple[Echo, ...]]:
    """Ids of objects that hold every credential between them, and all others as echoes of these."""
    sources: dict[tuple[Hit, bytes], tuple[str, int]] = {}
    read: list[str] = []
    rest: list[Found] = []
    for each in sorted(found, key=lambda one: -len(one.spots)):
        named = [(_same(spot), number) for number, spot in enumerate(each.spots)]
        news = [(same, number) for same, number in named if same not in sources]
        if news:
            read.append(each.oid)
            sources |= {same: (each.oid, number) for same, number in reversed(news)}
        else:
            rest.append(each)
    echoes = tuple(
        Echo(
            each.oid,
            each.kind,
            tuple((*sources[_same(spot)], spot.hit.start, spot.hit.end, spot.line) for spot in each.spots),
        )
        for each in rest
    )
    return read, echoes


def unfolded(echoes: Iterable[Echo], read: Iterable[Found], folder: Path) -> tuple[list[Found], list[str]]:
    """The echoes with their values again, and ids of those whose source is gone."""
    sources = {each.oid: each.spots for each in read}
    found: list[Found] = []
    lost: list[str] = []
    for echo in echoes:
        try:
            spots = tuple(
                Spot(replace(sources[oid][number].hit, start=start, end=end), sources[oid][number].value, line)
                for oid, number, start, end, line in echo.places
            )
        except (KeyError, IndexError):
            lost.append(echo.oid)
        else:
            found.append(Found(echo.oid, echo.kind, spots, folder))
    return found, lost


def _same(spot: Spot) -> tuple[Hit, bytes]:
    """What is one credential wherever it stands."""
    return replace(spot.hit, start=0, end=0), spot.value


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


def _echo(oid: str, kind: str, places: list[tuple[str, int, int, int, int]]) -> Echo:
    """Raises ValueError or TypeError: not what `save` wrote."""
    checked = tuple((str(of), int(number), int(start), int(end), int(line)) for of, number, start, end, line in places)
    if not _is_id(oid) or kind not in ("blob", "commit", "tag") or any(min(each[1:]) < 0 for each in checked):
        raise ValueError("not an echo")
    return Echo(oid, kind, checked)


def _write(path: Path, content: bytes) -> None:
    """All or nothing, for this user only."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    with open(descriptor, "wb") as file:
        file.write(content)
    os.replace(temporary, path)
