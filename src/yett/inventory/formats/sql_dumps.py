"""SQL in files: dumps of users and roles, migrations, scripts that set a server up."""

from __future__ import annotations

import re
from collections.abc import Iterator

from yett.inventory.formats.format import Format
from yett.inventory.formats.parser import hits
from yett.inventory.formats.sql_secrets import in_sql
from yett.inventory.formats.word import Found, Word
from yett.inventory.hit import Hit

_ANCHOR = re.compile(rb"(?i)identified\s|password|://|secret_access_key")
BEFORE, BEHIND = 600, 1_500
"""Bytes around a telling word: a dump of gigabytes is not taken apart as a whole."""
LONGEST = 256_000_000


def parse_sql(content: bytes) -> Iterator[Hit]:
    """Statements that set passwords. A column that is called password is data, not a statement."""
    yield from hits(_found(content), "sql", "password in SQL")


def _found(content: bytes) -> Iterator[Found]:
    done = 0
    for anchor in _ANCHOR.finditer(content, 0, LONGEST):
        if anchor.start() < done:
            continue
        start = max(done, anchor.start() - BEFORE)
        done = anchor.end() + BEHIND
        window = content[start:done]
        if len(window) == done - start:  # end behind a statement or a line, so that none is cut
            cut = max(window.rfind(b";"), window.rfind(b"\n"), anchor.end() - start)
            window = window[: cut + 1]
            done = start + len(window)
        yield from (
            (entry, account)
            for entry, account in in_sql(Word(window, start, start + len(window), ((0, start, len(window)),)))
            if entry.is_real
        )


FORMATS = (
    Format(
        "sql",
        "password in SQL",
        "password",
        parse_sql,
        ("*.sql", "*.psql", "*.pgsql", "*.ddl", "pg_dumpall*"),
        sniff=rb"(?:ALTER|CREATE) (?:ROLE|USER) [^;]{1,200}(?:PASSWORD|IDENTIFIED BY) '",
    ),
)
