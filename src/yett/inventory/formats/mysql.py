"""MySQL and MariaDB: option files, and the login file that mysql_config_editor obfuscates with a key of its own.

The login file: 4 unused bytes, 20 key bytes, then lines, each its length (4 bytes, little-endian) and AES-128-ECB of it
(MySQL 8.4, 6.6.7; the program's source for the bytes).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from yett.inventory.formats.declared import Row, declared
from yett.inventory.formats.entry import Entry, account_at
from yett.inventory.formats.format import Format, Unparsable
from yett.inventory.formats.ini_spans import ini_entries
from yett.inventory.hit import Hit

OPTIONS = "password in a MySQL option file"
LOGIN = "password in a MySQL login file"

KEY_AT, KEY_LENGTH, LINES_AT = 4, 20, 24
BLOCK = 16
LONGEST_LINE = 4096

_PAIR = re.compile(rb'\s*(?P<key>[a-z_-]+)\s*=\s*"?(?P<value>.*?)"?\s*\Z', re.DOTALL)


def parse_login_file(content: bytes) -> Iterator[Hit]:
    """The passwords; the span is the encrypted line."""
    if len(content) < LINES_AT or content[:KEY_AT] != b"\0\0\0\0":
        raise Unparsable("no MySQL login file")
    login: dict[bytes, str] = {}
    passwords: list[Entry] = []
    for line, start, end in _lines(content):
        if line.lstrip().startswith(b"["):
            yield from _hits(passwords, login)
            login, passwords = {}, []
        elif found := _PAIR.match(line):
            text = re.sub(r"\\(.)", r"\1", found["value"].decode("utf-8", "replace"))
            login[found["key"]] = text
            if found["key"] == b"password":
                passwords.append(Entry(("password",), text, start, end, text.encode()))
    yield from _hits(passwords, login)


def _hits(passwords: list[Entry], login: dict[bytes, str]) -> Iterator[Hit]:
    for entry in passwords:
        if entry.is_real:
            account = account_at(login.get(b"user", ""), login.get(b"host", ""))
            yield entry.hit("mysql-login", LOGIN, account=account)


def _lines(content: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Each line in clear, and where it lies in the file."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes  # rare, and slow to load

    key = bytearray(BLOCK)
    for index, byte in enumerate(content[KEY_AT:LINES_AT]):
        key[index % BLOCK] ^= byte
    cipher = Cipher(algorithms.AES(bytes(key)), modes.ECB())  # MySQL's choice, not ours
    at = LINES_AT
    while at + 4 <= len(content):
        length = int.from_bytes(content[at : at + 4], "little")
        start, end = at + 4, at + 4 + length
        if not length or length % BLOCK or length > LONGEST_LINE or end > len(content):
            raise Unparsable(f"broken MySQL login file at byte {at}")
        opened = cipher.decryptor()
        clear = opened.update(content[start:end]) + opened.finalize()
        padding = clear[-1]
        yield clear[:-padding] if 1 <= padding <= BLOCK else clear, start, end
        at = end


FORMATS = (
    Format(
        "mysql-options",
        OPTIONS,
        "password",
        declared(
            ini_entries,
            (Row("*/password|password1|password2|password3", "mysql-options", OPTIONS, user="user", host="host"),),
        ),
        names=(".my.cnf", "my.cnf", "my.ini", ".mylogin.ini", "mariadb.cnf"),
        paths=("etc/mysql/debian.cnf", "mysql/conf.d/*.cnf", "my.cnf.d/*.cnf", "mariadb.conf.d/*.cnf"),
        homes=("~/.my.cnf",),
    ),
    Format(
        "mysql-login",
        LOGIN,
        "password",
        parse_login_file,
        names=(".mylogin.cnf",),
        homes=("~/.mylogin.cnf",),
    ),
)
