"""Widening policy files: put before people, signed by digest, loaded from then on (laws 8 and 9)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from yett.approvals.acts import ActKind
from yett.daemon.channel import Message
from yett.daemon.plane import Plane
from yett.daemon.signing import ask_to_sign, wait_signed
from yett.ledger.journal import Entry, Transaction
from yett.model.canonical import Json
from yett.model.errors import YettError
from yett.policy import file_digest
from yett.policy.folder import PolicyFile, read_file
from yett.store.tables import meta

MOST_SHOWN = 6000
"""A file that does not fit the page is not signed: nobody would have read it."""


async def sign(plane: Plane, request: Message) -> AsyncIterator[Message]:
    """Propose a policy file; nothing changes before it is signed."""
    name, content = _file(request)
    read_file(PolicyFile(name, content, workspace=False), frozenset({file_digest(content)}))
    yield await ask_to_sign(plane, ActKind.POLICY, _body(name, content))


async def wait(plane: Plane, request: Message) -> AsyncIterator[Message]:
    """Wait for the signature; then the file is kept, its digest with it, and the policies are loaded again."""
    name, content = _file(request)
    act_id, body = str(request["act"]), _body(name, content)
    await wait_signed(plane.desk, act_id)
    now = plane.desk.clock()

    def work(tx: Transaction) -> None:
        signers = plane.desk.spend_act(tx, act_id, ActKind.POLICY, body, now)
        key, by = f"policy:{file_digest(content)}", ", ".join(signers)
        tx.execute(meta.delete().where(meta.c.key == key))
        tx.execute(meta.insert().values(key=key, value=by))
        tx.append(Entry("policy", {"file": name, "digest": file_digest(content), "by": by}))

    await plane.journal.run(work)
    await asyncio.to_thread(_keep, plane.settings.home / "policy", name, content)
    plane.maps.reload_policies()
    yield {"ok": True}


def _file(request: Message) -> tuple[str, bytes]:
    """The file as the command sent it: what is signed is what was read once."""
    name, text = Path(str(request["name"])).name, str(request["text"])
    if len(text) > MOST_SHOWN:
        raise YettError(f"{name} is longer than the {MOST_SHOWN} characters that the page shows", "split it")
    return name, text.encode()


def _body(name: str, content: bytes) -> dict[str, Json]:
    return {"file": name, "digest": file_digest(content), "text": content.decode()}


def _keep(folder: Path, name: str, content: bytes) -> None:
    folder.mkdir(mode=0o700, exist_ok=True)
    (folder / name).write_bytes(content)


PROGRESS = {"policy.sign": sign, "policy.wait": wait}
