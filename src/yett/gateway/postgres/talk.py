"""A connection's bytes before it flows: what is awaited is taken message by message, and nothing more is read ahead."""

from __future__ import annotations

import asyncio

from yett.gateway.postgres.fields import Malformed
from yett.gateway.postgres.messages import INT


class Gone(Exception):
    """The other side has closed the connection."""


class Talk:
    """Used by one coroutine. `most` bounds what may lie here unread."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._bytes = bytearray()
        self._waiter: asyncio.Future[None] | None = None
        self._gone = False
        self._flooded = False

    def feed(self, data: bytes) -> None:
        self._bytes += data
        if len(self._bytes) > self._most:
            self._flooded = True
        self._wake()

    def end(self) -> None:
        self._gone = True
        self._wake()

    @property
    def unread(self) -> int:
        return len(self._bytes)

    def rest(self) -> bytes:
        """All that has come and was not awaited."""
        taken = bytes(self._bytes)
        self._bytes.clear()
        return taken

    async def exactly(self, size: int) -> bytes:
        """Raises Gone, Malformed."""
        while len(self._bytes) < size:
            await self._more()
        taken = bytes(self._bytes[:size])
        del self._bytes[:size]
        return taken

    async def packet(self) -> bytes:
        """A message without a type: its length word first. Gives what follows it. Raises Gone, Malformed."""
        size = INT.unpack(await self.exactly(4))[0]
        return await self.exactly(self._checked(size))

    async def message(self) -> tuple[int, bytes]:
        """A message: type and body. Raises Gone, Malformed."""
        kind = (await self.exactly(1))[0]
        size = INT.unpack(await self.exactly(4))[0]
        return kind, await self.exactly(self._checked(size))

    def _checked(self, size: int) -> int:
        if not 4 <= size <= self._most:
            raise Malformed(f"a message whose length says {size} bytes")
        return int(size) - 4

    async def _more(self) -> None:
        if self._flooded:
            raise Malformed("more than was asked for")
        if self._gone:
            raise Gone("the connection was closed")
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
