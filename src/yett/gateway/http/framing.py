"""Strict message heads (RFC 9112): bytes without the closing empty line in, frozen values out. No I/O.

Whatever two parsers could read differently is refused: bare CR or LF, obs-fold, space before a colon, a repeated
Content-Length, Content-Length beside Transfer-Encoding, an unknown coding, more than one Host (RFC 9112, 2.2, 3.2, 5.1,
5.2, 6.1, 6.3).
"""

from __future__ import annotations

import re
from enum import IntEnum
from functools import lru_cache
from typing import NamedTuple

from yett.model.errors import YettError
from yett.model.http import Headers

MAX_HEAD = 64 * 1024
MAX_FIELDS = 256
NO_BODY = 0
CHUNKED = -1
UNTIL_CLOSE = -2

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,128}")
_METHOD = re.compile(r"[A-Z][A-Z_-]{0,31}")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_VERSIONS = frozenset({"HTTP/1.1", "HTTP/1.0"})
_LENGTH = re.compile(r"[0-9]{1,15}")
_STATUS = re.compile(r"[1-9][0-9]{2}")
_WITHOUT_CONTROLS = bytes({*range(0x20, 0x7F), *range(0x80, 0x100), *b"\t\r\n"})


class Malformed(YettError):
    """The message breaks RFC 9112, or two parsers could read it differently. Answered with 400."""


class Field(IntEnum):
    """What a field means for framing. SINGLE occurs once, FRAMING once and is not passed on, DROPPED is hop-by-hop."""

    ORDINARY = 0
    SINGLE = 1
    FRAMING = 2
    OPTIONS = 3
    DROPPED = 4


_ROLES = {
    "host": Field.FRAMING,
    "content-length": Field.FRAMING,
    "transfer-encoding": Field.FRAMING,
    "expect": Field.FRAMING,
    "upgrade": Field.FRAMING,
    "connection": Field.OPTIONS,
    "proxy-connection": Field.DROPPED,
    "keep-alive": Field.DROPPED,
    "proxy-authorization": Field.DROPPED,
    "proxy-authenticate": Field.DROPPED,
    "proxy-authentication-info": Field.DROPPED,
    "te": Field.DROPPED,
    "trailer": Field.DROPPED,
    "http2-settings": Field.DROPPED,
    "alt-svc": Field.DROPPED,  # names an HTTP/3 route that does not exist behind the gate
    "content-type": Field.SINGLE,
    "content-encoding": Field.SINGLE,
    "authorization": Field.SINGLE,
    "range": Field.SINGLE,
}


class RequestHead(NamedTuple):
    """A request's head. `length` is a byte count or CHUNKED; `target` and `host` are as sent, not yet judged."""

    method: str
    target: str
    host: str
    headers: Headers
    length: int
    expects_continue: bool
    closes: bool
    upgrade: str


class ResponseHead(NamedTuple):
    """A response's head. `length` is a byte count, CHUNKED or UNTIL_CLOSE; `announced` the Content-Length or -1."""

    status: int
    headers: Headers
    length: int
    announced: int
    closes: bool


def parse_request(head: bytes) -> RequestHead:
    """Read a request head. Raises Malformed."""
    lines = _lines(head)
    try:
        method, target, version = lines[0].split(" ")
    except ValueError:
        raise Malformed("The request line is not three parts with one space between") from None
    if version != "HTTP/1.1":
        raise Malformed("The gate speaks HTTP/1.1 only", "Use HTTP/1.1 (curl: --http1.1).")
    if method not in _METHODS and not _METHOD.fullmatch(method):
        raise Malformed("The method is not an upper-case token")
    headers, framing = _fields(lines)
    host = framing.get("host")
    if host is None:
        raise Malformed("The request has no Host field")
    if len(framing) == 1:
        return RequestHead(method, target, host, tuple(headers), NO_BODY, False, False, "")
    expectation = framing.get("expect")
    if expectation is not None and expectation.lower() != "100-continue":
        raise Malformed("The expectation is not 100-continue")
    options = _options(framing)
    return RequestHead(
        method,
        target,
        host,
        _without(headers, options),
        _request_length(framing),
        expectation is not None,
        "close" in options,
        framing.get("upgrade", "").lower() if "upgrade" in options else "",
    )


def parse_response(head: bytes, method: str) -> ResponseHead:
    """Read the head of the answer to a `method` request. Raises Malformed."""
    lines = _lines(head)
    first = lines[0]
    version, status = first[:8], first[9:12]
    if version not in _VERSIONS or first[8:9] != " " or not _STATUS.fullmatch(status) or first[12:13] not in ("", " "):
        raise Malformed("The status line is not HTTP/1.1")
    headers, framing = _fields(lines)
    code = int(status)
    length, announced = _response_length(framing, code, method, version)
    options = _options(framing)
    closes = "close" in options or length == UNTIL_CLOSE or (version == "HTTP/1.0" and "keep-alive" not in options)
    return ResponseHead(code, _without(headers, options), length, announced, closes)


