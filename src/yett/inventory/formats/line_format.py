"""A format of lines that one pattern reads: host:user:password and the like."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from yett.inventory.formats.entry import Entry, account_at
from yett.inventory.formats.format import Format
from yett.inventory.formats.ini_spans import lines
from yett.inventory.formats.parser import hits
from yett.inventory.formats.word import Found
from yett.inventory.hit import Hit
from yett.inventory.severity import Severity

LONGEST_LINE = 8_192


def line_format(
    kind: str,
    title: str,
    pattern: bytes,
    *homes: str,
    names: Iterable[str] = (),
    paths: Iterable[str] = (),
    identity: str = "password",
    severity: Severity = Severity.HIGH,
    decode: Callable[[str], bytes] | None = None,
    sniff: bytes = b"",
) -> Format:
    """`pattern` matches from a line's start; its groups are `secret` and, if the line tells them, `user` and `host`."""
    line = re.compile(pattern)

    def parse(content: bytes) -> Iterator[Hit]:
        yield from hits(_found(content, line, decode), kind, title, identity=identity, severity=severity)

    endings = dict.fromkeys((*(home.removeprefix("~/") for home in homes), *paths))
    return Format(kind, title, identity, parse, tuple(names), tuple(endings), homes, sniff, severity)


def _found(content: bytes, pattern: re.Pattern[bytes], decode: Callable[[str], bytes] | None) -> Iterator[Found]:
    for start, end in lines(content):
        if end - start > LONGEST_LINE or content[start : start + 1] == b"#":
            continue
        for found in pattern.finditer(content, start, end):
            known = found.groupdict()
            text = found["secret"].decode("utf-8", "replace")
            plain = decode(text) if decode else b""
            if decode and not plain:
                continue
            value = plain.decode("utf-8", "replace") if plain else text
            entry = Entry(("password",), value, *found.span("secret"), plain)
            user, host = (str(known.get(name) or b"", "utf-8", "replace") for name in ("user", "host"))
            if entry.is_real:
                yield entry, account_at(user, host)
