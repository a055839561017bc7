"""What a daemon that was killed could not end: its sessions' folders, the secrets that it had lent to them, dumps in
clear, its roles in databases and the transactions of these."""

from __future__ import annotations

import asyncio
import shutil
import time
from pathlib import Path

from sqlalchemy import Connection, select

from yett.daemon.masking import FOUND
from yett.daemon.plane import Plane
from yett.providers.postgres.guard import scratch
from yett.store import tables


async def clear(plane: Plane) -> None:
    """At a start, when no session is open: no placeholder of an earlier daemon works any more."""
    await asyncio.to_thread(forget_found, plane)
    live = await asyncio.to_thread(plane.store.read, _not_over)
    for folder in _session_folders(plane.settings.home):
        if folder.name not in live:
            await asyncio.to_thread(shutil.rmtree, folder, True)
    await asyncio.to_thread(scratch.sweep)
    await plane.databases.sweep()  # ends what is left of its transactions, too
    await plane.settling.once()


def forget_found(plane: Plane, session: str = "") -> None:
    """Take what was found in a workspace and lent for a session (all sessions if none is named) out of the vault."""
    start = f"{FOUND}{session}/" if session else FOUND
    for name in [kept.name for kept in plane.vault.list() if kept.name.startswith(start)]:
        plane.broker.remove(name)


def _not_over(connection: Connection) -> frozenset[str]:
    """Sessions whose task has time left: their commands may still run, cut off, on files of the folder."""
    sessions = tables.sessions
    still = select(sessions.c.id).where(sessions.c.expires_at > time.time_ns())
    return frozenset(connection.execute(still).scalars())


def _session_folders(home: Path) -> list[Path]:
    folder = home / "sessions"
    return list(folder.iterdir()) if folder.is_dir() else []
