"""echo.rentals.example: an upstream that reflects, streams, stalls and misbehaves, for the tests of a gateway.

/                   what arrived, as JSON: method, target, headers, body (text) or body_base64
/sse?count=3        server-sent events          /chunked?count=3   pieces in chunked coding
/large?bytes=N      N bytes with their length   /slow?ms=N         an answer after N milliseconds
/status/418         that status                 /gzip              a reflection, compressed
/garbage            no HTTP at all              /hang              no answer, the connection stays
/reset              the connection is cut       /short             fewer bytes than announced
"""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
import urllib.parse
from collections.abc import AsyncIterator, Awaitable, Callable

from yett.lab.journal import Arrival, Journal
from yett.lab.wire import Reply, Request

HOST = "echo.rentals.example"
HANG_SECONDS = 3600
PIECE = b"0123456789abcdef" * 4096

Page = Callable[[Request, Reply], Awaitable[None]]


class Echo:
    """Answers requests for the echo host."""

    def __init__(self, journal: Journal) -> None:
        """Write arrivals into `journal`."""
        self._journal = journal

    async def handle(self, request: Request, reply: Reply) -> None:
        """Answer one request."""
        name = request.path.strip("/").split("/")[0]
        self._journal.record(request, Arrival(outcome="echo"), 200)
        await PAGES.get(name, reflect)(request, reply)


async def reflect(request: Request, reply: Reply) -> None:
    """Send back what arrived."""
    await reply.send(200, _reflection(request))


async def compressed(request: Request, reply: Reply) -> None:
    """Send the reflection with content coding gzip."""
    await reply.send(200, gzip.compress(_reflection(request)), content_encoding="gzip")


async def events(request: Request, reply: Reply) -> None:
    """Stream server-sent events, 20 ms apart."""
    await reply.stream(200, _ticks(_number(request, "count", 3), b"data: {%d}\n\n"), "text/event-stream")


async def chunked(request: Request, reply: Reply) -> None:
    """Stream numbered lines."""
    await reply.stream(200, _ticks(_number(request, "count", 3), b"piece %d\n"), "text/plain")


async def large(request: Request, reply: Reply) -> None:
    """Send a body of the size asked for."""
    left = _number(request, "bytes", 1_000_000)
    await reply.raw(
        f"HTTP/1.1 200 OK\r\ncontent-type: application/octet-stream\r\ncontent-length: {left}\r\n\r\n".encode()
    )
    while left:
        await reply.raw(PIECE[:left])
        left -= min(left, len(PIECE))


async def slow(request: Request, reply: Reply) -> None:
    """Answer late."""
    await asyncio.sleep(_number(request, "ms", 500) / 1000)
    await reply.send(200, b'{"slow": true}')


async def status(request: Request, reply: Reply) -> None:
    """Answer with the status in the path."""
    code = request.path.rsplit("/", 1)[-1]
    await reply.send(int(code) if code.isdigit() else 400, b"{}")


async def garbage(request: Request, reply: Reply) -> None:
    """Answer with bytes that are no HTTP."""
    await reply.raw(b"\x00\xff\x16\x03 not http\r\n\r\n" * 3)
    reply.abort()


async def hang(request: Request, reply: Reply) -> None:
    """Never answer."""
    await asyncio.sleep(HANG_SECONDS)


async def reset(request: Request, reply: Reply) -> None:
    """Cut the connection."""
    reply.abort()


async def short(request: Request, reply: Reply) -> None:
    """Announce more than is sent."""
    await reply.raw(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nonly this")
    reply.abort()


PAGES: dict[str, Page] = {
    "sse": events,
    "chunked": chunked,
    "large": large,
    "slow": slow,
    "status": status,
    "gzip": compressed,
    "garbage": garbage,
    "hang": hang,
    "reset": reset,
    "short": short,
}


def _reflection(request: Request) -> bytes:
    shown: dict[str, object] = {"method": request.method, "target": request.target, "headers": list(request.headers)}
    try:
        shown["body"] = request.body.decode()
    except UnicodeDecodeError:
        shown["body_base64"] = base64.b64encode(request.body).decode()
    return json.dumps(shown).encode()


def _number(request: Request, name: str, default: int) -> int:
    held = dict(urllib.parse.parse_qsl(request.query)).get(name, "")
    return int(held) if held.isdigit() else default


async def _ticks(count: int, form: bytes) -> AsyncIterator[bytes]:
    for number in range(count):
        yield form % number
        await asyncio.sleep(0.02)
