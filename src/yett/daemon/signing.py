"""Put an act before a person, and wait for the signature."""

from __future__ import annotations

import asyncio
import time

from yett.approvals.acts import ActKind, ActState
from yett.approvals.desk import Desk
from yett.approvals.document import Document
from yett.daemon.channel import Message
from yett.daemon.plane import Plane
from yett.model.errors import YettError

SIGN_DEADLINE_S = 15 * 60


async def ask_to_sign(plane: Plane, kind: ActKind, body: Document) -> Message:
    """Propose an act in the owner's name; the answer says where a person signs it. Raises TooMany."""
    act = await plane.desk.propose(kind, body, plane.owner)
    return {"sign": plane.page(f"/acts/{act.id}"), "act": act.id}


async def wait_signed(desk: Desk, act_id: str) -> None:
    """Return once the act is signed.

    Raises:
        YettError: it was declined, it expired, or nobody came.
    """
    end = time.monotonic() + SIGN_DEADLINE_S
    while time.monotonic() < end:
        state = desk.act(act_id).state
        if state is ActState.SIGNED:
            return
        if state is not ActState.WAITING:
            raise YettError(f"{act_id} was {state.value}", "propose it again")
        await asyncio.sleep(0.1)
    raise YettError("nobody signed in time", "propose it again")
