"""What is known of a database's backups, in sentences for the person who is asked; nothing is decided by them.

The server cannot say where its backups lie or whether one can be restored. It can say when it last archived its log,
when a base backup of it ended, and who follows it. Where backups lie, a person may have said (`yett database add
--backup`): a folder on this machine is looked into, anything else is repeated as what was said.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import os
import stat
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import LiteralString

import psycopg

from yett.gateway.databases.pool import OwnPool
from yett.gateway.databases.registry import Database
from yett.model.errors import YettError

_log = logging.getLogger("yett.gateway")

LOOK_S = 0.5
MOST_FILES = 10_000
ELSEWHERE = ""
NONE_KNOWN = "no backup of it is known to Yett"

# `name` is a setting's; who may not read one gets NULL. A backup history file is written when a base backup ends.
_SERVER: LiteralString = """
SELECT current_setting('archive_mode', true), a.last_archived_time, a.last_failed_time,
  (SELECT count(*) FROM pg_stat_replication)
FROM pg_stat_archiver a"""
_BASE: LiteralString = "SELECT max(modification) FROM pg_ls_waldir() WHERE name LIKE '%.backup'"
_DATA: LiteralString = "SELECT setting FROM pg_settings WHERE name = 'data_directory'"


@dataclass(frozen=True, slots=True)
class Stated:
    """What the server says. `data`: where its files lie, None if Yett does not know."""

    archives: bool = False
    archived: datetime | None = None
    failed: datetime | None = None
    base: datetime | None = None
    standbys: int = 0
    data: str | None = None


async def copies(own: OwnPool, database: Database) -> tuple[str, ...]:
    """Sentences, at least one; never raises. What cannot be found out within its time is left out."""
    stated = await _asked(own)
    told = str(database.scope.get("backup") or "")
    found = await asyncio.to_thread(_said, told, stated.data if is_here(database.host) else ELSEWHERE) if told else ()
    known = (*found, *_of_server(stated))
    return known if found or stated.base or stated.archives else (NONE_KNOWN, *known)


async def _asked(own: OwnPool) -> Stated:
    stated = Stated()
    try:
        async with asyncio.timeout(LOOK_S), own.connection() as connection:
            await connection.execute("SET statement_timeout = 400")
            for archive, archived, failed, standbys in await (await connection.execute(_SERVER)).fetchall():
                stated = Stated(archive in ("on", "always"), archived, failed, standbys=int(standbys))
            for (data,) in await (await connection.execute(_DATA)).fetchall():
                stated = replace(stated, data=str(data))
            for (base,) in await (await connection.execute(_BASE)).fetchall():  # may be forbidden: last
                stated = replace(stated, base=base)
    except (YettError, psycopg.Error, TimeoutError) as error:
        _log.info("not all was found out of a database's backups: %s", type(error).__name__)
    return stated


def _of_server(stated: Stated) -> tuple[str, ...]:
    said = []
    if stated.base:
        said.append(f"a base backup ended {_when(stated.base)}; where it lies, the server does not know")
    if stated.archives:
        last = f"last {_when(stated.archived)}" if stated.archived else "nothing so far"
        failing = stated.failed and (not stated.archived or stated.failed > stated.archived)
        broken = f", and has failed since, {_when(stated.failed)}" if failing and stated.failed else ""
        said.append(f"the server archives its log: {last}{broken}")
    if stated.standbys:
        what = "1 standby repeats" if stated.standbys == 1 else f"{stated.standbys} standbys repeat"
        said.append(f"{what} every change at once: no backup")
    return tuple(said)


def _said(told: str, data: str | None) -> tuple[str, ...]:
    """What lies where a person said that backups are. `data`: as in `Stated`, ELSEWHERE if not on this machine."""
    if not Path(told).is_absolute():
        return (f"said to be in {told}; Yett has not looked there",)
    newest = _newest(Path(told))
    if newest is None:
        return (f"NO backup lies in {told}, where they were said to be",)
    path, found = newest
    when = _when(datetime.fromtimestamp(found.st_mtime, UTC))
    return (f"last {when}: {path}, {found.st_size:,} bytes, never restored; {_radius(found, data)}",)


def _radius(found: os.stat_result, data: str | None) -> str:
    if data == ELSEWHERE:
        return "on this machine, the database on another"
    try:
        shared = data is not None and Path(data).stat().st_dev == found.st_dev
    except OSError:
        data = None
    if data is None:
        return "on the database's own machine: whether on its disk is not known"
    if shared:
        return "SAME BLAST RADIUS: on the database's own disk"
    return "on the database's own machine, on another disk"


def _newest(path: Path) -> tuple[Path, os.stat_result] | None:
    """The newest file that has something in it; of a folder's own files."""
    try:
        if path.is_dir():
            with os.scandir(path) as entries:
                listed = [Path(entry.path) for _, entry in zip(range(MOST_FILES), entries, strict=False)]
        else:
            listed = [path]
    except OSError:
        return None
    found = []
    for one in listed:
        with contextlib.suppress(OSError):
            about = one.lstat()
            if stat.S_ISREG(about.st_mode) and about.st_size:
                found.append((one, about))
    return max(found, key=lambda pair: pair[1].st_mtime, default=None)


def is_here(host: str) -> bool:
    """Whether the database is on this machine, as far as its address says."""
    if not host or host == "localhost" or host.startswith("/"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _when(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
