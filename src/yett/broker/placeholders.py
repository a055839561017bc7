"""What an agent holds instead of a secret: random, worthless, and of a shape that its program accepts."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import secrets
import uuid

from yett.model.errors import ConfigurationError

PREFIX = "yett_ph_"
_RANDOM_BYTES = 20
_RANDOM_LETTERS = 26
"""130 bits in base32, lower case: nothing guesses one, and no parser folds it into another."""

_UNRESERVED = re.compile(r"[A-Za-z0-9._~-]+")
"""RFC 3986, 2.3: written the same in a header, URL, form, JSON and HTML. JWTs fit too."""


def new_placeholder(shape: str = "") -> str:
    """A placeholder of the shape that a provider's folder declares.

    `shape` is text with `{random}` (26 letters), `{uuid}` or `{jwt}` in it; "" is `yett_ph_{random}`.

    Raises:
        ConfigurationError: a shape without any random part, or with other than unreserved characters.
    """
    shape = shape or PREFIX + "{random}"
    text = shape.replace("{random}", _random()).replace("{uuid}", str(uuid.uuid4())).replace("{jwt}", _jwt())
    if text == shape or not _UNRESERVED.fullmatch(text):
        raise ConfigurationError(
            f"A placeholder cannot have the shape {shape!r}.",
            "Use letters, digits and -._~ around one of {random}, {uuid} or {jwt}.",
        )
    return text


def in_place_of(value: str) -> str:
    """A placeholder for a secret that an upstream just minted; a JWT keeps its claims, which clients read (expiry)."""
    head, dot, rest = value.partition(".")
    payload, second_dot, _ = rest.partition(".")
    if dot and second_dot and _is_json_object(head) and _is_json_object(payload):
        return f"{head}.{payload}.{_signature()}"
    return new_placeholder()


def digest(placeholder: str) -> str:
    """How a placeholder is stored and looked up: whoever reads the store cannot use it."""
    return hashlib.sha256(b"yett/placeholder/v1\0" + placeholder.encode("utf-8", "surrogatepass")).hexdigest()


def _random() -> str:
    return base64.b32encode(secrets.token_bytes(_RANDOM_BYTES)).decode().lower()[:_RANDOM_LETTERS]


def _signature() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(33)).decode()


def _jwt() -> str:
    parts = ({"alg": "none", "typ": "JWT"}, {"iss": "yett", "jti": _random()})
    return ".".join(_segment(part) for part in parts) + "." + _signature()


def _segment(part: dict[str, str]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")


def _is_json_object(segment: str) -> bool:
    try:
        return isinstance(json.loads(base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))), dict)
    except (ValueError, RecursionError):
        return False
