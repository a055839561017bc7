"""Values that code assigns to names (PHP's define and arrays, Python, Ruby, Groovy): no grammar, one pass."""

from __future__ import annotations

import re
from collections.abc import Iterator

from yett.inventory.formats.entry import Entry

_ASSIGNED = re.compile(
    rb"""(?P<open>["']?)(?<![\w$.-])(?P<name>[A-Za-z_$][\w$.-]{0,100}+)(?P<close>["']?)\]?\)?[ \t]{0,40}"""
    rb"""(?P<sign>=>|:=|\?\?=|\|\|=|=|:|,)\s{0,40}[rbuN@]?"""
    rb"""(?:"(?P<double>(?:[^"\\\n]|\\.){1,2000}+)\""""
    rb"""|'(?P<single>(?:[^'\\\n]|\\.){1,2000}+)'|`(?P<back>[^`\\\n$]{1,500}+)`)"""
)
_ESCAPE = re.compile(rb"(?s)\\(.)")


def code_entries(content: bytes) -> Iterator[Entry]:
    """Every quoted value with the name before it. A comma assigns only behind a quoted name (define)."""
    for found in _ASSIGNED.finditer(content):
        if found["sign"] == b"," and not (found["open"] and found["open"] == found["close"]):
            continue
        group = found.lastgroup or "double"
        raw = found[group]
        plain = _ESCAPE.sub(rb"\1", raw) if b"\\" in raw else b""
        name = found["name"].decode("ascii").rpartition(".")[2].lstrip("$")
        value = (plain or raw).decode("utf-8", "replace")
        yield Entry((name,), value, *found.span(group), plain if plain != raw else b"", quoted=True)
