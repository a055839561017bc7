"""The log, the policy's explanations, reports."""

from __future__ import annotations

import asyncio
from pathlib import Path

from yett.approvals.people import active_persons
from yett.approvals.quorum import is_team
from yett.checkpoint.judge import SOURCE
from yett.daemon.channel import Message
from yett.daemon.plane import Plane
from yett.ledger.export import export
from yett.ledger.notes import VerifierKey
from yett.ledger.receipts import receipt
from yett.model.effects import Effect
from yett.model.errors import YettError
from yett.model.operation import Amount
from yett.policy import Context, Question, TaskState
from yett.policy.schema import PLACES, UNDO_STATES


async def log_export(plane: Plane, request: Message) -> Message:
    folder = Path(str(request["folder"]))
    note = plane.journal.checkpoint()
    made = await asyncio.to_thread(export, plane.store, folder, note)
    (folder / "vkey").write_text(plane.vkey + "\n")
    return {"size": made.size, "vkey": plane.vkey}


async def log_receipt(plane: Plane, request: Message) -> Message:
    """One entry and its proof under a checkpoint of this moment, verifiable offline."""
    index, note, key = int(str(request["index"])), plane.journal.checkpoint(), VerifierKey.parse(plane.vkey)
    made = await asyncio.to_thread(plane.store.read, lambda connection: receipt(connection, index, note, key))
    return {"receipt": made, "vkey": plane.vkey}


async def policy_explain(plane: Plane, request: Message) -> Message:
    """What the policy says of an operation that is described rather than sent."""
    try:
        effect = Effect(str(request["effect"]))
    except ValueError:
        raise YettError(f"{request['effect']!r} is no effect", "read, write, delete, admin or unknown") from None
    place, undo = str(request.get("place", "task")), str(request.get("undo", "possible"))
    if place not in PLACES:
        raise YettError(f"{place!r} is no place", "task, production or elsewhere")
    if undo not in UNDO_STATES:
        raise YettError(f"{undo!r} is no state of an undo", "none, possible or verified")
    context = Context(
        action="example:operation",
        wire="http",
        irreversible=bool(request.get("irreversible")),
        undo=undo,
        asked=False,
        granted=False,
        remembered=False,
        team=is_team(plane.desk.read(active_persons)),
        task=TaskState(live=True, named=True),
        spent=Amount(),
        cost=Amount(),
        limit=Amount(100, 100_000, 10**9),
        change="",
        workflow=False,
        source=SOURCE,
        now=plane.desk.clock() // 10**9,
    )
    parents = (("Place", place), ("Provider", "example"))
    asked = Question("agent", (), effect, "Resource", "example:thing:1", parents, (), context)
    said = plane.maps.policies.explain(asked)
    return {
        "verdict": said.verdict.value,
        "obligations": sorted(said.obligations),
        "because": list(said.because),
        "would_be": list(said.would_be),
    }


async def report(plane: Plane, request: Message) -> Message:
    return {"sessions": [run.counts() for run in plane.runs.values()] + plane.ended_counts}


async def why(plane: Plane, request: Message) -> Message:
    """The last refusal of the newest run."""
    for run in reversed(list(plane.runs.values())):
        if (refusal := run.last_refusal()) is not None:
            return {"refusal": refusal}
    return {"refusal": plane.last_refusal}


VERBS = {
    "log.export": log_export,
    "log.receipt": log_receipt,
    "policy.explain": policy_explain,
    "report": report,
    "why": why,
}
