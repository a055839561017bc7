"""The undos that Yett keeps: plan, capture, list, apply."""

from __future__ import annotations

import secrets
import shutil
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, Row, insert, select, update

from yett.ledger.journal import Entry, Journal, Transaction
from yett.model.errors import YettError
from yett.model.operation import Governed, Operation
from yett.model.provider import ApiClient, Undoer
from yett.model.resource import ResourceRef
from yett.model.undo import UndoPlan, UndoRecord
from yett.store import Store, tables


@dataclass(frozen=True, slots=True)
class Means:
    """What an undo of one provider is made with: its folder's code, and Yett's own credential there."""

    undoer: Undoer
    secret: str

    def __repr__(self) -> str:
        return f"Means({type(self.undoer).__name__})"


MeansOf = Callable[[str], Means | None]


class Undos:
    """Undos of every provider. `means_of` answers None where Yett has no code or no credential of its own."""

    def __init__(self, store: Store, journal: Journal, folder: Path, api: ApiClient, means_of: MeansOf) -> None:
        self._store = store
        self._journal = journal
        self._folder = folder
        self._api = api
        self._means_of = means_of

    async def plan(self, operation: Operation) -> UndoPlan:
        """What an undo would hold; `possible` False with the reason as its gap."""
        if not isinstance(operation.target, Governed):
            return UndoPlan(False, "", ("Yett has no undo for hosts that it does not govern",))
        means = self._means_of(operation.target.provider)
        if means is None:
            return UndoPlan(False, "", (f"Yett has no credential of its own for {operation.target.provider}",))
        return await means.undoer.plan(self._api, means.secret, operation)

    async def capture(self, operation: Operation, hold: str) -> UndoRecord:
        """Make the undo and verify it; recorded in the ledger before it counts.

        Raises:
            YettError: it could not be made, or did not restore to the same.
        """
        if not isinstance(operation.target, Governed) or (means := self._means_of(operation.target.provider)) is None:
            raise YettError(f"there is no undo for {operation.action}")
        folder = self._folder / ("u-" + secrets.token_hex(6))
        folder.mkdir(mode=0o700, parents=True)
        try:
            record = await means.undoer.capture(self._api, means.secret, operation, folder)
            await self._journal.run(lambda tx: _record(tx, record, hold))
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return record

    def records(self) -> list[UndoRecord]:
        return [_from_row(row) for row in self._store.read(_all)]

    def record(self, undo_id: str) -> UndoRecord:
        for record in self.records():
            if record.id == undo_id:
                return record
        raise YettError(f"there is no undo {undo_id}", "yett undo list shows those that exist")

    async def apply(self, undo_id: str, by: str) -> AsyncIterator[str]:
        """Bring it back; the caller has verified a signature for exactly this. Yields progress in words."""
        record = self.record(undo_id)
        means = self._means_of(record.provider)
        if means is None:
            raise YettError(f"Yett has no credential of its own for {record.provider}", "yett secret add --own")
        started = Entry("undo", {"id": undo_id, "state": "applying", "by": by})
        await self._journal.run(lambda tx: tx.append(started))
        last = ""
        async for last in means.undoer.restore(self._api, means.secret, record):
            yield last
        await self._journal.run(lambda tx: _applied(tx, undo_id, by, last))


def _record(tx: Transaction, record: UndoRecord, hold: str) -> None:
    now = time.time_ns()
    tx.execute(
        insert(tables.undos).values(
            id=record.id,
            hold=hold,
            provider=record.provider,
            resource_kind=record.resource.kind,
            resource_id=record.resource.id,
            how=record.how,
            folder=record.folder,
            facts=record.facts,
            gaps=list(record.gaps),
            made_at=now,
            verified_at=now,
        )
    )
    body = {"id": record.id, "state": "verified", "hold": hold, "provider": record.provider, "how": record.how}
    tx.append(Entry("undo", {**body, "resource": [record.resource.kind, record.resource.id]}))


def _applied(tx: Transaction, undo_id: str, by: str, what: str) -> None:
    tx.execute(update(tables.undos).where(tables.undos.c.id == undo_id).values(applied_at=time.time_ns()))
    tx.append(Entry("undo", {"id": undo_id, "state": "applied", "by": by, "what": what}))


def _all(connection: Connection) -> list[Row[tuple[object, ...]]]:
    return list(connection.execute(select(tables.undos).order_by(tables.undos.c.made_at)))


def _from_row(row: Row[tuple[object, ...]]) -> UndoRecord:
    values = row._mapping
    return UndoRecord(
        id=values["id"],
        provider=values["provider"],
        resource=ResourceRef(values["provider"], values["resource_kind"], values["resource_id"]),
        how=values["how"],
        folder=values["folder"],
        facts=values["facts"],
        gaps=tuple(values["gaps"]),
    )
