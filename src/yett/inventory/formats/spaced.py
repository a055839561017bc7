"""Files of lines "key value": msmtp, mbsync, redis, slapd, OpenVPN and others that follow no common grammar."""

from __future__ import annotations

import re
from collections.abc import Iterator

from yett.inventory.formats.entry import Entry
from yett.inventory.formats.ini_spans import lines

_LINE = re.compile(
    rb"""[ \t]*+(?P<key>[A-Za-z][\w.-]{0,60}+)(?:[ \t]++[=:]?|[=:])[ \t]*+"""
    rb"""(?:"(?P<double>[^"\r\n]*+)"|'(?P<single>[^'\r\n]*+)'|(?P<bare>[^\s"'#;][^\r\n]*+))"""
)


def spaced_entries(content: bytes) -> Iterator[Entry]:
    """Each with the path ("#n", key): a key that comes a second time begins the next account."""
    seen: set[str] = set()
    block = 0
    for start, end in lines(content):
        found = _LINE.match(content, start, end)
        if found is None:
            continue
        group = found.lastgroup or "bare"
        key = found["key"].decode("ascii")
        if key.lower() in seen:
            seen.clear()
            block += 1
        seen.add(key.lower())
        raw = found[group].rstrip()
        at = found.start(group)
        yield Entry((f"#{block}", key), raw.decode("utf-8", "replace"), at, at + len(raw))
