"""Yett's own calls to providers: the gate's dialling rules and trust roots, one connection a call (model.provider)."""

from __future__ import annotations

import asyncio

from yett.gateway.dial import Dialer
from yett.gateway.http.answer import Gathered
from yett.gateway.http.framing import ResponseHead
from yett.gateway.http.serialise import request_head
from yett.gateway.http.upstream import UpstreamConnection
from yett.model.errors import UpstreamFailed, YettError
from yett.model.http import HttpRequest
from yett.model.provider import ApiResponse

ANSWER_S = 30.0
MAX_ANSWER = 32 << 20
_LOCAL = "127.0.0.1"


class Api:
    """An `ApiClient`. Redirects are not followed: a credential goes where the caller sent it, or nowhere.

    `keeps_loopback`: in a drill the lab's databases are on this machine, and are dialled as they are named (law 11
    holds everywhere else).
    """

    def __init__(self, dialer: Dialer, *, keeps_loopback: bool = False, answer_seconds: float = ANSWER_S) -> None:
        self._dialer = dialer
        self._keeps_loopback = keeps_loopback
        self._answer_seconds = answer_seconds

    async def send(self, request: HttpRequest) -> ApiResponse:
        """Send a request whole and read its answer whole.

        Raises:
            UpstreamFailed: it cannot be reached, hangs, or does not answer in HTTP.
            NameRefused: the name leads where the gate must not go.
        """
        if request.scheme != "https":
            raise UpstreamFailed(f"Yett calls {request.host} over https only", "Correct the provider's folder.")
        upstream, _ = await self._dialer.connect(UpstreamConnection, request.host, request.port, tls=True)
        whole = _Whole()
        try:
            async with asyncio.timeout(self._answer_seconds):
                body = request.body or b""
                head = request_head(request, len(body) if body or request.method != "GET" else None)
                upstream.send(whole, request.method, head + body)
                return await whole.answer
        except TimeoutError:
            raise UpstreamFailed(f"{request.host} did not answer in time", "Try again later.") from None
        finally:
            upstream.abort()

    def address(self, host: str, port: int) -> tuple[str, int]:
        """Where a data wire of that name is dialled; see `Dialer.address`."""
        if self._keeps_loopback and host in (_LOCAL, "localhost"):
            return _LOCAL, port
        return self._dialer.address(host, port)


class _Whole:
    """Gathers one answer."""

    def __init__(self) -> None:
        self.answer: asyncio.Future[ApiResponse] = asyncio.get_running_loop().create_future()
        self._gathered: Gathered | None = None

    def on_answer(self, head: ResponseHead, payload: bytes, ended: bool) -> None:
        self._gathered = Gathered(head, MAX_ANSWER)
        self.on_payload(payload)
        if ended:
            self.on_end()

    def on_payload(self, payload: bytes) -> None:
        assert self._gathered is not None
        try:
            self._gathered.more(payload)
        except YettError as error:
            self._fail(UpstreamFailed(f"The answer is too large: {error.what}", "Ask for less."))

    def on_end(self) -> None:
        gathered = self._gathered
        assert gathered is not None
        try:
            body = gathered.whole()
        except YettError as error:
            self._fail(UpstreamFailed(f"The answer cannot be read: {error.what}"))
            return
        if not self.answer.done():
            self.answer.set_result(ApiResponse(gathered.head.status, dict(gathered.head.headers), body))

    def on_failure(self, error: UpstreamFailed, *, answered: bool) -> None:
        self._fail(error)

    def on_pressure(self, full: bool) -> None:
        """A call's body is small and is written at once."""

    def _fail(self, error: UpstreamFailed) -> None:
        if not self.answer.done():
            self.answer.set_exception(error)
