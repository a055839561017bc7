"""What is done again and again while the daemon runs, beside everything else: settle, sweep, let old undos go."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from yett.daemon.plane import Plane
from yett.model.errors import ConfigurationError, YettError

_log = logging.getLogger("yett.daemon")

SETTLE_EVERY_S = 2.0
SWEEP_EVERY_S = 15.0
PRUNE_EVERY_S = 3600.0


def housework(plane: Plane) -> list[Coroutine[Any, Any, None]]:
    """Each runs until it is cancelled."""
    told: set[str] = set()
    return [
        _every(SETTLE_EVERY_S, plane.settling.once, "what became of lost transactions was not asked"),
        _every(SWEEP_EVERY_S, plane.databases.sweep_rest, "leftover roles were not looked for"),
        _every(PRUNE_EVERY_S, lambda: prune(plane, told), "old undos were not let go"),
    ]


async def prune(plane: Plane, told: set[str]) -> None:
    """Let go of undos that are over their time, and of what writers that died have left; said in the log.

    `told`: those whose staying was said before (a bucket without the right to delete keeps them all).
    """
    if not any(undo.store for undo in await asyncio.to_thread(plane.undos.all)):
        return  # and no bucket is proven for nothing
    try:
        pruned = await plane.undos.prune()
    except ConfigurationError as error:  # no place for undos is set up
        _log.info("undos are not pruned: %s", error.what)
        return
    for undo, why in pruned.failed:
        if undo not in told:
            _log.warning("the undo %s is over its time and stays: %s", undo, why)
    told.update(undo for undo, _ in pruned.failed)
    if pruned.removed or pruned.swept:
        _log.info("%d undos let go, %d leftovers of writers that died", len(pruned.removed), pruned.swept)


async def _every(seconds: float, work: Callable[[], Awaitable[object]], otherwise: str) -> None:
    """`otherwise`: what is said when it fails, once until it works again."""
    failed = False
    while True:
        try:
            await work()
            failed = False
        except YettError as error:
            if not failed:
                _log.error("%s: %s", otherwise, error.what)
            failed = True
        await asyncio.sleep(seconds)
