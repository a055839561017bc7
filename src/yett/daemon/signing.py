"""Wait for a person to sign an act."""

from __future__ import annotations

import asyncio
import time

from yett.approvals.acts import ActState
from yett.approvals.desk import Desk
from yett.model.errors import YettError

SIGN_DEADLINE_S = 15 * 60


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
