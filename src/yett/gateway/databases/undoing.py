"""Bring back what a transaction or a statement took: from the keep, by Yett's own connection, all of it or nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator

from yett.gateway.databases.service import Databases
from yett.gateway.databases.xacts import Xact
from yett.model.undo import UndoRecord
from yett.providers.postgres.guard.captured import load, settled
from yett.providers.postgres.guard.restore import restore
from yett.recovery.keep import AwaitedOpened
from yett.recovery.undos import Begun


async def bring_back(
    databases: Databases, record: UndoRecord, opened: AwaitedOpened, begun: Begun
) -> AsyncIterator[str]:
    """Yields progress in words. Raises YettError: rows were changed since (named), and nothing was done."""
    database = databases.by_id(record.resource.id)
    captured = settled(load(opened.about, opened), record.facts)
    yield f"putting {captured.rows:,} rows back into {database.name}"
    restored = await restore(
        databases.own(database), captured, verify=True, begun=lambda xid: begun(str(Xact(database.id, xid)))
    )
    databases.changed(database)
    yield (
        f"{database.name} is as it was: {restored.returned:,} rows came back, {restored.removed:,} were taken out,"
        f" in {', '.join(restored.tables)}"
    )
