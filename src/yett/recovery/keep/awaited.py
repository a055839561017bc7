"""The keep from an event loop: every step runs in a thread. Fits `providers.postgres.guard.sink` as Sink and Source."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Self

from yett.model.canonical import Json
from yett.recovery.keep.keep import Keep
from yett.recovery.keep.making import Made, Making, Writing
from yett.recovery.keep.opened import Opened


class AwaitedWriting:
    """One file that is being written."""

    def __init__(self, writing: Writing) -> None:
        self._writing = writing

    async def write(self, data: bytes) -> None:
        """Raises TooLarge, KeepFull, KeepError: the undo as a whole is then over."""
        await asyncio.to_thread(self._writing.write, data)


class AwaitedMaking:
    """An undo being made. As a context manager it is aborted unless it was finished."""

    def __init__(self, making: Making) -> None:
        self._making = making
        self.id = making.id

    @classmethod
    async def begin(cls, keep: Keep, task: str) -> Self:
        """Raises KeepFull, KeepError."""
        return cls(await asyncio.to_thread(keep.begin, task))

    @contextlib.asynccontextmanager
    async def file(self, name: str) -> AsyncIterator[AwaitedWriting]:
        """One file at a time. It is durable once `finish` has returned, and readable by `read` before."""
        writing = await asyncio.to_thread(self._making.file, name)
        yield AwaitedWriting(writing)
        await asyncio.to_thread(writing.close)

    async def read(self, name: str) -> AsyncIterator[bytes]:
        """A finished file, read back before the undo is. Raises KeepError, Damaged."""
        async for piece in _awaited(await asyncio.to_thread(self._making.read, name)):
            yield piece

    async def finish(self, about: Mapping[str, Json]) -> Made:
        """See `Making.finish`. Cancelled meanwhile, it is withdrawn: an undo that nobody waits for does not count."""
        try:
            return await asyncio.to_thread(self._making.finish, about)
        except asyncio.CancelledError:
            await asyncio.shield(asyncio.to_thread(self._making.withdraw))
            raise

    async def abort(self) -> None:
        """Remove it, unless it counts already; waits for what is under way, also when cancelled."""
        await asyncio.shield(asyncio.to_thread(self._making.abort))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.abort()


class AwaitedOpened:
    """An undo that was checked from end to end."""

    def __init__(self, opened: Opened) -> None:
        self._opened = opened
        self.names = opened.names
        self.about = opened.about

    @classmethod
    async def open(cls, keep: Keep, undo: str) -> Self:
        """Raises Damaged."""
        return cls(await asyncio.to_thread(keep.open, undo))

    async def read(self, name: str) -> AsyncIterator[bytes]:
        """See `Opened.read`."""
        async for piece in _awaited(self._opened.read(name)):
            yield piece


async def _awaited(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    while piece := await asyncio.to_thread(next, pieces, b""):
        yield piece
