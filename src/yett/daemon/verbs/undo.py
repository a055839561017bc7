"""Undo: list what is kept, apply one with a signature, with progress on the way."""

from __future__ import annotations

from collections.abc import AsyncIterator

from yett.approvals.acts import ActKind
from yett.daemon.channel import Message
from yett.daemon.plane import Plane
from yett.daemon.signing import ask_to_sign, wait_signed
from yett.model.canonical import Json


async def list_(plane: Plane, request: Message) -> AsyncIterator[Message]:
    rows = []
    for record in plane.undos.records():
        content = record.facts.get("content")
        counted = content.get("rows", "") if isinstance(content, dict) else ""
        resource = f"{record.provider} {record.resource.kind} {record.resource.id}"
        rows.append(
            {"id": record.id, "resource": resource, "how": record.how, "rows": counted, "gaps": list(record.gaps)}
        )
    yield {"undos": rows}


async def apply(plane: Plane, request: Message) -> AsyncIterator[Message]:
    """Propose the act; the caller shows where to sign, then waits with `undo.wait`."""
    yield await ask_to_sign(plane, ActKind.UNDO_APPLY, _body(plane, str(request["undo"])))


async def wait(plane: Plane, request: Message) -> AsyncIterator[Message]:
    """Wait for the signature, spend it, apply."""
    act_id, undo = str(request["act"]), str(request["undo"])
    await wait_signed(plane.desk, act_id)
    body, now = _body(plane, undo), plane.desk.clock()
    signers = await plane.journal.run(lambda tx: plane.desk.spend_act(tx, act_id, ActKind.UNDO_APPLY, body, now))
    lines = []
    async for line in plane.undos.apply(undo, ", ".join(signers)):
        lines.append(line)
        yield {"progress": line}
    yield {"lines": lines[-1:]}


def _body(plane: Plane, undo: str) -> dict[str, Json]:
    record = plane.undos.record(undo)
    return {"undo": record.id, "provider": record.provider, "resource": [record.resource.kind, record.resource.id]}


PROGRESS = {"undo.list": list_, "undo.apply": apply, "undo.wait": wait}
