"""Undo: list what is kept, show one, read it again, apply it with a signature, let go of what is over its time."""

from __future__ import annotations

from collections.abc import AsyncIterator

from yett.approvals.acts import ActKind
from yett.daemon.channel import Message
from yett.daemon.plane import Plane
from yett.daemon.signing import ask_to_sign, wait_signed
from yett.model.canonical import Json
from yett.model.errors import YettError
from yett.model.undo import UndoRecord
from yett.recovery.kept import KeptUndo


async def list_(plane: Plane, request: Message) -> AsyncIterator[Message]:
    yield {"undos": [_row(plane, undo) for undo in plane.undos.all()]}


async def show(plane: Plane, request: Message) -> AsyncIterator[Message]:
    undo = plane.undos.kept(str(request["undo"]))
    yield {"undo": {**_row(plane, undo), "facts": undo.record.facts}}


async def verify(plane: Plane, request: Message) -> AsyncIterator[Message]:
    """Read one, or all, from end to end. The last message says which were good, damaged, or not looked at."""
    asked = str(request.get("undo", ""))
    chosen = [plane.undos.kept(asked)] if asked else [undo for undo in plane.undos.all() if undo.store]
    rows = []
    for undo in chosen:
        try:
            size = await plane.undos.check(undo.record.id)
            rows.append({"id": undo.record.id, "good": True, "bytes": size, "why": ""})
        except YettError as error:
            rows.append({"id": undo.record.id, "good": False, "bytes": 0, "why": error.diagnostics()})
        yield {"progress": f"{undo.record.id}: {'good' if rows[-1]['good'] else 'NOT GOOD'}"}
    yield {"checked": rows}


async def prune(plane: Plane, request: Message) -> AsyncIterator[Message]:
    pruned = await plane.undos.prune()
    yield {
        "removed": list(pruned.removed),
        "needed": list(pruned.needed),
        "failed": [{"id": undo, "why": why} for undo, why in pruned.failed],
        "swept": pruned.swept,
    }


async def apply(plane: Plane, request: Message) -> AsyncIterator[Message]:
    """Propose the act; the caller shows where to sign, then waits with `undo.wait`. `applied_at`: when it was done."""
    undo = plane.undos.kept(str(request["undo"]))
    asked = await ask_to_sign(plane, ActKind.UNDO_APPLY, _body(plane, undo.record.id))
    yield {**asked, "applied_at": undo.applied}


async def wait(plane: Plane, request: Message) -> AsyncIterator[Message]:
    """Wait for the signature, spend it, apply."""
    act_id, undo = str(request["act"]), str(request["undo"])
    await wait_signed(plane.desk, act_id)
    body, now = _body(plane, undo), plane.desk.clock()
    signers = await plane.journal.run(lambda tx: plane.desk.spend_act(tx, act_id, ActKind.UNDO_APPLY, body, now))
    last = ""
    async for line in plane.undos.apply(undo, ", ".join(signers)):
        if last:
            yield {"progress": last}
        last = line
    yield {"lines": [last]}


def _row(plane: Plane, undo: KeptUndo) -> Message:
    """Times in nanoseconds since the epoch, None where it never was; sizes in bytes."""
    record = undo.record
    content = record.facts.get("content")
    return {
        "id": record.id,
        "resource": f"{record.provider} {record.resource.kind} {_name(plane, record)}",
        "how": record.how,
        "rows": content.get("rows", "") if isinstance(content, dict) else record.facts.get("rows", ""),
        "gaps": list(record.gaps),
        "task": undo.task,
        "purpose": undo.purpose,
        "what": undo.what,
        "size": undo.stored,
        "store": undo.store or f"folder:{record.folder}",
        "hold": undo.hold,
        "hold_state": undo.hold_state,
        "made_at": undo.made,
        "verified_at": undo.verified,
        "checked_at": undo.checked,
        "applied_at": undo.applied,
        "became": undo.became,
        "applying": undo.applying,
        "expires_at": undo.expires,
    }


def _name(plane: Plane, record: UndoRecord) -> str:
    """A database as people call it; anything else, and one that was forgotten, by its provider's id."""
    names = (one.name for one in plane.databases.all if one.ref == record.resource)
    return next(names, record.resource.id)


def _body(plane: Plane, undo: str) -> dict[str, Json]:
    record = plane.undos.record(undo)
    return {"undo": record.id, "provider": record.provider, "resource": [record.resource.kind, record.resource.id]}


PROGRESS = {
    "undo.list": list_,
    "undo.show": show,
    "undo.verify": verify,
    "undo.prune": prune,
    "undo.apply": apply,
    "undo.wait": wait,
}
