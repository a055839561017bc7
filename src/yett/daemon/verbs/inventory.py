"""The kept inventory: shown, brought up to date, watched; who answers for what, and what a person accepts."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from yett.approvals.acts import ActKind
from yett.approvals.hostile import is_plain_name
from yett.daemon import inventory
from yett.daemon.channel import Channel, ChannelClosed, Message
from yett.daemon.masking import scan
from yett.daemon.plane import Plane
from yett.daemon.signing import ask_to_sign
from yett.daemon.watching import Watching
from yett.inventory.kept import rows as kept_rows
from yett.inventory.kept.acceptances import counting, day_of, state_of
from yett.inventory.kept.duties import duties_of
from yett.inventory.kept.inventory import Change
from yett.inventory.kept.rows import Sighting
from yett.ledger.journal import Entry, Transaction
from yett.model.errors import YettError

FEWEST = 6
"""Characters of a fingerprint that name one."""
REVIEW_AFTER = timedelta(days=90)


async def list_(plane: Plane, request: Message) -> Message:
    """Every credential with its state, and what the inventory itself lacks."""
    rows = await asyncio.to_thread(_rows, plane, str(request.get("workspace", "")), bool(request.get("gone")))
    return {"rows": rows}


async def refresh(plane: Plane, request: Message) -> AsyncIterator[Message]:
    """Look through a workspace, its history, the asker's variables and what HOME shows."""
    workspace = str(request["workspace"])
    yield {"progress": f"looking through {workspace}"}
    change, found = await asyncio.to_thread(_scanned, plane, workspace, _environ(request))
    yield {"credentials": found, "new": len(change.new) + len(change.back), "gone": len(change.gone)}


async def owner(plane: Plane, request: Message) -> Message:
    """Who answers for a credential, and when it is looked at again. It widens nothing: no key."""
    name, now = str(request["name"]).strip(), plane.desk.clock()
    if not is_plain_name(name):
        raise YettError("that cannot stand as a person's name", "use up to 64 letters of one script")
    one = (await _named(plane, request))[0]
    said = str(request.get("review", ""))
    review = inventory.iso_day(said) if said else None
    if review is not None and review < day_of(now):
        raise YettError(f"{review} is over", "name a day on which someone will look at it")
    kept = one.review if one.review >= day_of(now).isoformat() else (day_of(now) + REVIEW_AFTER).isoformat()
    last = review.isoformat() if review is not None else kept

    def work(tx: Transaction) -> None:
        kept_rows.set_owner(tx, one.fingerprint, name, last)
        about = {"fingerprint": one.fingerprint, "owner": name, "review": last}
        tx.append(Entry("inventory", {"event": "owner", **about, "by": plane.owner}))

    await plane.journal.run(work)
    return {"title": one.title, "owner": name, "review": last}


async def accept(plane: Plane, request: Message) -> Message:
    """Put one credential before a person, with all that is known of it. Nothing counts before the signature."""
    found = [one for one in await _named(plane, request) if one.gone_since is None]
    if len(found) != 1:
        raise YettError(_which(found), "name one workspace: --workspace PATH")
    body = inventory.acceptance(found[0], str(request["reason"]), str(request.get("until", "")), plane.desk.clock())
    return {**await ask_to_sign(plane, ActKind.BASELINE, body), "title": found[0].title, "until": body["until"]}


async def purpose(plane: Plane, request: Message) -> Message:
    """What a credential was made for decides what is too much for it: a person signs it (law 8)."""
    body = inventory.purpose((await _named(plane, request))[0], str(request["purpose"]))
    return await ask_to_sign(plane, ActKind.PURPOSE, body)


async def watch(plane: Plane, channel: Channel, request: Message) -> None:
    """Tell of every new credential in a workspace, for as long as the connection lives."""
    workspace, loop = str(request["workspace"]), asyncio.get_running_loop()
    told: asyncio.Queue[Message] = asyncio.Queue()

    def tell(message: Message) -> None:
        loop.call_soon_threadsafe(told.put_nowait, message)

    def on_new(found: Sequence[Sighting]) -> None:
        for one in found:
            tell({"found": one.as_record()})

    watching = Watching(
        plane, workspace, time.time_ns(), on_new=on_new, say=lambda line: tell({"line": line}),
        is_ours=plane.broker.is_placeholder,
    )  # fmt: skip
    watching.start()
    try:
        _, count = await asyncio.to_thread(_scanned, plane, workspace, _environ(request))
        await channel.send({"watching": workspace, "credentials": count})
        await _relay(channel, told)
    except ChannelClosed:
        pass
    finally:
        watching.stop()


async def _relay(channel: Channel, told: asyncio.Queue[Message]) -> None:
    """Send what comes until the other side hangs up."""
    closing = asyncio.create_task(channel.receive())
    try:
        while True:
            coming = asyncio.create_task(told.get())
            await asyncio.wait({closing, coming}, return_when=asyncio.FIRST_COMPLETED)
            if not coming.done():
                coming.cancel()
                await closing
                return
            await channel.send(coming.result())
    finally:
        closing.cancel()


def _scanned(plane: Plane, workspace: str, environ: dict[str, str]) -> tuple[Change, int]:
    started = time.time_ns()
    findings = scan(plane.keys, plane.book, Path(workspace), environ)
    change = plane.kept.record(workspace, findings, started)
    live = sum(one.gone_since is None for one in plane.kept.list(workspace))
    return change, live


def _rows(plane: Plane, workspace: str, gone: bool) -> list[dict[str, Any]]:  # Any: JSON records
    now = plane.desk.clock()
    kept = [one for one in plane.kept.list(workspace) if gone or one.gone_since is None]
    kept.sort(key=lambda one: (one.workspace, -one.severity, one.where))
    accepted = {name: plane.kept.accepted(name) for name in {one.workspace for one in kept}}
    rows, lacks = [], []
    for one in kept:
        counts = counting(accepted[one.workspace], one.fingerprint, one.severity, now)
        record = {"finding": "credential", **one.as_record(), "state": state_of(one, counts, now).value}
        if counts is not None:
            record["accepted"] = {"reason": counts.reason, "until": counts.until, "by": counts.by}
        rows.append(record)
        lacks += [duty.as_record() for duty in duties_of(one, day_of(now))]
    return rows + lacks


async def _named(plane: Plane, request: Message) -> list[Sighting]:
    """The credential whose fingerprint begins so, in each workspace that has it. Raises YettError: none, or several."""
    start = str(request["fingerprint"]).lower()
    if len(start) < FEWEST:
        raise YettError(f"{start!r} is too short", f"give at least {FEWEST} characters of the fingerprint")
    found = await asyncio.to_thread(plane.kept.list, str(request.get("workspace", "")), start)
    if not found:
        raise YettError(f"no credential of the inventory begins with {start}", "yett inventory lists them")
    if len({one.fingerprint for one in found}) > 1:
        raise YettError(f"several credentials begin with {start}", "give more of the fingerprint")
    return found


def _which(found: Sequence[Sighting]) -> str:
    if not found:
        return "that credential is gone: there is nothing to accept"
    return f"it is in {len(found)} workspaces: " + ", ".join(one.workspace for one in found)


def _environ(request: Message) -> dict[str, str]:
    return {str(k): str(v) for k, v in dict(request.get("environ", {})).items()}


VERBS = {"inventory.list": list_, "inventory.owner": owner, "inventory.accept": accept, "inventory.purpose": purpose}
PROGRESS = {"inventory.refresh": refresh}
HELD = {"inventory.watch": watch}