def parse_trailer(line: bytes) -> None:
    """Check one trailer line; trailers are never forwarded (RFC 9112, 7.1.2). Raises Malformed."""
    if line.translate(None, _WITHOUT_CONTROLS) or b"\r" in line or b"\n" in line:
        raise Malformed("A trailer holds a control character")
    name, colon, _ = line.decode("latin-1").partition(":")
    if not colon:
        raise Malformed("A trailer line has no colon")
    field_name(name)


@lru_cache(maxsize=4096)
def field_name(raw: str) -> tuple[str, Field]:
    """Give the lower-case name and its role. Raises Malformed: not a token, so also obs-fold and space before colon."""
    if not _TOKEN.fullmatch(raw):
        raise Malformed("A field name is not a token")
    name = raw.lower()
    return name, _ROLES.get(name, Field.ORDINARY)


def _lines(head: bytes) -> list[str]:
    if len(head) > MAX_HEAD:
        raise Malformed(f"The head is longer than {MAX_HEAD} bytes")
    if head.translate(None, _WITHOUT_CONTROLS):
        raise Malformed("The head holds a control character")
    text = head.decode("latin-1")
    lines = text.split("\r\n")
    breaks = len(lines) - 1
    if text.count("\r") != breaks or text.count("\n") != breaks:
        raise Malformed("The head holds a bare CR or LF")
    if breaks > MAX_FIELDS:
        raise Malformed(f"The head has more than {MAX_FIELDS} fields")
    return lines


def _fields(lines: list[str]) -> tuple[list[tuple[str, str]], dict[str, str]]:
    """The fields to pass on, and those that frame the message, by name."""
    headers: list[tuple[str, str]] = []
    framing: dict[str, str] = {}
    once = None
    for line in lines[1:]:
        raw, colon, value = line.partition(":")
        if not colon:
            raise Malformed("A field line has no colon")
        name, role = field_name(raw)
        value = value.strip(" \t")
        if role == 0:
            headers.append((name, value))
        elif role == 2:
            if name in framing:
                raise Malformed(f"The field {name} occurs more than once")
            framing[name] = value
        elif role == 1:
            once = set() if once is None else once
            if name in once:
                raise Malformed(f"The field {name} occurs more than once")
            once.add(name)
            headers.append((name, value))
        elif role == 3:
            framing[name] = f"{framing[name]},{value}" if name in framing else value
    return headers, framing


_KNOWN_OPTIONS = frozenset({"", "close", "keep-alive", "upgrade", "te", "trailer", "http2-settings"})


def _options(framing: dict[str, str]) -> frozenset[str]:
    value = framing.get("connection")
    return _NO_OPTIONS if value is None else _split_options(value)


@lru_cache(maxsize=256)
def _split_options(value: str) -> frozenset[str]:
    return frozenset(option.strip(" \t").lower() for option in value.split(","))


_NO_OPTIONS: frozenset[str] = frozenset()


def _without(headers: list[tuple[str, str]], options: frozenset[str]) -> Headers:
    """Drop the fields that Connection nominates (RFC 9110, 7.6.1)."""
    if options <= _KNOWN_OPTIONS:
        return tuple(headers)
    return tuple(field for field in headers if field[0] not in options)


def _request_length(framing: dict[str, str]) -> int:
    """RFC 9112, 6.3, with its leniencies left out: both fields, or any coding but chunked, is an attack."""
    coding, length = framing.get("transfer-encoding"), framing.get("content-length")
    if coding is not None:
        if length is not None:
            raise Malformed("Content-Length stands beside Transfer-Encoding")
        if coding.lower() != "chunked":
            raise Malformed("The transfer coding is not chunked")
        return CHUNKED
    return NO_BODY if length is None else _length(length)


def _response_length(framing: dict[str, str], status: int, method: str, version: str) -> tuple[int, int]:
    coding, length = framing.get("transfer-encoding"), framing.get("content-length")
    announced = -1
    if length is not None:
        if coding is not None:
            raise Malformed("Content-Length stands beside Transfer-Encoding")
        announced = _length(length)
    if coding is not None and (coding.lower() != "chunked" or version != "HTTP/1.1"):
        raise Malformed("The transfer coding is not chunked")
    if method == "HEAD" or status < 200 or status in (204, 304):
        return NO_BODY, announced
    if coding is not None:
        return CHUNKED, -1
    return (announced if announced >= 0 else UNTIL_CLOSE), announced


def _length(value: str) -> int:
    if not _LENGTH.fullmatch(value):
        raise Malformed("Content-Length is not one decimal number")
    return int(value)
