"""Yett's own connections to one database: a few stay open between transactions, each used by one caller at a time."""

from __future__ import annotations

import asyncio
import contextlib
import select
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import psycopg

from yett.providers.postgres.own import Own

MOST_IDLE = 2
IDLE_S = 30.0


class OwnPool:
    """Implements `providers.postgres.guard.own.Own`. What comes back from an error is closed, not kept."""

    def __init__(self, connect: Callable[[], Awaitable[Own]]) -> None:
        self._connect = connect
        self._idle: list[tuple[float, Own]] = []

    @contextlib.asynccontextmanager
    async def connection(self) -> AsyncIterator[Own]:
        """Raises YettError: the database cannot be reached, or is another one now."""
        own = await self._take()
        try:
            yield own
        except BaseException:
            await _close(own)
            raise
        await self._give_back(own)

    async def close(self) -> None:
        idle, self._idle = self._idle, []
        for _, own in idle:
            await _close(own)

    async def _take(self) -> Own:
        while self._idle:
            since, own = self._idle.pop()
            if not own.closed and time.monotonic() - since < IDLE_S and not _has_been_cut(own):
                return own
            await _close(own)
        return await self._connect()

    async def _give_back(self, own: Own) -> None:
        if own.closed or len(self._idle) >= MOST_IDLE:
            return await _close(own)
        try:
            if own.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
                return await _close(own)
            await own.execute("DISCARD ALL")
            await own.execute("SET search_path = pg_catalog, pg_temp")
        except psycopg.Error:
            return await _close(own)
        self._idle.append((time.monotonic(), own))
        return None


def _has_been_cut(own: Own) -> bool:
    """To a connection that waits, a server says nothing but that it has ended."""
    waiting = select.poll()
    waiting.register(own.fileno(), select.POLLIN)
    return bool(waiting.poll(0))


async def _close(own: Own) -> None:
    with contextlib.suppress(psycopg.Error, TimeoutError):
        async with asyncio.timeout(5):
            await own.close()
