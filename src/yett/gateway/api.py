"""Yett's own calls to providers: through the gate's dialer, so with its names, its checks and its trust roots."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import h11

from yett.gateway.dial import Dialer
from yett.model.errors import UpstreamFailed
from yett.model.http import HttpRequest
from yett.model.provider import ApiResponse

DEADLINE_S = 30.0
MAX_ANSWER = 32 << 20
_LOCAL = "127.0.0.1"


class Api:
    """Implements `model.provider.ApiClient`. One connection a call: these are rare, and nothing is left open.

    `keeps_loopback`: in a drill the lab's databases are on this machine, and are dialled as they are named (law 11 holds
    everywhere else).
    """

    def __init__(self, dialer: Dialer, *, keeps_loopback: bool = False) -> None:
        self._dialer = dialer
        self._keeps_loopback = keeps_loopback

    async def send(self, request: HttpRequest) -> ApiResponse:
        """Raises UpstreamFailed or NameRefused; the request's credential is never part of the message."""
        try:
            async with asyncio.timeout(DEADLINE_S):
                return await self._send(request)
        except TimeoutError:
            raise UpstreamFailed(f"{request.host} did not answer Yett within {DEADLINE_S:g} s", "Try again.") from None
        except h11.ProtocolError as error:
            raise UpstreamFailed(f"{request.host} answered Yett with what is not HTTP: {error}") from None
        except OSError as error:
            raise UpstreamFailed(f"the connection to {request.host} broke: {error.strerror or error}") from None

    def address(self, host: str, port: int) -> tuple[str, int]:
        """Where a data wire of that name is dialled."""
        if self._keeps_loopback and host in (_LOCAL, "localhost"):
            return _LOCAL, port
        return self._dialer.address(host, port)

    async def _send(self, request: HttpRequest) -> ApiResponse:
        reader = asyncio.StreamReader()
        make: Callable[[], asyncio.StreamReaderProtocol] = lambda: asyncio.StreamReaderProtocol(reader)  # noqa: E731
        protocol = await self._dialer.connect(make, request.host, request.port, tls=request.scheme == "https")
        transport = protocol._transport  # type: ignore[attr-defined]  # StreamWriter needs what the protocol keeps
        try:
            connection = h11.Connection(our_role=h11.CLIENT)
            transport.write(_written(connection, request))
            return await _answer(connection, reader, request.host)
        finally:
            transport.abort()


def _written(connection: h11.Connection, request: HttpRequest) -> bytes:
    body = request.body or b""
    target = request.path + ("?" + request.query if request.query else "")
    headers = [("host", request.host), ("connection", "close"), ("content-length", str(len(body)))]
    head = h11.Request(method=request.method, target=target, headers=[*headers, *request.headers])
    parts = (connection.send(head), connection.send(h11.Data(data=body)), connection.send(h11.EndOfMessage()))
    return b"".join(part for part in parts if part)


async def _answer(connection: h11.Connection, reader: asyncio.StreamReader, host: str) -> ApiResponse:
    status, headers, body = 0, {}, bytearray()
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await reader.read(65536))
        elif isinstance(event, h11.Response):
            status = event.status_code
            headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in event.headers}
        elif isinstance(event, h11.Data):
            body += event.data
            if len(body) > MAX_ANSWER:
                raise UpstreamFailed(f"{host} answered Yett with more than {MAX_ANSWER >> 20} MB")
        elif isinstance(event, h11.EndOfMessage):
            return ApiResponse(status, headers, bytes(body))
        elif isinstance(event, h11.ConnectionClosed):
            raise UpstreamFailed(f"{host} closed the connection before it answered")
