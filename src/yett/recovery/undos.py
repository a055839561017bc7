"""The undos that Yett keeps: plan, capture, list, check, apply, let go."""

from __future__ import annotations

import asyncio
import secrets
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from yett.ledger.journal import Entry, Journal
from yett.model.canonical import Json
from yett.model.errors import YettError
from yett.model.operation import Governed, Operation
from yett.model.provider import ApiClient, Undoer
from yett.model.resource import ResourceRef
from yett.model.undo import UndoPlan, UndoRecord
from yett.recovery import kept
from yett.recovery.keep import AwaitedMaking, AwaitedOpened, Damaged, Keep, KeepError, Made
from yett.recovery.kept import KeptUndo
from yett.store import Store


@dataclass(frozen=True, slots=True)
class Means:
    """What an undo of one provider is made with: its folder's code, and Yett's own credential there."""

    undoer: Undoer
    secret: str

    def __repr__(self) -> str:
        return f"Means({type(self.undoer).__name__})"


MeansOf = Callable[[str], Means | None]
Begun = Callable[[str], Awaitable[None]]
"""Told where the provider can be asked what became of bringing it back, before that becomes final."""
Restore = Callable[[UndoRecord, AwaitedOpened, Begun], AsyncIterator[str]]
"""Bring back what lies in the keep, one line of progress a step; every byte that it is given was checked before."""
RestoreOf = Callable[[str], Restore | None]


@dataclass(frozen=True, slots=True)
class Pruned:
    """What became of the undos that were over their time, by id; `failed` with the reason."""

    removed: tuple[str, ...]
    needed: tuple[str, ...]
    failed: tuple[tuple[str, str], ...]
    swept: int


