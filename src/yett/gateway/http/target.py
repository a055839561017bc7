"""Request targets (RFC 9112, 3.2; RFC 3986): what may stand there, and the one spelling that leaves."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from yett.gateway.http.framing import Malformed

_VISIBLE = re.compile(r"/[!-~]*")
_PLAIN_PATH = re.compile(r"(?:/[A-Za-z0-9_~!$&'()*+,=:@-][A-Za-z0-9._~!$&'()*+,=:@-]*)+/?|/")
_SEGMENT = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,=:@|^{}\[\]-]|%[0-9A-Fa-f]{2})*")
_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}")
_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


class Target(NamedTuple):
    """An origin-form target in two parts, the query without its "?"."""

    path: str
    query: str


@lru_cache(maxsize=8192)
def origin_form(raw: str) -> Target:
    """Split an origin-form target. Raises Malformed: another form, a fragment, white space or a non-ASCII character."""
    if "#" in raw:
        raise Malformed("The request target holds a fragment")
    if not _VISIBLE.fullmatch(raw):
        raise Malformed("The request target is not a path in visible ASCII")
    path, _, query = raw.partition("?")
    return Target(path, query)


@lru_cache(maxsize=8192)
def governed_path(path: str, *, encoded_slash: bool) -> str:
    """Give the only spelling of a path that may leave for a governed host.

    Escapes of unreserved characters are resolved (RFC 3986, 6.2.2). Refused, because servers disagree on them: dot
    segments, empty segments, matrix parameters, encoded slashes (unless the room's names hold them: npm's
    `@scope%2Fname`), backslashes, control characters.

    Raises:
        Malformed: the path has more than one reading.
    """
    if _PLAIN_PATH.fullmatch(path):
        return path
    segments = [_segment(segment) for segment in path.split("/")]
    if any(segment in (".", "..") for segment in segments):
        raise Malformed("The path holds a dot segment", "Send the path that you mean.")
    if "" in segments[1:-1]:
        raise Malformed("The path holds an empty segment", "Send the path without //.")
    if not encoded_slash and any("%2F" in segment for segment in segments):
        raise Malformed("The path holds an encoded slash", "Send the path without %2F.")
    return "/".join(segments)


@lru_cache(maxsize=8192)
def governed_query(query: str) -> str:
    """Give the query as it may leave for a governed host. Raises Malformed: a broken escape."""
    if _BROKEN_ESCAPE.search(query):
        raise Malformed("The query holds a broken percent escape")
    return query


def _segment(raw: str) -> str:
    if not _SEGMENT.fullmatch(raw):
        raise Malformed("The path holds a character that is not allowed there")
    segment = _ESCAPE.sub(_normal_escape, raw)
    if re.search(r"%(?:[01][0-9A-F]|7F|5C|3B)", segment):
        raise Malformed("The path holds an encoded control character, backslash or semicolon")
    return segment


def _normal_escape(match: re.Match[str]) -> str:
    character = chr(int(match[0][1:], 16))
    return character if character in _UNRESERVED else match[0].upper()
