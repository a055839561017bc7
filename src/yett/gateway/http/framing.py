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
_LENGTH = re.compile(r"[0-9]{1,15}")
_STATUS = re.compile(r"[1-9][0-9]{2}")
_WITHOUT_CONTROLS = bytes({*range(0x20, 0x7F), *range(0x80, 0x100), *b"\t\r\n"})


class Malformed(YettError):
    """The message breaks RFC 9112, or two parsers could read it differently."""

    status = 400


class Field(IntEnum):
    """What a field means for framing. SINGLE may occur once only, DROPPED is hop-by-hop (RFC 9110, 7.6.1)."""

    ORDINARY = 0
    SINGLE = 1
    DROPPED = 2
    HOST = 3
    LENGTH = 4
    CODING = 5
    CONNECTION = 6
    EXPECT = 7
    UPGRADE = 8


_ROLES = {
    "host": Field.HOST,
    "content-length": Field.LENGTH,
    "transfer-encoding": Field.CODING,
    "connection": Field.CONNECTION,
    "expect": Field.EXPECT,
    "upgrade": Field.UPGRADE,
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


class _Fields(NamedTuple):
    headers: list[tuple[str, str]]
    host: str | None
    length: str | None
    coding: str | None
    connection: str
    expect: str | None
    upgrade: str


def parse_request(head: bytes) -> RequestHead:
    """Read a request head. Raises Malformed."""
    lines = _lines(head)
    try:
        method, target, version = lines[0].split(" ")
    except ValueError:
        raise Malformed("The request line is not three parts with one space between") from None
    if version != "HTTP/1.1":
        raise Malformed("The gate speaks HTTP/1.1 only", "Use HTTP/1.1 (curl: --http1.1).")
    if not _METHOD.fullmatch(method):
        raise Malformed("The method is not an upper-case token")
    fields = _fields(lines)
    if fields.host is None:
        raise Malformed("The request has no Host field")
    if fields.expect is not None and fields.expect.lower() != "100-continue":
        raise Malformed("The expectation is not 100-continue")
    options = fields.connection.split(",") if fields.connection else ()
    return RequestHead(
        method,
        target,
        fields.host,
        _without(fields.headers, options),
        _request_length(fields),
        fields.expect is not None,
        "close" in options,
        fields.upgrade if "upgrade" in options else "",
    )


def parse_response(head: bytes, method: str) -> ResponseHead:
    """Read the head of the answer to a `method` request. Raises Malformed."""
    lines = _lines(head)
    version, _, rest = lines[0].partition(" ")
    status = rest[:3]
    if version not in ("HTTP/1.1", "HTTP/1.0") or not _STATUS.fullmatch(status) or rest[3:4] not in ("", " "):
        raise Malformed("The status line is not HTTP/1.1")
    fields = _fields(lines)
    code = int(status)
    length, announced = _response_length(fields, code, method, version)
    options = fields.connection.split(",") if fields.connection else ()
    closes = "close" in options or length == UNTIL_CLOSE or (version == "HTTP/1.0" and "keep-alive" not in options)
    return ResponseHead(code, _without(fields.headers, options), length, announced, closes)


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


def _fields(lines: list[str]) -> _Fields:
    headers: list[tuple[str, str]] = []
    special: dict[str, str] = {}
    for line in lines[1:]:
        raw, colon, value = line.partition(":")
        if not colon:
            raise Malformed("A field line has no colon")
        name, role = field_name(raw)
        value = value.strip(" \t")
        if role == 0:
            headers.append((name, value))
        elif role != 2:
            _keep_special(name, role, value, headers, special)
    get = special.get
    return _Fields(
        headers,
        get("host"),
        get("content-length"),
        get("transfer-encoding"),
        get("connection", ""),
        get("expect"),
        get("upgrade", "").lower(),
    )


def _keep_special(name: str, role: Field, value: str, headers: list[tuple[str, str]], special: dict[str, str]) -> None:
    if role is Field.CONNECTION:
        options = ",".join(option.strip(" \t").lower() for option in value.split(","))
        special[name] = f"{special[name]},{options}" if name in special else options
        return
    if name in special:
        raise Malformed(f"The field {name} occurs more than once")
    special[name] = value
    if role is Field.SINGLE:
        headers.append((name, value))


_OPTIONS = frozenset({"", "close", "keep-alive", "upgrade", "te", "trailer", "transfer-encoding", "http2-settings"})


def _without(headers: list[tuple[str, str]], options: list[str] | tuple[()]) -> Headers:
    """Drop the fields that Connection nominates (RFC 9110, 7.6.1)."""
    nominated = [option for option in options if option not in _OPTIONS]
    return tuple(field for field in headers if field[0] not in nominated) if nominated else tuple(headers)


def _request_length(fields: _Fields) -> int:
    """RFC 9112, 6.3, with its leniencies left out: both fields, or any coding but chunked, is an attack."""
    if fields.coding is not None:
        if fields.length is not None:
            raise Malformed("Content-Length stands beside Transfer-Encoding")
        if fields.coding.lower() != "chunked":
            raise Malformed("The transfer coding is not chunked")
        return CHUNKED
    return NO_BODY if fields.length is None else _length(fields.length)


def _response_length(fields: _Fields, status: int, method: str, version: str) -> tuple[int, int]:
    coding, announced = fields.coding, -1
    if fields.length is not None:
        if coding is not None:
            raise Malformed("Content-Length stands beside Transfer-Encoding")
        announced = _length(fields.length)
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
