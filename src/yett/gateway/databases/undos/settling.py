"""After a crash or a lost connection: each server says what became of the transactions whose end nobody heard.

COMMIT is sent after the undo and the intent are durable, and both name the transaction by its 64-bit id. So what was
open when the daemon died is settled by asking: committed, and the undo is worth something; aborted, and there is
nothing to undo. A server that cannot be asked now is asked again; one that has forgotten leaves it to a person.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

import psycopg

from yett.checkpoint.settled import Unsettled, unsettled
from yett.gateway.databases.registry import POSTGRES, Database
from yett.gateway.databases.service import Databases
from yett.gateway.databases.undos.xacts import OUTCOMES, Xact
from yett.model.errors import YettError
from yett.providers.postgres.guard.restore import Settled, became_of
from yett.providers.postgres.own import is_standby
from yett.recovery.kept import KeptUndo
from yett.recovery.undos import Undos
from yett.store import Store

T = TypeVar("T")
_log = logging.getLogger("yett.gateway")

AT_WORK_NS = 300 * 10**9
"""An undo younger than this may be of a transaction that is still at work: it is not asked about."""
ASKING_S = 20.0
SOONEST_S, LATEST_S = 1.0, 60.0
"""Between two tries to reach a database."""

_WORDS: dict[Settled, str] = {
    "committed": "the database says that transaction {xid} was committed",
    "aborted": "the database says that transaction {xid} was rolled back: nothing of it happened",
    "unknown": "the database knows nothing of transaction {xid} any more: look whether it took effect; its undo is kept"
    " (yett undo list)",
}


class Checkpoint(Protocol):
    async def settle(self, one: Unsettled, outcome: str, why: str) -> None: ...


@dataclass
class Pending:
    """What one database is to be asked about, by transaction."""

    intents: list[tuple[int, Unsettled]] = field(default_factory=list)
    undos: list[tuple[int, KeptUndo]] = field(default_factory=list)
    restores: list[tuple[int, KeptUndo]] = field(default_factory=list)

    @property
    def xids(self) -> list[int]:
        return sorted({xid for xid, _ in (*self.intents, *self.undos, *self.restores)})


class Settling:
    """Used on the event loop, by one caller at a time. `since`: what was made before is of no transaction at work."""

    def __init__(self, databases: Databases, store: Store, checkpoint: Checkpoint, undos: Undos) -> None:
        self._databases = databases
        self._store = store
        self._checkpoint = checkpoint
        self._undos = undos
        self._since = time.time_ns()
        self._wait: dict[str, tuple[float, float]] = {}

    async def once(self) -> int:
        """Ask whoever can be asked now; how many databases were not. Never raises for a database's sake.

        Raises:
            StoreUnavailable: it is not known what is open.
        """
        left = 0
        for identity, pending in (await asyncio.to_thread(self._pending)).items():
            try:
                database = self._databases.by_id(identity)
            except YettError:
                continue  # it was removed: asked again when it is added again
            if self._is_too_early(identity) or not await self._asked(database, pending):
                left += 1
        return left

    def _pending(self) -> dict[str, Pending]:
        found: defaultdict[str, Pending] = defaultdict(Pending)
        for one in self._store.read(unsettled):
            if xact := Xact.parse(one.xact):
                found[xact.database].intents.append((xact.xid, one))
        for undo in self._undos.unsettled(POSTGRES):
            if undo.applying and (xact := Xact.parse(undo.applying)):
                found[xact.database].restores.append((xact.xid, undo))
            xid = undo.record.facts.get("xid")
            if not undo.became and isinstance(xid, int):
                pending = found[undo.record.resource.id]
                if self._is_over(undo) or xid in pending.xids:
                    pending.undos.append((xid, undo))
        return {identity: pending for identity, pending in found.items() if pending.xids}

    def _is_over(self, undo: KeptUndo) -> bool:
        return undo.made < self._since or undo.made < time.time_ns() - AT_WORK_NS

    def _is_too_early(self, identity: str) -> bool:
        return time.monotonic() < self._wait.get(identity, (0.0, 0.0))[0]

    async def _asked(self, database: Database, pending: Pending) -> bool:
        """Whether all of it is settled now."""
        try:
            async with asyncio.timeout(ASKING_S):
                became = await self._ask(database, pending.xids)
            await self._write(database, pending, became)
        except (YettError, TimeoutError, psycopg.Error) as error:
            before = self._wait.get(database.id, (0.0, 0.0))[1]
            if not before:
                said = error.what if isinstance(error, YettError) else type(error).__name__
                _log.warning("%s: what became of lost transactions cannot be asked yet: %s", database.name, said)
            self._later(database, min(max(before * 2, SOONEST_S), LATEST_S))
            return False
        if "in progress" in became.values():
            self._later(database, SOONEST_S)
            return False
        self._wait.pop(database.id, None)
        return True

    async def _ask(self, database: Database, xids: Iterable[int]) -> dict[int, Settled]:
        own = await self._databases.connect(database)
        try:
            if await is_standby(own):  # it may not have heard of them yet
                raise YettError("a standby answers there", "point Yett's own login at the primary server")
            return {xid: await became_of(own, xid) for xid in xids}
        finally:
            await own.close()

    def _later(self, database: Database, seconds: float) -> None:
        self._wait[database.id] = (time.monotonic() + seconds, seconds)

    async def _write(self, database: Database, pending: Pending, became: dict[int, Settled]) -> None:
        for xid, one in _ended(pending.intents, became):
            why = _why(became[xid], xid)
            await self._checkpoint.settle(one, OUTCOMES.get(became[xid], "unknown"), why)
            _log.warning("%s: an act whose outcome was unknown: %s", database.name, why)
        for xid, undo in _ended(pending.undos, became):
            await self._settle_undo(undo, became[xid], _why(became[xid], xid))
        for xid, undo in _ended(pending.restores, became):
            await self._undos.settle_applying(undo.record.id, became[xid], _why(became[xid], xid))
            if became[xid] == "committed":
                self._databases.changed(database)

    async def _settle_undo(self, undo: KeptUndo, became: Settled, why: str) -> None:
        if became == "committed":
            await self._undos.committed([undo.record.id])
        elif became == "aborted":
            await self._undos.discard(undo.record.id, why)
        else:
            await self._undos.unknown_for_ever(undo.record.id)


def _why(became: Settled, xid: int) -> str:
    return _WORDS[became].format(xid=xid)


def _ended(some: Iterable[tuple[int, T]], became: dict[int, Settled]) -> Iterable[tuple[int, T]]:
    return [(xid, one) for xid, one in some if became[xid] != "in progress"]
