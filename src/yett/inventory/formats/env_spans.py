"""Assignments of a shell or a dotenv file with byte offsets: export, quotes, values over several lines."""

from __future__ import annotations

import re
from collections.abc import Iterator

from yett.inventory.formats.entry import Entry

_NAME = rb"[A-Za-z_][A-Za-z0-9_.-]{0,200}+"
_ASSIGNED = re.compile(
    rb"(?m)^[ \t]*+(?:(?P<shell>export|declare|typeset|local|readonly|set|setenv)[ \t]++(?:-[A-Za-z]++[ \t]++)*+)?+"
    rb"(?:(?P<name>" + _NAME + rb")[ \t]*+=[ \t]*+|(?P<fish>" + _NAME + rb")[ \t]++)"
)
_QUOTED = rb"""(?s)"(?P<double>[^"\\]*+(?:\\.[^"\\]*+)*+)"|'(?P<single>[^']*+)'|`(?P<back>[^`]*+)`"""
_DOTENV = re.compile(_QUOTED + rb"""|(?P<bare>[^\s"'`][^\r\n]*+)""")
_SHELL = re.compile(_QUOTED + rb"""|(?P<bare>[^\s"'`;&|][^\s;&|]*+)""")
_COMMENT = re.compile(rb"[ \t]#")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}


def env_entries(content: bytes) -> Iterator[Entry]:
    """Every NAME=value with the path (NAME,), with export or without; `set -x NAME value` and `setenv NAME value` too.

    A bare value ends before a blank with # (dotenv), behind export at the first blank (shell); in single quotes nothing
    is an escape. Where a quote is never closed, the lines behind it are read on their own.
    """
    at = 3 if content.startswith(b"\xef\xbb\xbf") else 0
    unclosed: set[bytes] = set()
    while (found := _ASSIGNED.search(content, at)) is not None:
        at = found.end()
        if found["fish"] and found["shell"] not in (b"set", b"setenv"):
            continue
        quote = content[at : at + 1]
        value = None if quote in unclosed else (_SHELL if found["shell"] else _DOTENV).match(content, at)
        if value is None:
            unclosed |= {quote} & {b'"', b"'", b"`"}
            continue
        at = value.end()
        yield _entry((found["name"] or found["fish"]).decode(), value)


def _entry(name: str, found: re.Match[bytes]) -> Entry:
    group = found.lastgroup or "bare"
    start, end = found.span(group)
    raw = found[group]
    if group == "bare":
        raw = (_COMMENT.split(raw, 1)[0] if b"#" in raw else raw).rstrip()
        return Entry((name,), raw.decode("utf-8", "replace"), start, start + len(raw))
    value = raw.decode("utf-8", "replace")
    if group == "double" and "\\" in value:
        value = re.sub(r"(?s)\\(.)", lambda escape: _ESCAPES.get(escape[1], escape[1]), value)
        return Entry((name,), value, start, end, value.encode(), quoted=True)
    return Entry((name,), value, start, end, quoted=True)
