"""Passwords in SQL: CREATE and ALTER of users, roles, logins, servers, and replication's settings.

Grammars: PostgreSQL (CREATE ROLE, CREATE USER MAPPING), MySQL and MariaDB (CREATE USER, SET PASSWORD, CHANGE MASTER),
SQL Server (CREATE LOGIN), Oracle and ClickHouse (IDENTIFIED BY).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from yett.inventory.formats.entry import Entry, account_at
from yett.inventory.formats.named_values import in_connection
from yett.inventory.formats.placeholder import is_placeholder
from yett.inventory.formats.word import Found, Word, in_address

TELLING = re.compile(rb"(?i)identified|password|://|_secret|secret_")
_QUOTED = rb"""(?:N?'(?P<%s>(?:[^'\\\n]|''|\\.){1,500}+)'|"(?P<%s>[^"\n]{1,500}+)"|(?P<%s>[A-Za-z][\w#$]{3,60}))"""
_IDENTIFIED = re.compile(
    rb"(?i)\bidentified\s{1,8}(?:with\s{1,8}\S{1,60}\s{1,8})?(?:by|as)\s{1,8}(?:values\s{1,8}|password\s{1,8})?"
    + _QUOTED % (b"single", b"double", b"bare")
)
_PASSWORD = re.compile(
    rb"(?i)(?<![A-Za-z])(?:password|(?:master|source)_password|secret(?:_key)?|secret_access_key)\s{0,8}(?:=|:=)?\s{0,8}"
    rb"(?:password\s{0,4}|old_password\s{0,4})?\(?\s{0,8}N?'(?P<single>(?:[^'\\\n]|''|\\.){1,500}+)'"
)
_SET_PASSWORD = re.compile(
    rb"(?i)\bset\s{1,8}password\s{1,8}for\s{1,8}\S{1,100}\s{0,8}=\s{0,8}'(?P<single>[^'\n]{1,200}+)'"
)
_WHO = re.compile(
    rb"(?i)\b(?:user|role|login|to|for|mapping\s{1,8}for)\s{1,8}(?:if\s{1,8}(?:not\s{1,8})?exists\s{1,8})?"
    rb"[`'\"\[]?(?P<user>[\w.$-]{1,64})[`'\"\]]?(?:@[`'\"]?(?P<host>[\w.%-]{1,100}))?"
)
_KEYWORDS = frozenset({"mapping", "for", "server", "with", "set", "identified", "password", "if", "not", "by"})
STATEMENT = 2_000
"""How far before its password the user of a statement may stand, in bytes."""


def in_sql(word: Word) -> Iterator[Found]:
    """Every password of the statements in it."""
    if not TELLING.search(word.value):
        return
    for pattern in (_IDENTIFIED, _PASSWORD, _SET_PASSWORD):
        for found in pattern.finditer(word.value):
            yield from _found(word, found)
    if b"=" in word.value[:65_536] and len(word.value) < 65_536:
        yield from in_connection(word)
        yield from in_address(word)


def _found(word: Word, found: re.Match[bytes]) -> Iterator[Found]:
    group = found.lastgroup or "single"
    entry = word.part(*found.span(group), "password")
    if b"''" in found[group] or b"\\" in found[group]:
        plain = re.sub(rb"(?s)\\(.)|''", lambda escape: escape[1] or b"'", found[group])
        entry = Entry(entry.path, plain.decode("utf-8", "replace"), entry.start, entry.end, plain)
    if not is_placeholder(entry.value):
        yield entry, _who(word.value, found.start(group))


def _who(text: bytes, at: int) -> str:
    """The user whom the statement is about: the last that is named before the password."""
    start = max(text.rfind(b";", max(0, at - STATEMENT), at) + 1, at - STATEMENT, 0)
    who = [found for found in _WHO.finditer(text, start, at) if found["user"].decode().lower() not in _KEYWORDS]
    if not who:
        return ""
    user, host = (who[-1][name] or b"" for name in ("user", "host"))
    return account_at(user.decode(), "" if host == b"%" else host.decode())
