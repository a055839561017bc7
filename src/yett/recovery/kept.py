"""The undos as rows: what is recorded of each, and who still needs it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Row, Select, and_, func, insert, or_, select, update

from yett.ledger.journal import Entry, Transaction
from yett.model.canonical import Json
from yett.model.resource import ResourceRef
from yett.model.undo import UndoRecord
from yett.recovery.keep import Made
from yett.recovery.keep.proof import Proof
from yett.store.tables import holds, sessions, undos

OPEN_HOLDS = ("waiting", "approved", "consumed", "unknown")
"""Of tables.HOLD_STATES those in which somebody may still want the undo; `unknown` is shown to a person until then."""


@dataclass(frozen=True, slots=True)
class KeptUndo:
    """An undo that exists. Times in nanoseconds since the epoch, None where it never was; `stored` in bytes.

    `became` is what is known of the act that it undoes: committed, unknown for ever, or "" (nobody has said yet, or no
    server can). `applying` names the transaction that brings it back, while nobody knows what became of that one.
    `restored_by` are all that ever began to, the oldest first. `removed`: it is not kept any more, and only known of.
    `store` is "" for a plain folder, which never expires. `purpose` is the task's, in the words of whoever started it.
    """

    record: UndoRecord
    hold: str
    hold_state: str
    task: str
    purpose: str
    what: str
    store: str
    stored: int
    made: int
    verified: int | None
    checked: int | None
    applied: int | None
    expires: int | None
    became: str
    applying: str
    restored_by: tuple[str, ...]
    removed: bool

    @property
    def is_needed(self) -> bool:
        """An open hold's undo outlives its time."""
        return self.hold_state in OPEN_HOLDS

    def is_over(self, now: int) -> bool:
        return self.expires is not None and self.expires <= now


def read_all(connection: Connection) -> list[KeptUndo]:
    """Those that were not removed, the oldest first."""
    return [_from_row(row) for row in connection.execute(_query().order_by(undos.c.made_at, undos.c.id))]


def read_of(connection: Connection, resource: ResourceRef) -> list[KeptUndo]:
    """All that a resource ever had, the oldest first; those that were removed, too."""
    query = _query(removed=True).where(undos.c.provider == resource.provider, undos.c.resource_id == resource.id)
    return [_from_row(row) for row in connection.execute(query.order_by(undos.c.made_at, undos.c.id))]


def read_unsettled(connection: Connection, provider: str) -> list[KeptUndo]:
    """Those of which nobody knows whether their act, or what brings it back, became final."""
    open_ended = or_(undos.c.became.is_(None), undos.c.applying.is_not(None))
    mine = undos.c.provider == provider, undos.c.store != "", open_ended
    return [_from_row(row) for row in connection.execute(_query().where(*mine).order_by(undos.c.made_at))]


def stored_by_task(connection: Connection) -> dict[str, int]:
    """Bytes in the keep, for its budget."""
    query = select(undos.c.task, func.sum(undos.c.stored)).where(undos.c.removed_at.is_(None), undos.c.store != "")
    return {task: int(stored) for task, stored in connection.execute(query.group_by(undos.c.task))}


def facts_of_task(connection: Connection, task: str, resource: ResourceRef) -> list[tuple[str, dict[str, Json]]]:
    """(hold or "", facts) of every undo that a task's acts on a resource left, the oldest first.

    Those that were let go because their time was over are among them; those of acts that never became final are not.
    """
    let_go = and_(undos.c.expires_at.is_not(None), undos.c.removed_at >= undos.c.expires_at)
    query = (
        select(undos.c.hold, undos.c.facts)
        .where(undos.c.task == task, undos.c.provider == resource.provider, undos.c.resource_id == resource.id)
        .where(or_(undos.c.removed_at.is_(None), let_go))
        .order_by(undos.c.made_at, undos.c.id)
    )
    return [(row.hold or "", row.facts) for row in connection.execute(query)]


def write_folder(tx: Transaction, record: UndoRecord, hold: str, what: str, stored: int) -> None:
    """An undo in a plain folder of its own, made by its provider's code."""
    _write(tx, record, hold, time.time_ns(), task="", what=what, store="", stored=stored, expires_at=None)


def write_kept(tx: Transaction, record: UndoRecord, made: Made, hold: str, what: str) -> None:
    """An undo in the keep."""
    facts = {"task": made.task, "what": what, "store": made.place, "stored": made.stored, "expires_at": made.expires}
    _write(tx, record, hold, made.made, **facts)


def write_applied(tx: Transaction, undo: str, by: str, what: str) -> None:
    _note(tx, undo, "applied", {"by": by, "what": what}, applied_at=time.time_ns(), applying=None)


