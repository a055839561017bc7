"""Bring back what a transaction or a statement took: from the keep, by Yett's own connection, all of it or nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator

from yett.gateway.databases.service import Databases
from yett.gateway.databases.undos.undone import all_undone
from yett.gateway.databases.undos.xacts import Xact
from yett.model.undo import UndoRecord
from yett.providers.postgres.guard.captured import load, settled
from yett.providers.postgres.guard.dumps.heirs import BECAME, became_facts
from yett.providers.postgres.guard.restore import Restored, restore
from yett.providers.postgres.guard.rows.chain import Became
from yett.providers.postgres.guard.words.again import bring_words_back, words_of
from yett.providers.postgres.guard.words.definitions import bring_definitions_back, definitions_of
from yett.recovery.keep import AwaitedOpened
from yett.recovery.undos import Begun, Undos


async def bring_back(
    databases: Databases, undos: Undos, record: UndoRecord, opened: AwaitedOpened, begun: Begun
) -> AsyncIterator[str]:
    """Yields progress in words. Raises YettError: rows were changed since (named), and nothing was done."""
    database = databases.by_id(record.resource.id)
    if count := words_of(opened.about):
        yield f"making {count} definitions of {database.name} again"
        names = await bring_words_back(
            databases.own(database),
            opened.about,
            opened,
            lambda xid: begun(str(Xact(database.id, xid))),
            lambda: all_undone(undos, database),
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

    async def brought(xid: int, became: tuple[Became, ...]) -> None:
        await undos.add_facts(record, {BECAME: became_facts(record.facts.get(BECAME), xid, became)})
        await begun(str(Xact(database.id, xid)))

    yield f"putting {captured.rows:,} rows back into {database.name}"
    restored = await restore(
        databases.own(database),
        captured,
        verify=True,
        begun=brought,
        others=lambda: all_undone(undos, database),
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
