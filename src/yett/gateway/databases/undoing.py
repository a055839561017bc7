"""Bring back what a transaction or a statement took: from the keep, by Yett's own connection, all of it or nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

from yett.gateway.databases.registry import Database
from yett.gateway.databases.service import Databases
from yett.gateway.databases.xacts import Xact
from yett.model.errors import YettError
from yett.model.undo import UndoRecord
from yett.providers.postgres.guard.again import bring_words_back, words_of
from yett.providers.postgres.guard.captured import Captured, load, settled
from yett.providers.postgres.guard.chain import Undone
from yett.providers.postgres.guard.definitions import bring_definitions_back, definitions_of
from yett.providers.postgres.guard.restore import Restored, restore
from yett.recovery.keep import AwaitedOpened
from yett.recovery.kept import KeptUndo
from yett.recovery.undos import Begun, Undos


async def bring_back(
    databases: Databases, undos: Undos, record: UndoRecord, opened: AwaitedOpened, begun: Begun
) -> AsyncIterator[str]:
    """Yields progress in words. Raises YettError: rows were changed since (named), and nothing was done."""
    database = databases.by_id(record.resource.id)
    if count := words_of(opened.about):
        yield f"making {count} definitions of {database.name} again"
        names = await bring_words_back(
            databases.own(database), opened.about, opened, lambda xid: begun(str(Xact(database.id, xid)))
        )
        databases.changed(database)
        yield f"{database.name} is as it was: {', '.join(names)}"
        return
    if definitions := definitions_of(opened.about):
        yield f"making {len(definitions)} of {database.name} again"
        names = await bring_definitions_back(
            databases.own(database), opened.about, opened, lambda xid: begun(str(Xact(database.id, xid)))
        )
        databases.changed(database)
        yield f"{database.name} is as it was: {', '.join(names)} came back"
        return
    captured = settled(load(opened.about, opened), record.facts)
    yield f"putting {captured.rows:,} rows back into {database.name}"
    restored = await restore(
        databases.own(database),
        captured,
        verify=True,
        begun=lambda xid: begun(str(Xact(database.id, xid))),
        others=lambda: _all_of(undos, database),
    )
    databases.changed(database)
    yield (
        f"{database.name} is as it was: {restored.returned:,} rows came back, {restored.removed:,} were taken out,"
        f" in {', '.join(restored.tables)}{_and_more(restored)}"
    )


def _and_more(restored: Restored) -> str:
    gone = f"; what it had made upon them is gone: {', '.join(restored.gone)}" if restored.gone else ""
    later = f"; with the other undos of its transaction come {', '.join(restored.waiting)}" if restored.waiting else ""
    return gone + later


async def _all_of(undos: Undos, database: Database) -> Sequence[Undone]:
    """Every undo that Yett ever made there, with the transactions that brought it back: rows carry their ids."""
    found = await asyncio.to_thread(undos.of, database.ref)
    return [one for kept in found if (one := _undone(undos, database, kept)) is not None]


def _undone(undos: Undos, database: Database, kept: KeptUndo) -> Undone | None:
    """None: its record cannot be read, so that it says nothing about anybody's rows."""

    async def opened() -> Captured:
        found = await undos.opened(kept)
        return load(found.about, found)

    try:
        known = settled(load(kept.record.facts, None), kept.record.facts)
    except YettError:
        return None
    xacts = [Xact.parse(text) for text in kept.restored_by]
    by = tuple(xact.xid for xact in xacts if xact is not None and xact.database == database.id)
    return Undone(kept.record.id, known, by, opened, not kept.removed)
