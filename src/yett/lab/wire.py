"""HTTP/1.1 as the lab's hosts speak it: lenient in what they accept, able to misbehave on purpose.

A drill wants a platform that swallows odd requests rather than one that refuses them for the guard, so this reads any
method, chunked or counted bodies, and leaves judgement to the hosts. It is no model for a guard's parser (RFC 9112).
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import ssl
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

MAXIMUM_BODY = 256 * 1024 * 1024
REASONS = {200: "OK", 301: "Moved Permanently", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found"}


class Unreadable(Exception):
    """Bytes that are no request."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it arrived. `target` is the raw request target, `head` the raw bytes up to the empty line."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    head: bytes
    encrypted: bool

    def header(self, name: str) -> str:
        """Return the first value of a header, "" if absent."""
        return next((value for key, value in self.headers if key.lower() == name), "")

    @property
    def host(self) -> str:
        """The Host header without port, lower-case."""
        return self.header("host").rsplit(":", 1)[0].lower()

    @property
    def path(self) -> str:
        """The target up to the question mark."""
        return self.target.split("?", 1)[0]

    @property
    def query(self) -> str:
        """What follows the question mark."""
        return self.target.partition("?")[2]

    def payload(self) -> bytes:
        """Return the body with its content coding (gzip, deflate) undone; unreadable ones as they are."""
        coding = self.header("content-encoding").strip().lower()
        try:
            if coding in ("gzip", "x-gzip"):
                return gzip.decompress(self.body)
            if coding == "deflate":
                return zlib.decompress(self.body)
        except (OSError, zlib.error, EOFError):
            return self.body
        return self.body


class Reply:
    """The answer's side of one exchange. A host sends one whole answer, or starts one and writes pieces."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        """Answer on `writer`."""
        self._writer = writer
        self.started = False
        self.status = 0

    async def send(self, status: int, body: bytes, content_type: str = "application/json", **headers: str) -> None:
        """Send a whole answer with its length."""
        fields = {"content-type": content_type, "content-length": str(len(body)), **_dashed(headers)}
        await self.raw(_head(status, fields) + body)
        self.status = status

    async def stream(self, status: int, pieces: AsyncIterator[bytes], content_type: str, **headers: str) -> None:
        """Send pieces in chunked coding as they come."""
        fields = {"content-type": content_type, "transfer-encoding": "chunked", **_dashed(headers)}
        self.status = status
        await self.raw(_head(status, fields))
        async for piece in pieces:
            await self.raw(b"%x\r\n%s\r\n" % (len(piece), piece))
        await self.raw(b"0\r\n\r\n")

    async def raw(self, data: bytes) -> None:
        """Write bytes as they are. Raises ConnectionResetError: nobody is there to read them."""
        self.started = True
        if self._writer.is_closing():
            raise ConnectionResetError
        self._writer.write(data)
        await self._writer.drain()

    def abort(self) -> None:
        """Cut the connection without a closing handshake."""
        self.started = True
        self._writer.transport.abort()


Handler = Callable[[Request, Reply], Awaitable[None]]


async def serve_connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, handler: Handler) -> None:
    """Answer the requests of one connection until either side ends it.

    Raises:
        Unreadable: something arrived that is no whole request.
    """
    with contextlib.suppress(ConnectionError, ssl.SSLError):
        while request := await read_request(reader, writer):
            await handler(request, Reply(writer))
            if writer.is_closing() or request.header("connection").lower() == "close":
                break
    with contextlib.suppress(ConnectionError, ssl.SSLError):
        writer.close()
        await writer.wait_closed()


async def read_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Request | None:
    """Read one request, None where the other side has ended the connection between two."""
    try:
        return await _read_whole(reader, writer)
    except asyncio.IncompleteReadError as error:
        if not error.partial:
            return None
        raise Unreadable(f"{len(error.partial)} bytes, then the end") from error
    except (asyncio.LimitOverrunError, ValueError) as error:
        raise Unreadable(str(error)) from error


async def _read_whole(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Request:
    head = await reader.readuntil(b"\r\n\r\n")
    first, *lines = head[:-4].decode("latin-1").split("\r\n")
    parts = first.split(" ")
    if len(parts) != 3:
        raise ValueError("the first line is no request line")
    pairs = (line.partition(":") for line in lines)
    headers = tuple((name.strip(), value.strip()) for name, _, value in pairs)
    encrypted = writer.get_extra_info("ssl_object") is not None
    bare = Request(parts[0], parts[1], headers, b"", head, encrypted)
    if bare.header("expect").lower() == "100-continue":
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    body = await _read_body(reader, bare)
    return Request(bare.method, bare.target, headers, body, head, encrypted)


async def _read_body(reader: asyncio.StreamReader, request: Request) -> bytes:
    if "chunked" in request.header("transfer-encoding").lower():
        return await _read_chunks(reader)
    length = request.header("content-length")
    if not length.isdigit():
        return b""
    return await reader.readexactly(min(int(length), MAXIMUM_BODY))


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    body = bytearray()
    while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
        body += await reader.readexactly(size)
        await reader.readexactly(2)
    while (await reader.readuntil(b"\r\n")) != b"\r\n":
        pass
    return bytes(body)


def _dashed(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


def _head(status: int, fields: dict[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} {REASONS.get(status, 'Status')}", *(f"{k}: {v}" for k, v in fields.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
