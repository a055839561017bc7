"""Values that are told by where they stand: in an address, behind Bearer or Basic, within a private key's lines."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Iterator

from yett.inventory.engine import pem
from yett.inventory.engine.expressions import LEAD
from yett.inventory.engine.filters import is_code, is_example, is_taught, looks_made
from yett.inventory.hit import Hit
from yett.inventory.severity import Severity

_USERINFO = re.compile(
    rb"://(?P<user>[^\s/:@\"'<>]{0,100}):(?P<value>[^\s/@\"'<>,\[\]{}|^`]{6,200})@(?P<host>[^\s/:\"'<>?#,]{1,4096})"
)
_BEARER = re.compile(rb"(?i)bearer {1,4}(?P<value>[A-Za-z0-9._~+/=-]{16,4096})")
_BASIC = re.compile(rb"(?i)basic {1,4}(?P<value>[A-Za-z0-9+/_-]{12,1024}={0,2})")
_KEY_BEGINS = re.compile(rb"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----")
_KEY_ENDS = re.compile(rb"-----END (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----")
_KEY_BODY = re.compile(rb"[A-Za-z0-9+/=\s\\:,.()@-]{60,16000}")
_LOCAL = (b"localhost", b"127.0.0.1", b"[::1]", b"0.0.0.0", b"example.", b"host.docker.internal")
_ADDRESS_LEAD = 320
LONGEST = 8192
SHORTEST_PASSWORD = 8


def around(pattern: re.Pattern[bytes], text: bytes, ends: Iterable[int], lead: int) -> Iterator[re.Match[bytes]]:
    """The pattern's matches near places that the screen saw, each once. None is longer than LONGEST."""
    done = 0
    for seen in ends:
        start = max(done, seen - lead)
        while (found := pattern.search(text, start, seen + LONGEST)) is not None and found.start() < seen:
            yield found
            start = done = max(found.end(), start + 1)


def passwords_in_addresses(text: bytes, ends: Iterable[int]) -> Iterator[Hit]:
    """scheme://user:password@host, but for hosts of this machine and of documentation."""
    for found in around(_USERINFO, text, ends, _ADDRESS_LEAD):
        host, value = found["host"].lower(), found["value"]
        if host.startswith(_LOCAL) or b"example.com" in host or is_taught(value) or is_example(value):
            continue
        if value.lower() == found["user"].lower() or value.startswith((b"$", b"{", b"%s", b"#")):
            continue
        account = f"{_words(found['user'])}@{_words(host)}"
        severity = Severity.LOW if is_code(value) else Severity.HIGH
        yield Hit("", "url-password", "password in an address", False, *found.span("value"), severity, "password",
                  account)  # fmt: skip


def bearer_tokens(text: bytes, ends: Iterable[int]) -> Iterator[Hit]:
    for found in around(_BEARER, text, ends, LEAD):
        if looks_made(found["value"], shortest=16):
            yield Hit("", "bearer-token", "bearer token", False, *found.span("value"), identity="oauth-token")


def basic_passwords(text: bytes, ends: Iterable[int]) -> Iterator[Hit]:
    """The password that base64 hides in `Basic dXNlcjpwYXNz`."""
    for found in around(_BASIC, text, ends, LEAD):
        pair = user_and_password(found["value"])
        if pair is not None:
            yield Hit("", "basic-password", "password in a Basic header", False, *found.span("value"),
                      identity="password", account=_words(pair[0]), decoded=pair[1])  # fmt: skip


def private_keys(text: bytes) -> Iterator[Hit]:
    """Whole keys, also with their line ends escaped on one line. One that its owner encrypted is less bad."""
    for begin in _KEY_BEGINS.finditer(text):
        end = _KEY_ENDS.match(
            text, text.find(b"-----", begin.end())
        )  # the next dashes: text of beginnings is read once
        if end is None or not _KEY_BODY.fullmatch(text, begin.end(), end.start()):
            continue
        body = text[begin.start() : end.end()]
        if b"EXAMPLE" in body or not pem.is_key(body):
            continue
        locked = b"ENCRYPTED" in body[:200]
        title = "encrypted private key" if locked else "private key"
        severity = Severity.MEDIUM if locked else Severity.HIGH
        yield Hit("", "private-key", title, True, begin.start(), end.end(), severity=severity, identity="certificate")


def user_and_password(coded: bytes) -> tuple[bytes, bytes] | None:
    """What Basic, Docker and npm write as base64 of user:password; None if it is nothing like that."""
    try:
        padded = coded.rstrip(b"=") + b"=" * (-len(coded.rstrip(b"=")) % 4)
        user, colon, password = base64.b64decode(padded.translate(_URL_SAFE), validate=True).partition(b":")
    except (binascii.Error, ValueError):
        return None
    if not colon or len(password) < SHORTEST_PASSWORD or not (user + password).isascii():
        return None
    if not (user + password).decode().isprintable() or is_example(password) or is_taught(password):
        return None
    return user, password


_URL_SAFE = bytes.maketrans(b"-_", b"+/")


def _words(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")