def write_applying(tx: Transaction, undo: str, by: str, xact: str) -> None:
    """It is about to be final that it is brought back: `xact` is the transaction that does it."""
    before = tx.execute(select(undos.c.restored_by).where(undos.c.id == undo)).scalar_one()
    after = [*before, *([] if xact in before else [xact])]
    _note(tx, undo, "committing", {"by": by, "xact": xact}, applying=xact, restored_by=after)


def write_applying_settled(tx: Transaction, undo: str, became: str, why: str) -> None:
    values: dict[str, int | str | None] = {"applying": None}
    if became == "committed":
        values["applied_at"] = time.time_ns()
    states = {"committed": "applied", "aborted": "not applied"}
    _note(tx, undo, states.get(became, "unknown whether applied"), {"why": why}, **values)


def write_checked(tx: Transaction, undo: str) -> None:
    _note(tx, undo, "checked", {}, checked_at=time.time_ns())


def write_facts(tx: Transaction, undo: str, facts: dict[str, Json]) -> None:
    """What is known of it besides what lies with it. No entry: whatever became final has its own."""
    tx.execute(update(undos).where(undos.c.id == undo).values(facts=facts))


def write_damaged(tx: Transaction, undo: str, why: str) -> None:
    tx.append(Entry("undo", {"id": undo, "state": "damaged", "why": why}))


def write_removed(tx: Transaction, undo: str, why: str) -> None:
    _note(tx, undo, "removed", {"why": why}, removed_at=time.time_ns())


def write_became(tx: Transaction, undo_ids: Sequence[str], became: str) -> None:
    """What is known of the act that they undo. No entry: the act's own outcome says it."""
    tx.execute(update(undos).where(undos.c.id.in_(undo_ids)).values(became=became))


def proof_entry(proof: Proof) -> Entry:
    """That a bucket refused, attempt by attempt."""
    return Entry("undo", {"state": "proven", "bucket": proof.bucket, "at": proof.at, "refused": dict(proof.refused)})


def _note(tx: Transaction, undo: str, state: str, body: dict[str, str], **values: int | str | list[str] | None) -> None:
    tx.execute(update(undos).where(undos.c.id == undo).values(**values))
    tx.append(Entry("undo", {"id": undo, "state": state, **body}))


def _write(tx: Transaction, record: UndoRecord, hold: str, made: int, **facts: object) -> None:
    now = time.time_ns()
    tx.execute(
        insert(undos).values(
            id=record.id,
            hold=hold,
            provider=record.provider,
            resource_kind=record.resource.kind,
            resource_id=record.resource.id,
            how=record.how,
            folder=record.folder,
            facts=record.facts,
            gaps=list(record.gaps),
            restored_by=[],
            made_at=made,
            verified_at=now,
            **facts,
        )
    )
    body = {"id": record.id, "state": "verified", "hold": hold, "provider": record.provider, "how": record.how}
    tx.append(Entry("undo", {**body, "resource": [record.resource.kind, record.resource.id]}))


def _query(*, removed: bool = False) -> Select[tuple[object, ...]]:
    """The purpose is that of the undo's task, or of the session that its hold belongs to."""
    own = select(sessions.c.task, func.max(sessions.c.purpose).label("purpose")).group_by(sessions.c.task).subquery()
    whose = or_(
        and_(undos.c.task != "", own.c.task == undos.c.task), and_(undos.c.task == "", own.c.task == _task_of_hold())
    )
    joined = undos.outerjoin(holds, holds.c.id == undos.c.hold).outerjoin(own, whose)
    columns = (undos, holds.c.state.label("hold_state"), own.c.purpose.label("purpose"))
    found = select(*columns).select_from(joined)
    return found if removed else found.where(undos.c.removed_at.is_(None))


def _task_of_hold() -> object:
    return select(sessions.c.task).where(sessions.c.id == holds.c.session).scalar_subquery()


def _from_row(row: Row[tuple[object, ...]]) -> KeptUndo:
    values = row._mapping
    record = UndoRecord(
        id=values["id"],
        provider=values["provider"],
        resource=ResourceRef(values["provider"], values["resource_kind"], values["resource_id"]),
        how=values["how"],
        folder=values["folder"],
        facts=values["facts"],
        gaps=tuple(values["gaps"]),
    )
    return KeptUndo(
        record=record,
        hold=values["hold"] or "",
        hold_state=values["hold_state"] or "",
        task=values["task"],
        purpose=values["purpose"] or "",
        what=values["what"],
        store=values["store"],
        stored=values["stored"],
        made=values["made_at"],
        verified=values["verified_at"],
        checked=values["checked_at"],
        applied=values["applied_at"],
        expires=values["expires_at"],
        became=values["became"] or "",
        applying=values["applying"] or "",
        restored_by=tuple(values["restored_by"]),
        removed=values["removed_at"] is not None,
    )
