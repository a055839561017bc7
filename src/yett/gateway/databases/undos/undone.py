"""The undos that a database ever had, as each of them is compared with the others."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from yett.gateway.databases.registry import Database
from yett.gateway.databases.undos.xacts import Xact
from yett.model.errors import YettError
from yett.providers.postgres.guard.captured import Captured, load, settled
from yett.providers.postgres.guard.dumps.as_left import AS_LEFT_BY
from yett.providers.postgres.guard.dumps.heirs import BECAME, became_from
from yett.providers.postgres.guard.rows.chain import Undone
from yett.providers.postgres.guard.words.redefined import kept_words
from yett.recovery.kept import KeptUndo
from yett.recovery.undos import Undos


async def all_undone(undos: Undos, database: Database) -> Sequence[Undone]:
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
        became = became_from(kept.record.facts.get(BECAME, {}))
    except (YettError, TypeError, ValueError, AttributeError):
        return None
    xacts = [Xact.parse(text) for text in kept.restored_by]
    by = tuple(xact.xid for xact in xacts if xact is not None and xact.database == database.id)
    left = kept.record.facts.get(AS_LEFT_BY)
    as_left_by = frozenset(map(str, left)) if isinstance(left, list) else frozenset[str]()
    return Undone(
        kept.record.id, known, by, opened, not kept.removed, as_left_by, kept_words(kept.record.facts), became
    )
