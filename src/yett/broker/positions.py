"""Where a request to a governed host presents a credential (law 3b), and what stands there."""

from __future__ import annotations

import base64
import binascii
import json
import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, unquote_plus

from yett.model.errors import CredentialRefused
from yett.model.http import HttpRequest
from yett.providers.room import Room

AUTHORIZATION = "header:authorization"
BASIC = "basic"

_DECLARED: dict[str, list[str]] = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
KEY_HEADERS = frozenset(_DECLARED["headers"])
KEY_PARAMETERS = frozenset(_DECLARED["parameters"])
_NO_PASSWORD = frozenset(_DECLARED["no_password"])

_TWO_WORDS = re.compile(r"(?:(\S+)[ \t]+)?(\S+)")
_NO_FORM = re.compile(rb'[\x00-\x20"<>\[\\\]{}]')
"""What no form holds unescaped, and JSON not without: a server that reads JSON whatever its type says would differ."""

_SUBPROTOCOL = re.compile(r"(?:base64url\.bearer\.authorization\.|.*api-key\.)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Presented:
    """A credential as it stands in a request. `token` is the part that a placeholder would take."""

    position: str
    token: str


def presented(request: HttpRequest, room: Room | None) -> Iterator[Presented]:
    """Every credential of a request, by its position: header:NAME, basic, cookie, query:NAME, field:NAME.

    Raises:
        CredentialRefused: two Authorization fields, or a login body that has more than one reading.
    """
    yield from _in_headers(request, room)
    if request.query:
        yield from _in_query(request.query)
    if room is not None and (names := fields_of(room, request)):
        yield from _in_body(request, names)


def fields_of(room: Room, request: HttpRequest) -> tuple[str, ...]:
    """The body fields that are credential positions in a request to this path."""
    endpoint = room.token_endpoint(request.host, request.path)
    declared = (position[len("field:") :] for position in room.positions if position.startswith("field:"))
    return (*(endpoint.request if endpoint else ()), *declared)


def basic_token(credentials: str) -> tuple[str, str, bool] | None:
    """User, password, and whether the user name is the token. None if it is not Basic's base64 (RFC 7617)."""
    try:
        user, _, password = base64.b64decode(credentials, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return None
    return user, password, password in _NO_PASSWORD


def _in_headers(request: HttpRequest, room: Room | None) -> Iterator[Presented]:
    declared = frozenset() if room is None else frozenset(room.positions)
    authorizations = 0
    for name, value in request.headers:
        if name in ("authorization", "proxy-authorization"):
            authorizations += 1
            yield from _in_authorization(name, value.strip())
        elif name == "cookie" or name in KEY_HEADERS or f"header:{name}" in declared:
            if value.strip():
                yield Presented("cookie" if name == "cookie" else f"header:{name}", value.strip())
        elif name == "sec-websocket-protocol":
            offers = (offer.strip() for offer in value.split(","))
            yield from (Presented(f"header:{name}", offer) for offer in offers if _SUBPROTOCOL.match(offer))
    if authorizations > 1:
        raise CredentialRefused(
            "The request has more than one Authorization field.", "Send one.", position=AUTHORIZATION
        )


def _in_authorization(name: str, value: str) -> Iterator[Presented]:
    words = _TWO_WORDS.fullmatch(value)
    if not value or (words and words[1] is None and words[2].lower() in ("basic", "bearer", "token")):
        return  # a scheme without credentials is none
    if words is None:
        yield Presented(f"header:{name}", value)  # Digest, SigV4 and other proofs
        return
    scheme, token = (words[1] or "").lower(), words[2]
    if scheme != "basic":
        yield Presented(f"header:{name}", token)
    elif (parts := basic_token(token)) is None:
        yield Presented(BASIC, token)
    elif any(parts[:2]):
        yield Presented(BASIC, parts[0] if parts[2] else parts[1])


def _in_query(query: str) -> Iterator[Presented]:
    for pair in query.split("&"):
        name, _, value = pair.partition("=")
        name = unquote_plus(name).lower()
        if value and name in KEY_PARAMETERS:
            yield Presented(f"query:{name}", unquote_plus(value))


def _in_body(request: HttpRequest, names: Sequence[str]) -> Iterator[Presented]:
    for name, value in body_fields(request, names):
        if value:
            yield Presented(f"field:{name}", value)


def body_fields(request: HttpRequest, names: Sequence[str]) -> list[tuple[str, str]]:
    """The named fields of a JSON or form body. A name may be a dotted path into JSON.

    Raises:
        CredentialRefused: the body streams, is neither, or repeats a key (parsers differ in which one they take).
    """
    if request.body is None:
        raise _unreadable_login("streams")
    if not request.body:
        return []
    if is_form(request):
        if _NO_FORM.search(request.body):
            raise _unreadable_login("says that it is a form, and is none")
        try:
            pairs = parse_qsl(request.body.decode("ascii"), keep_blank_values=True, max_num_fields=200)
        except ValueError:
            raise _unreadable_login("is not a form") from None
        return [(name, value) for name, value in pairs if name in names]
    try:
        body = json.loads(request.body, object_pairs_hook=_no_repeats)
    except (ValueError, RecursionError):
        raise _unreadable_login("is not JSON with every key once") from None
    return [(name, value) for name in names for value in _at(body, name.split("."))]


def is_form(request: HttpRequest) -> bool:
    kinds = [value for name, value in request.headers if name == "content-type"]
    return bool(kinds) and kinds[0].partition(";")[0].strip().lower() == "application/x-www-form-urlencoded"


def _at(value: object, path: Sequence[str]) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _at(item, path)
    elif path and isinstance(value, dict) and path[0] in value:
        yield from _at(value[path[0]], path[1:])
    elif not path and value is not None:
        yield value if isinstance(value, str) else json.dumps(value)


def _no_repeats(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key occurs twice")
    return found


def _unreadable_login(why: str) -> CredentialRefused:
    return CredentialRefused(f"The body of a login request {why}.", "Send plain JSON or a form.", position="body")
