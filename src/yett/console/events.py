"""Server-sent events: tell open pages that what they show is out of date."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from yett.approvals.pulse import pulse
from yett.console.plane import ConsolePlane

EVERY_S = 1.0
"""How often an open page's state is looked at: a few indexed queries."""

KEEP_ALIVE = 15
"""Looks without a change until a comment is sent, so that a page that is gone is noticed."""

STREAMS = 16


class Events:
    """`/events`. At most STREAMS at once; a page without one reloads by hand."""

    def __init__(self, plane: ConsolePlane) -> None:
        self._desk = plane.desk
        self._open = 0
        self._closing = asyncio.Event()

    def close(self) -> None:
        """End every stream: the server waits for none when it stops."""
        self._closing.set()

    async def stream(self, request: Request) -> Response:
        if self._open >= STREAMS:
            return JSONResponse({"error": "too many open pages", "remedy": "close some", "code": "streams"}, 429)
        return StreamingResponse(self._pulses(), media_type="text/event-stream")

    async def _pulses(self) -> AsyncIterator[str]:
        self._open += 1
        try:
            told, quiet = "", 0
            while not self._closing.is_set():
                now = await asyncio.to_thread(self._desk.read, pulse)
                quiet = 0 if now != told else quiet + 1
                if now != told:
                    told = now
                    yield f"event: pulse\ndata: {now}\n\n"
                elif quiet % KEEP_ALIVE == 0:
                    yield ": still here\n\n"
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(EVERY_S):
                        await self._closing.wait()
        finally:
            self._open -= 1
