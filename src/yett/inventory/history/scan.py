"""`scan_history`: every object of a repository and its submodules, or what is new since the last scan."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from pathlib import Path

from yett.inventory.history.asked import Asked, ask, every_object, present
from yett.inventory.history.delta import Broken
from yett.inventory.history.fresh import holds, merged
from yett.inventory.history.incremental import Memory, folded, load, pack_name, save, unfolded
from yett.inventory.history.loose import TooLarge, loose_ids, read_loose
from yett.inventory.history.packs import Reading, open_packs, pack_files, read_packs
from yett.inventory.history.repositories import Repository, repositories
from yett.inventory.history.screening import Engine, Found, HistoryOutcome, spots
from yett.inventory.history.since import new_since
from yett.inventory.history.work import Progress
from yett.inventory.outcome import Unread

LARGEST = 64 << 20
"""Bytes of one object. What is larger is reported, not read: nobody keeps a key in it, and it must fit into memory."""


def scan_history(
    repository: Path,
    engine: Engine,
    *,
    state: Path | None = None,
    since: str = "",
    workers: int = 0,
    progress: Progress | None = None,
    largest: int = LARGEST,
) -> HistoryOutcome:
    """Scan every stored blob, commit and tag of the repository that a folder belongs to, and of its submodules.

    `state`: a folder that remembers what was scanned; then only new objects are read, and those that held something.
    `since`: only what HEAD has and this revision has not. `workers`: processes, 0 for one a processor. `progress` is
    told bytes done and bytes in all.

    Raises:
        ConfigurationError: `since` names no commit.
    """
    outcome = HistoryOutcome()
    for number, each in enumerate(repositories(repository)):
        if since and number:
            break  # a revision of the repository says nothing about its submodules
        if since:
            part = _only_new(each, engine, since, workers, progress, largest)
        else:
            part = _everything(each, engine, state, workers, progress, largest)
        outcome = _joined(outcome, part)
    return outcome


def scan_objects(
    repository: Path, engine: Engine, oids: Iterable[str], *, workers: int = 0, largest: int = LARGEST
) -> HistoryOutcome:
    """Scan these objects only (`since.to_be_pushed`)."""
    found = repositories(repository)
    return _these(found[0], engine, oids, workers, None, largest) if found else HistoryOutcome()


def _only_new(
    repository: Repository, engine: Engine, since: str, workers: int, progress: Progress | None, largest: int
) -> HistoryOutcome:
    return _these(repository, engine, new_since(repository, since), workers, progress, largest)


_MANY = 20_000


def _these(
    repository: Repository,
    engine: Engine,
    oids: Iterable[str],
    workers: int,
    progress: Progress | None,
    largest: int,
) -> HistoryOutcome:
    wanted = list(oids)
    if len(wanted) < _MANY or not repository.plain:
        return _outcome(Reading(), ask(repository, wanted, engine, largest))
    unread: list[Unread] = []
    packs = open_packs(pack_files(repository.stores), unread)
    only = frozenset(bytes.fromhex(oid) for oid in wanted)
    read = read_packs(packs, b"", only, repository.folder, engine, largest, workers, progress)
    packed = {pack.index.ids[at : at + 20] for pack in packs for at in range(0, len(pack.index.ids), 20)}
    read.unread += unread
    elsewhere = [oid.hex() for oid in only - packed]
    return _outcome(read, ask(repository, [*read.ask, *elsewhere], engine, largest))


def _everything(
    repository: Repository,
    engine: Engine,
    state: Path | None,
    workers: int,
    progress: Progress | None,
    largest: int,
) -> HistoryOutcome:
    if not repository.plain:
        asked = ask(repository, every_object(repository), engine, largest)
        return _outcome(Reading(unread=list(repository.unread)), asked)
    memory = load(state, repository, engine.version)
    files = list(pack_files(repository.stores))
    new_files = [path for path in files if pack_name(path) not in memory.packs]
    known = memory.known() if new_files else b""
    reading = Reading(unread=list(repository.unread))
    packs = open_packs(new_files, reading.unread)
    read = read_packs(packs, known, None, repository.folder, engine, largest, workers, progress)
    _add(reading, read)
    tables = [pack.index.ids for pack in packs]
    loose = _loose(repository, engine, memory, known, tables, reading, largest)
    if len(packs) < len(new_files):
        reading.ask += _unlisted(repository, [known, *tables], loose)
    asked = _remembered(repository, engine, memory, reading, largest)
    outcome = _outcome(reading, asked)
    current = {each.oid for each in outcome.found} | set(asked.lost)
    same = not new_files and loose == memory.loose and current == memory.named
    if state is not None and not same:
        done = frozenset(pack_name(pack.path) for pack in packs)
        again, echoes = folded(outcome.found)
        table = merged([known, *tables]) if new_files else None
        now = Memory(engine.version, memory.packs | done, loose, (*again, *asked.lost), echoes)
        save(state, repository, now, table)
    return outcome


def _remembered(repository: Repository, engine: Engine, memory: Memory, reading: Reading, largest: int) -> Asked:
    """Ask git for what this reader could not read, and for what held something before."""
    asked = ask(repository, reading.ask, engine, largest, memory.again)
    rows = present(repository, [echo.oid for echo in memory.echoes])
    there = [echo for echo, row in zip(memory.echoes, rows, strict=False) if not row.endswith(" missing")]
    echoed, lost = unfolded(there, asked.found, repository.folder)
    more = ask(repository, lost, engine, largest)
    return Asked(
        [*asked.found, *echoed, *more.found],
        [*asked.unread, *more.unread],
        [*asked.lost, *more.lost],
        asked.objects + len(echoed) + more.objects,
        asked.read + more.read,
    )


def _loose(
    repository: Repository,
    engine: Engine,
    memory: Memory,
    known: bytes,
    tables: list[bytes],
    reading: Reading,
    largest: int,
) -> frozenset[str]:
    """Scan loose objects that are neither packed nor known. All that are there now."""
    present: set[str] = set()
    for store in repository.stores:
        for oid in loose_ids(store):
            if oid in present:
                continue
            present.add(oid)
            raw = bytes.fromhex(oid)
            if oid not in memory.loose and not any(holds(table, raw) for table in (known, *tables)):
                _one_loose(store, oid, repository, engine, reading, largest)
    return frozenset(present)


def _one_loose(store: Path, oid: str, repository: Repository, engine: Engine, reading: Reading, largest: int) -> None:
    try:
        kind, content = read_loose(store, oid, largest)
    except TooLarge as problem:
        reading.unread.append(Unread(f"git object {oid}", f"{problem.size:,} bytes, more than are read"))
        return
    except (OSError, zlib.error, Broken):
        reading.ask.append(oid)
        return
    if kind == "tree":
        return
    reading.objects += 1
    reading.read += len(content)
    if engine.touches(content) and (there := spots(engine, content)):
        reading.found.append(Found(oid, kind, there, repository.folder))


def _unlisted(repository: Repository, tables: list[bytes], loose: frozenset[str]) -> list[str]:
    """What git has and this reader has not seen: objects of packs that only git can read."""
    return [
        oid
        for oid in every_object(repository)
        if oid not in loose and not any(holds(table, bytes.fromhex(oid)) for table in tables)
    ]


def _add(reading: Reading, more: Reading) -> None:
    reading.found += more.found
    reading.unread += more.unread
    reading.ask += more.ask
    reading.objects += more.objects
    reading.read += more.read


def _outcome(reading: Reading, asked: Asked) -> HistoryOutcome:
    by_id = {each.oid: each for each in (*reading.found, *asked.found)}
    return HistoryOutcome(
        tuple(by_id.values()),
        (*reading.unread, *asked.unread),
        reading.objects + asked.objects,
        reading.read + asked.read,
    )


def _joined(one: HistoryOutcome, other: HistoryOutcome) -> HistoryOutcome:
    return HistoryOutcome(
        one.found + other.found, one.unread + other.unread, one.blobs + other.blobs, one.read + other.read
    )
