"""An undo of a transaction goes into the keep, and out of it where the transaction did not happen."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from yett.gateway.databases.place import Place
from yett.gateway.databases.registry import POSTGRES
from yett.model.canonical import Json
from yett.model.errors import YettError
from yett.model.undo import UndoRecord
from yett.providers.postgres.guard.captured import Captured
from yett.recovery.keep import AwaitedMaking

_log = logging.getLogger("yett.gateway")
_NOTHING: Mapping[str, Json] = {}


async def keep_undo(
    place: Place,
    making: AwaitedMaking,
    captured: Captured,
    how: str,
    hold: str,
    what: str,
    more: Mapping[str, Json] = _NOTHING,
) -> UndoRecord:
    """Flush it, read it back, record it. Raises YettError: it does not count."""
    made = await making.finish(captured.facts() | dict(more))
    outline = captured.outline() | dict(more)
    record = UndoRecord(made.id, POSTGRES, place.database.ref, how, made.place, outline, captured.gaps)
    await place.undos.record_kept(record, made, hold, what)
    return record


async def discard(place: Place, record: UndoRecord | None) -> None:
    """The transaction did not happen, so there is nothing to undo."""
    if record is None:
        return
    try:
        await place.undos.discard(record.id, "the transaction was rolled back")
    except YettError as error:
        _log.warning("the undo %s of a transaction that was rolled back is still listed: %s", record.id, error.what)
