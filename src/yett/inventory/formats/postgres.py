"""PostgreSQL's password file and connection service file (documentation, 34.16 and 34.17)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from yett.inventory.formats.declared import Row, declared
from yett.inventory.formats.entry import Entry, account_at
from yett.inventory.formats.format import Format
from yett.inventory.formats.ini_spans import ini_entries, lines
from yett.inventory.hit import Hit

PASSFILE = "password in a pgpass"
SERVICE = "password in a pg_service.conf"

_FIELD = re.compile(rb"((?:[^:\\]|\\.|\\\Z)*+)(?::|\Z)")
LONGEST_LINE = 4096


def parse_passfile(content: bytes) -> Iterator[Hit]:
    """host:port:database:user:password, where \\: and \\\\ stand for themselves; * fits everything."""
    for start, end in lines(content):
        line = content[start : min(end, start + LONGEST_LINE)]
        if line.lstrip()[:1] in b"#":
            continue
        fields = list(_FIELD.finditer(line))[:5]
        if len(fields) < 5:
            continue
        host, user, value = (_unescaped(fields[index][1]) for index in (0, 3, 4))
        span = (start + fields[4].start(1), start + fields[4].end(1))
        entry = Entry(("password",), value, *span, value.encode() if b"\\" in fields[4][1] else b"")
        if entry.is_real:
            yield entry.hit("pgpass", PASSFILE, account=account_at(user, host.replace("*", "")))


def _unescaped(field: bytes) -> str:
    return re.sub(r"\\(.)", r"\1", field.decode("utf-8", "replace"))


FORMATS = (
    Format(
        "pgpass",
        PASSFILE,
        "password",
        parse_passfile,
        names=(".pgpass", "pgpass", "pgpass.conf"),
        homes=("~/.pgpass",),
    ),
    Format(
        "pg-service",
        SERVICE,
        "password",
        declared(
            ini_entries,
            (
                Row("*/password", "pg-service", SERVICE, user="user", host="host|hostaddr"),
                Row("*/sslpassword", "pg-service", "passphrase in a pg_service.conf", user="user", host="host"),
            ),
        ),
        names=("pg_service.conf", ".pg_service.conf"),
        homes=("~/.pg_service.conf",),
    ),
)
