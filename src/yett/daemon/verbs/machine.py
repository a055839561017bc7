"""This machine: move found keys into Yett, and leave it without a trace."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

from yett.approvals.acts import ActKind
from yett.approvals.people import active_persons
from yett.broker.placeholders import new_placeholder
from yett.daemon.channel import Message
from yett.daemon.plane import Plane
from yett.daemon.signing import ask_to_sign, wait_signed
from yett.inventory import Finding, scan_workspace
from yett.ledger.journal import Entry
from yett.model.canonical import Json
from yett.model.errors import YettError
from yett.sandbox.mirror.masks import Masks


async def protect(plane: Plane, request: Message) -> Message:
    """Move what a provider's room can hold from files into the vault; a placeholder stays where each value was.

    The hook tier's floor: the raw key still works wherever else it lies, until a person revokes it.
    """
    workspace = Path(str(request["path"]))
    found = await asyncio.to_thread(
        scan_workspace,
        workspace,
        environ={},
        home=Path("~").expanduser(),
        history=False,
        keys=plane.keys,
        book=plane.book,
    )
    movable = [f for f in found if f.credential.provider and any(at.source == "file" for at in f.credential.locations)]
    lines = [line for finding in movable for line in await asyncio.to_thread(_move, plane, finding)]
    body: dict[str, Json] = {"event": "protected", "workspace": str(workspace), "credentials": len(movable)}
    await plane.journal.run(lambda tx: tx.append(Entry("secret", body)))
    left = len(found) - len(movable)
    if not found:
        return {"lines": ["no credential was found: there is nothing to move"]}
    stay = "1 other stays where it is" if left == 1 else f"{left} others stay where they are"
    return {"lines": [*lines, f"{stay}: no provider's folder knows it"] if left else lines}


def _move(plane: Plane, finding: Finding) -> list[str]:
    """Keep the value first, then replace it in each file; a file that cannot be written is named."""
    room = plane.book.named(finding.credential.provider)
    if room is None or not room.positions:
        return []
    name = f"{room.name}-{finding.credential.fingerprint[:8]}"
    position = finding.position or room.positions[0]
    plane.vault.put(
        name, room.name, finding.credential.kind, finding.value, "", plane.owner, hosts=room.hosts, position=position
    )
    masks = Masks({finding.value.reveal(): new_placeholder().encode()})
    said = [f"{name}: {finding.title}, now in Yett"]
    for path in sorted({at.path for at in finding.credential.locations if at.source == "file"}):
        try:
            _rewrite(Path(path), masks)
            said.append(f"  a placeholder stands in {path}")
        except OSError as error:
            said.append(f"  {path} could not be written ({error.strerror}): the value is still there")
    return [*said, "  the raw key still works: make a new one at the provider, then revoke the old"]


def _rewrite(path: Path, masks: Masks) -> None:
    descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
    with os.fdopen(descriptor, "r+b") as file:
        masked = masks.mask(file.read())
        file.seek(0)
        file.truncate()
        file.write(masked)


async def uninstall(plane: Plane, request: Message) -> AsyncIterator[Message]:
    """With people enrolled it takes a signature; without, there is nothing that anyone signed for."""
    if plane.runs:
        running = "an agent is running" if len(plane.runs) == 1 else f"{len(plane.runs)} agents are running"
        raise YettError(running, "end what runs first")
    if not plane.desk.read(active_persons):
        plane.stop.set()
        yield {"ok": True}
        return
    yield await ask_to_sign(plane, ActKind.UNINSTALL, {"home": str(plane.settings.home)})


async def uninstall_wait(plane: Plane, request: Message) -> AsyncIterator[Message]:
    """Wait for the signature, spend it, stop the daemon; the command removes the folder."""
    act_id, body = str(request["act"]), {"home": str(plane.settings.home)}
    await wait_signed(plane.desk, act_id)
    now = plane.desk.clock()
    await plane.journal.run(lambda tx: plane.desk.spend_act(tx, act_id, ActKind.UNINSTALL, body, now))
    plane.stop.set()
    yield {"ok": True}


VERBS = {"protect": protect}
PROGRESS = {"uninstall": uninstall, "uninstall.wait": uninstall_wait}
