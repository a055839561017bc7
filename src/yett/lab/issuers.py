"""Issuers of credentials, emulated: the identification calls of real services under their real names.

Each takes a credential in its own place and says whose it is, as its documentation shows it; each refuses in its own
way, with 401, with 403, or with a 200 that says no. busy.example answers 429 with Retry-After as often as it was told
to, moved.example sends on, and the echo host misbehaves as `echo` says.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import io
import json
import threading
import urllib.parse
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from yett.lab import echo, wire
from yett.lab.certificates import make_server_context
from yett.lab.journal import Journal
from yett.lab.wire import Reply, Request

BUSY, MOVED, UNKNOWN_TO_ITS_CERTIFICATE = "busy.example", "moved.example", "uncertified.example"
ACCOUNT = "ops@lab.example"


@dataclass(frozen=True, slots=True)
class Issuer:
    """One call. `shown` takes the credential out of a request; `missing` is what else the request lacks, "" nothing."""

    shown: Callable[[Request], str]
    living: dict[str, Any]
    dead: tuple[int, dict[str, Any]] = (401, {"error": "unauthorized"})
    method: str = "GET"
    missing: Callable[[Request], str] = field(default=lambda request: "")


def _header(name: str, prefix: str = "") -> Callable[[Request], str]:
    return lambda request: request.header(name).removeprefix(prefix)


def _basic(request: Request) -> str:
    with contextlib.suppress(ValueError):
        return base64.b64decode(_header("authorization", "Basic ")(request)).decode()
    return ""


def _query(name: str) -> Callable[[Request], str]:
    return lambda request: dict(urllib.parse.parse_qsl(request.query)).get(name, "")


def _path(before: str, after: str = "") -> Callable[[Request], str]:
    return lambda request: urllib.parse.unquote(request.path).removeprefix(before).removesuffix(after)


def _field(name: str) -> Callable[[Request], str]:
    return lambda request: str(json.loads(request.body)[name])


BEARER = _header("authorization", "Bearer ")
ISSUERS: dict[str, Issuer] = {
    "api.digitalocean.com/v2/account": Issuer(BEARER, {"account": {"email": ACCOUNT}}),
    "api.close.com/api/v1/me/": Issuer(lambda request: _basic(request).removesuffix(":"), {"email": ACCOUNT}),
    "api.mailgun.net/v4/domains": Issuer(lambda request: _basic(request).removeprefix("api:"), {"items": []}),
    "api.figma.com/v1/me": Issuer(_header("x-figma-token"), {"email": ACCOUNT}, (403, {"err": "Invalid token"})),
    "api.bugsnag.com/user": Issuer(_header("authorization", "token "), {"email": ACCOUNT}),
    "api.hunter.io/v2/account": Issuer(_query("api_key"), {"data": {"email": ACCOUNT}}),
    "api.telegram.org": Issuer(_path("/bot", "/getMe"), {"ok": True, "result": {"username": ACCOUNT}}),
    "discord.com": Issuer(_path("/api/v10/webhooks/"), {"name": ACCOUNT}),
    "bodies.example/whoami": Issuer(_field("key"), {"name": ACCOUNT}, method="POST"),
    "slack.com/api/auth.test": Issuer(
        BEARER, {"ok": True, "url": ACCOUNT}, (200, {"ok": False, "error": "invalid_auth"}), "POST"
    ),
    "api.linear.app/graphql": Issuer(
        _header("authorization"),
        {"data": {"viewer": {"email": ACCOUNT}}},
        (200, {"data": None, "errors": [{"message": "Authentication required"}]}),
        "POST",
        lambda request: "" if b"viewer" in request.body and _is_json(request) else "a query",
    ),
    "api.dropboxapi.com/2/users/get_current_account": Issuer(
        BEARER,
        {"email": ACCOUNT},
        method="POST",
        missing=lambda request: "emptiness" if request.body or request.header("content-type") else "",
    ),
    "api.notion.com/v1/users/me": Issuer(
        BEARER, {"name": ACCOUNT}, missing=lambda request: "" if request.header("notion-version") else "a version"
    ),
}
HOSTS = (*dict.fromkeys(place.partition("/")[0] for place in ISSUERS), BUSY, MOVED, echo.HOST)


class Issuers:
    """Answers for all of them. `living` are the credentials that work; `arrived` is every request, in order."""

    def __init__(self) -> None:
        """Nothing lives yet."""
        self.living: set[str] = set()
        self.arrived: list[Request] = []
        self.busy_for: list[str] = []
        """Values of Retry-After for the next requests to busy.example; it answers as DigitalOcean does after those."""
        self._echo = echo.Echo(Journal(io.StringIO(), lambda: iter(())))

    async def handle(self, request: Request, reply: Reply) -> None:
        """Answer one request."""
        self.arrived.append(request)
        if request.host == echo.HOST:
            await self._echo.handle(request, reply)
        elif request.host == MOVED:
            await reply.send(302, b"{}", location="https://api.digitalocean.com/v2/account")
        elif request.host == BUSY and self.busy_for:
            await reply.send(429, b"{}", retry_after=self.busy_for.pop(0))
        else:
            status, answer = self._answer(request)
            await reply.send(status, json.dumps(answer).encode())

    def _answer(self, request: Request) -> tuple[int, dict[str, Any]]:
        host = "api.digitalocean.com" if request.host == BUSY else request.host
        issuer = ISSUERS.get(f"{host}{request.path}") or ISSUERS.get(host)
        if issuer is None or request.method != issuer.method:
            return 404, {"error": "no such call"}
        if lacks := issuer.missing(request):
            return 400, {"error": f"{lacks} is missing"}
        return (200, issuer.living) if issuer.shown(request) in self.living else issuer.dead


@dataclass(frozen=True, slots=True)
class Running:
    """Where the issuers listen, and the authority that their certificate comes from."""

    issuers: Issuers
    address: tuple[str, int]
    authority: Path


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Running]:
    """Serve all hosts on one TLS listener of 127.0.0.1, in a thread, until the block ends."""
    issuers, authority = Issuers(), folder / "issuers-ca.pem"
    context = make_server_context(HOSTS, authority)
    loop, ready = asyncio.new_event_loop(), threading.Event()
    ports: list[int] = []

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(wire.Unreadable, OSError):
            await wire.serve_connection(reader, writer, issuers.handle)

    async def listen() -> None:
        server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=context)
        ports.append(server.sockets[0].getsockname()[1])
        ready.set()

    def serve() -> None:
        listening = loop.create_task(listen())  # within the one run that `stop` ends, however soon it comes
        loop.run_forever()
        listening.result()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()

    thread = threading.Thread(target=serve, name="lab-issuers", daemon=True)
    thread.start()
    ready.wait()
    try:
        yield Running(issuers, ("127.0.0.1", ports[0]), authority)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


def _is_json(request: Request) -> bool:
    return request.header("content-type") == "application/json"
