"""From a declared call and a value to the octets of one request. Pure; nothing here shows a value."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass, field
from urllib.parse import quote, quote_plus, urlsplit

from yett.inventory.kinds import LiveCall

LONGEST = 8192
"""Octets of a value that is sent: hosts take no longer header."""
METHODS = ("GET", "HEAD", "POST")
AUTH = re.compile(
    r"bearer|basic-user|basic-password:[^:\s]+|header:[A-Za-z0-9-]+(?::[A-Za-z0-9-]+)?|query:[A-Za-z0-9_-]+|path|body"
)
_PLAIN = re.compile(r"[\x21-\x7e]+")
_IN_A_SEGMENT = ":@"
"""What may stand as it is in a path (RFC 3986, 3.3), of what tokens hold."""


class Unsendable(ValueError):
    """A value or a call that makes no safe request. The message never holds the value."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request, ready to be sent to `host` and nowhere else. `octets` hold the credential, in one of its `forms`."""

    host: str
    port: int
    method: str
    octets: bytes = field(repr=False)
    forms: tuple[str, ...] = field(repr=False)
    reads_body: bool = True


def host_of(call: LiveCall) -> str:
    """The one host that a credential of this kind is shown to."""
    return urlsplit(call.url).hostname or ""


def problem_of(call: LiveCall) -> str:
    """What is wrong with a declaration, "" if nothing: rules are data, and a wrong one would send a secret astray."""
    parts = urlsplit(call.url)
    port = parts.netloc.rpartition(":")[2]
    marked = "{value}" in call.url or "{value/}" in call.url
    wrongs = {
        "not https": parts.scheme != "https",
        "no fixed host": not re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+(:[0-9]+)?", parts.netloc),
        "an odd port": ":" in parts.netloc and not 0 < int(port if port.isdigit() else 0) < 65536,
        "a fragment": bool(parts.fragment) or "#" in call.url,
        "an odd URL": _PLAIN.fullmatch(call.url) is None,
        "a value outside the path": "{value" in parts.netloc + parts.query,
        "no {value} for auth = path, or one without it": marked != (call.auth == "path"),
        "no {value} for auth = body": call.auth == "body" and "{value}" not in call.body,
        "another method": call.method not in METHODS,
        "a body without POST": bool(call.body) and call.method != "POST",
        "an unknown auth": AUTH.fullmatch(call.auth) is None,
        "statuses that prove both": not set(call.alive).isdisjoint(call.dead),
        "a redirect that proves something": any(300 <= status < 400 for status in (*call.alive, *call.dead)),
        "no status that proves life": not call.alive,
        "an odd header": not all(_is_header(*header) for header in call.headers),
    }
    return ", ".join(wrong for wrong, holds in wrongs.items() if holds)


def request_of(call: LiveCall, value: str) -> Request:
    """Put the value in its place.

    Raises:
        Unsendable: the value has characters that would end a header, a path or a login early, or the call is wrong.
    """
    if wrong := problem_of(call):
        raise Unsendable(f"the call is declared with {wrong}")
    if len(value) > LONGEST or _PLAIN.fullmatch(value) is None:
        raise Unsendable("not a value that fits into a request")
    parts = urlsplit(call.url)
    body = _body(call, value).encode()
    port = parts.port or 443
    host = parts.hostname or ""
    headers = {
        "host": host if port == 443 else f"{host}:{port}",
        "user-agent": "yett-scan",
        "accept": "application/json",
        "accept-encoding": "identity",
        "connection": "close",
        **_authorization(call, value),
    }
    if body:
        headers["content-type"] = "application/json"
    if call.method == "POST":
        headers["content-length"] = str(len(body))
    headers |= {name.lower(): said for name, said in call.headers}
    lines = [f"{call.method} {_target(call, value)} HTTP/1.1", *(f"{name}: {said}" for name, said in headers.items())]
    octets = "\r\n".join((*lines, "", "")).encode("ascii") + body
    return Request(host, port, call.method, octets, _forms(call, value), reads_body=bool(call.identity))


def _forms(call: LiveCall, value: str) -> tuple[str, ...]:
    """The value as it is, and every way in which a request may have said it."""
    login = _authorization(call, value).get("authorization", "").rpartition(" ")[2]
    written = (value, quote(value, safe=""), quote(value, safe=_IN_A_SEGMENT), quote(value, safe=_IN_A_SEGMENT + "/"))
    return tuple(dict.fromkeys(form for form in (*written, json.dumps(value)[1:-1], login) if form))


def _target(call: LiveCall, value: str) -> str:
    parts = urlsplit(call.url)
    path = parts.path or "/"
    if call.auth == "path":
        path = path.replace("{value/}", _path(value)).replace("{value}", quote(value, safe=_IN_A_SEGMENT))
    query = parts.query
    if call.auth.startswith("query:"):
        own = f"{call.auth.partition(':')[2]}={quote(value, safe='')}"
        query = f"{query}&{own}" if query else own
    return f"{path}?{query}" if query else path


def _path(value: str) -> str:
    """Raises Unsendable: a segment that would lead to another call of the same host."""
    segments = value.split("/")
    if any(segment in ("", ".", "..") for segment in segments):
        raise Unsendable("not a value that fits into a path")
    return "/".join(quote(segment, safe=_IN_A_SEGMENT) for segment in segments)


def _authorization(call: LiveCall, value: str) -> dict[str, str]:
    form, _, rest = call.auth.partition(":")
    match form:
        case "bearer":
            return {"authorization": f"Bearer {value}"}
        case "basic-user":
            if ":" in value:  # RFC 7617, 2: what follows would be the password
                raise Unsendable("not a value that fits into a login")
            return {"authorization": _basic(f"{value}:")}
        case "basic-password":
            return {"authorization": _basic(f"{rest}:{value}")}
        case "header":
            name, _, prefix = rest.partition(":")
            return {name.lower(): f"{prefix} {value}" if prefix else value}
    return {}


def _basic(login: str) -> str:
    return "Basic " + base64.b64encode(login.encode()).decode()


def _body(call: LiveCall, value: str) -> str:
    if call.auth != "body":
        return call.body
    declared = {name.lower(): said for name, said in call.headers}
    form = "urlencoded" in declared.get("content-type", "")
    return call.body.replace("{value}", quote_plus(value) if form else json.dumps(value)[1:-1])


def _is_header(name: str, said: str) -> bool:
    return re.fullmatch(r"[A-Za-z0-9-]+", name) is not None and re.fullmatch(r"[\x20-\x7e]+", said) is not None
