"""Long work of one session, one piece at a time: the threads are everybody's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Turns:
    """Used on one event loop. What was begun ends before the next begins, also where nobody waits for it any more."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()

    async def run(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """As `asyncio.to_thread`, when it is its turn."""
        await self._turn.acquire()
        work = asyncio.ensure_future(asyncio.to_thread(function, *args, **kwargs))
        work.add_done_callback(lambda _: self._turn.release())
        return await asyncio.shield(work)
