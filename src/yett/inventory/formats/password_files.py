"""Hashes of passwords that a server checks logins against: htpasswd (Apache, nginx) and shadow (shadow(5))."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from yett.inventory.formats.format import Format
from yett.inventory.formats.ini_spans import lines
from yett.inventory.hit import Hit
from yett.inventory.severity import Severity

_HTPASSWD = re.compile(
    rb"(?P<user>[^\s:#][^:\r\n]{0,255}):(?P<hash>\$(?:apr1|1|2[abxy]|5|6|7|y|gy)\$[./A-Za-z0-9$=,]{8,200}|\{SHA\}[A-Za-z0-9+/=]{28}"
    rb"|\{SSHA\}[A-Za-z0-9+/=]{20,100}|\{PLAIN\}[!-~]{4,100}|[./A-Za-z0-9]{13})(?::[^\r\n]{0,200})?"
)
_SHADOW = re.compile(
    rb"(?P<user>[A-Za-z_][A-Za-z0-9_.-]{0,63}\$?):!?(?P<hash>\$[0-9a-z]{1,10}\$[./A-Za-z0-9$=,+-]{8,300}|[./A-Za-z0-9]{13})"
    rb":[0-9:,A-Za-z_-]{0,300}"
)
LONGEST_LINE = 1000


def _lines_of(
    pattern: re.Pattern[bytes], kind: str, title: str, severity: Severity
) -> Callable[[bytes], Iterator[Hit]]:
    def parse(content: bytes) -> Iterator[Hit]:
        for start, end in lines(content):
            found = pattern.fullmatch(content[start:end].rstrip()) if end - start <= LONGEST_LINE else None
            if found is not None:
                span = (start + found.start("hash"), start + found.end("hash"))
                user = found["user"].decode("utf-8", "replace")
                yield Hit("", kind, title, False, *span, severity, identity="password", account=user)

    return parse


FORMATS = (
    Format(
        "htpasswd",
        "password hash in a htpasswd",
        "password",
        _lines_of(_HTPASSWD, "htpasswd", "password hash in a htpasswd", Severity.MEDIUM),
        names=(".htpasswd", "htpasswd", "*.htpasswd", "htpasswd.*", ".htpasswds", "passwd.htpasswd"),
        severity=Severity.MEDIUM,
    ),
    Format(
        "shadow",
        "password hash in a shadow file",
        "password",
        _lines_of(_SHADOW, "shadow", "password hash in a shadow file", Severity.MEDIUM),
        paths=("etc/shadow", "etc/shadow-", "etc/gshadow", "etc/gshadow-", "etc/master.passwd"),
        sniff=rb"root:\$[0-9a-z]{1,4}\$[./A-Za-z0-9$]{8,200}:[0-9]{1,6}:",
        severity=Severity.MEDIUM,
    ),
)