class Undos:
    """Undos of every provider. `means_of` answers None where Yett has no code or no credential of its own.

    A provider's code makes its undo in a plain folder below `folder`. A wire that makes its own writes it to the keep;
    `restore_of` names what brings such a one back. `keep` is called in a thread: it may have to open a bucket first.
    """

    def __init__(
        self,
        store: Store,
        journal: Journal,
        folder: Path,
        api: ApiClient,
        means_of: MeansOf,
        keep: Callable[[], Keep] | None = None,
        restore_of: RestoreOf = lambda provider: None,
    ) -> None:
        self._store = store
        self._journal = journal
        self._folder = folder
        self._api = api
        self._means_of = means_of
        self._keep = keep
        self._restore_of = restore_of
        self._pruning = asyncio.Lock()

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
            size = _size(folder)
            await self._journal.run(lambda tx: kept.write_folder(tx, record, hold, operation.action, size))
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return record

    # ---- the keep

    async def keep_gaps(self) -> tuple[str, ...]:
        """Sentences for an undo's plan: what the keep's place does not protect from. Raises YettError: no keep."""
        return (await asyncio.to_thread(self._kept_in)).place.gaps

    async def begin(self, task: str) -> AwaitedMaking:
        """Begin an undo in the keep, for a task (its id). Then `finish` it, and `record_kept` it.

        Raises:
            YettError: there is no keep, or it cannot take one now.
        """
        return await AwaitedMaking.begin(await asyncio.to_thread(self._kept_in), task)

    async def record_kept(self, record: UndoRecord, made: Made, hold: str, what: str) -> None:
        """Write down that it exists: from here on it counts. `what`: the act that it undoes, in a few words.

        Raises:
            LedgerUnavailable: it could not be written; the undo is removed.
        """
        try:
            await self._journal.run(lambda tx: kept.write_kept(tx, record, made, hold, what))
        except BaseException:
            await asyncio.shield(asyncio.to_thread(self._withdraw, made.id, made.task, made.stored))
            raise

    async def add_facts(self, record: UndoRecord, more: Mapping[str, Json]) -> None:
        """What is known of an undo only now, right before its act becomes final. Raises LedgerUnavailable."""
        facts = {**record.facts, **more}
        await self._journal.run(lambda tx: kept.write_facts(tx, record.id, facts))

    async def discard(self, undo_id: str, why: str) -> None:
        """Forget an undo whose act never became final. Where its place holds on to it, it lies there until its time."""
        found = self.kept(undo_id)
        await self._journal.run(lambda tx: kept.write_removed(tx, undo_id, why))
        if found.store:
            await asyncio.to_thread(self._withdraw, undo_id, found.task, found.stored)

    async def committed(self, undo_ids: Sequence[str]) -> None:
        """Their act became final: from here on they are worth something."""
        await self._journal.run_later(lambda tx: kept.write_became(tx, undo_ids, "committed"))

    async def check(self, undo_id: str) -> int:
        """Read an undo from end to end; how many bytes it holds. What is wrong is in the ledger when this raises.

        Raises:
            Damaged: it is not there, or not what was written.
            YettError: it lies in a plain folder, whose content is only compared when it is applied.
        """
        found = self.kept(undo_id)
        if not found.store:
            raise YettError(
                f"{undo_id} is a plain dump, which is restored and compared, not read",
                "its makers verified it when it was made; yett undo apply compares again",
            )
        try:
            size = await asyncio.to_thread(lambda: self._kept_in(found.store).open(undo_id).check())
        except Damaged as damage:
            why = damage.what
            await self._journal.run(lambda tx: kept.write_damaged(tx, undo_id, why))
            raise
        await self._journal.run(lambda tx: kept.write_checked(tx, undo_id))
        return size

    async def prune(self) -> Pruned:
        """Let go of what is over its time and what dead writers left. An open hold's undo stays, and is locked on."""
        async with self._pruning:  # what is let go twice would be counted twice
            return await self._prune()

    async def _prune(self) -> Pruned:
        keep, now = await asyncio.to_thread(self._kept_in), time.time_ns()
        removed, needed, failed = [], [], []
        rows = self.all()
        for undo in rows:
            if undo.store != keep.place.name or not undo.is_over(now):
                continue
            try:
                if undo.is_needed:
                    await asyncio.to_thread(keep.hold_on, undo.record.id)
                    needed.append(undo.record.id)
                    continue
                await self._remove(keep, undo)
                removed.append(undo.record.id)
            except KeepError as error:
                failed.append((undo.record.id, error.what))
        known = {undo.record.id for undo in rows}
        swept = await asyncio.to_thread(keep.sweep, known)
        return Pruned(tuple(removed), tuple(needed), tuple(failed), swept)

    async def _remove(self, keep: Keep, undo: KeptUndo) -> None:
        await asyncio.to_thread(keep.let_go, undo.record.id, undo.task, undo.stored)
        await self._journal.run(lambda tx: kept.write_removed(tx, undo.record.id, "its time was over"))

    def _withdraw(self, undo_id: str, task: str, stored: int) -> None:
        try:
            self._kept_in().let_go(undo_id, task, stored)
        except YettError:
            return  # locked: `prune` finds it among the strays once its time is over

    def _kept_in(self, store: str = "") -> Keep:
        """The keep; with a name, only if it is that one. In a thread."""
        if self._keep is None:
            raise YettError("Yett has no place to keep undos in", "set [undo] in config.toml")
        keep = self._keep()
        if store and store != keep.place.name:
            raise YettError(f"the undo lies in {store}, which is not set up", "set [undo] in config.toml back to it")
        return keep

    # ---- what became of the acts that they undo

    def unsettled(self, provider: str) -> list[KeptUndo]:
        """Those of which nobody knows whether their act, or what brings it back, became final."""
        return self._store.read(lambda connection: kept.read_unsettled(connection, provider))

    async def unknown_for_ever(self, undo_id: str) -> None:
        """Nobody can say any more whether its act became final: it is kept until its time, and shown as such."""
        await self._journal.run(lambda tx: kept.write_became(tx, [undo_id], "unknown"))

    async def applying(self, undo_id: str, by: str, xact: str) -> None:
        """Bringing it back is about to become final, in the transaction that the provider knows as `xact`."""
        await self._journal.run(lambda tx: kept.write_applying(tx, undo_id, by, xact))

    async def settle_applying(self, undo_id: str, became: str, why: str) -> None:
        """What became of bringing it back, which nobody had waited for: committed, aborted, or unknown for ever."""
        await self._journal.run(lambda tx: kept.write_applying_settled(tx, undo_id, became, why))

    # ---- all of them

    def all(self) -> list[KeptUndo]:
        """Every undo that was not removed, the oldest first."""
        return self._store.read(kept.read_all)

    def of(self, resource: ResourceRef) -> list[KeptUndo]:
        """Every undo that a resource ever had, the oldest first; those that were removed, too."""
        return self._store.read(lambda connection: kept.read_of(connection, resource))

    async def opened(self, undo: KeptUndo) -> AwaitedOpened:
        """Read one from end to end. Raises YettError: it is not in the keep any more, or not what was written."""
        if undo.removed or not undo.store:
            raise YettError(f"{undo.record.id} is not in the keep any more")
        keep = await asyncio.to_thread(self._kept_in, undo.store)
        return await AwaitedOpened.open(keep, undo.record.id)

    def facts_of_task(self, task: str, resource: ResourceRef) -> list[tuple[str, dict[str, Json]]]:
        """See `kept.facts_of_task`."""
        return self._store.read(lambda connection: kept.facts_of_task(connection, task, resource))

    def kept(self, undo_id: str) -> KeptUndo:
        for undo in self.all():
            if undo.record.id == undo_id:
                return undo
        raise YettError(f"there is no undo {undo_id}", "yett undo list shows those that exist")

    def records(self) -> list[UndoRecord]:
        return [undo.record for undo in self.all()]

    def record(self, undo_id: str) -> UndoRecord:
        return self.kept(undo_id).record

    async def apply(self, undo_id: str, by: str) -> AsyncIterator[str]:
        """Bring it back; the caller has verified a signature for exactly this. Yields progress in words."""
        found = self.kept(undo_id)
        restoring = await self._restoring(found, lambda xact: self.applying(undo_id, by, xact))
        started = Entry("undo", {"id": undo_id, "state": "applying", "by": by})
        await self._journal.run(lambda tx: tx.append(started))
        last = ""
        async for last in restoring:
            yield last
        await self._journal.run(lambda tx: kept.write_applied(tx, undo_id, by, last))

    async def _restoring(self, found: KeptUndo, begun: Begun) -> AsyncIterator[str]:
        """The restore, not begun. What lies in the keep has been read from end to end."""
        record = found.record
        if found.store:
            restore = self._restore_of(record.provider)
            if restore is None:
                raise YettError(f"Yett has no way to bring back {record.provider}", "it was made by another version")
            return restore(record, await self.opened(found), begun)
        means = self._means_of(record.provider)
        if means is None:
            raise YettError(f"Yett has no credential of its own for {record.provider}", "yett secret add --own")
        return means.undoer.restore(self._api, means.secret, record)


def _size(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir())
