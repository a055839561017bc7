"""Dotenv files: a variable whose name says secret holds one, even if it is a short word."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from yett.inventory.formats.connection_strings import passwords_in
from yett.inventory.formats.entry import Entry, account_at
from yett.inventory.formats.env_spans import env_entries
from yett.inventory.formats.format import Format
from yett.inventory.formats.secret_names import is_secret, looks_made
from yett.inventory.formats.userinfo import logins_in
from yett.inventory.hit import Hit

TITLE = "secret in a dotenv file"

_PASSWORD = re.compile(r"(?i)(?P<stem>.*?)_?(?:PASSWORD|PASSWD|PASS|PWD|PASSPHRASE)$")
_USERS = ("USER", "USERNAME", "LOGIN", "USER_NAME")
_HOSTS = ("HOST", "HOSTNAME", "SERVER", "ENDPOINT")
_PEM = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY")


def parse(content: bytes) -> Iterator[Hit]:
    """By name, or a login in an address, or a password in a connection string."""
    values = {entry.key.upper(): entry.value for entry in env_entries(content) if len(entry.value) < 200}
    for entry in env_entries(content):
        if is_secret(entry.key, entry.value) or _PEM.match(entry.value):
            yield _hit(entry, values)
        elif "://" in entry.value and (logins := list(logins_in(content, entry.start, entry.end))):
            yield from (login.hit("dotenv", TITLE) for login in logins)
        else:
            yield from passwords_in(content, entry.start, entry.end)


def parse_example(content: bytes) -> Iterator[Hit]:
    """Of a file of examples only what a machine made: somebody pasted the real one."""
    return (hit for hit in parse(content) if looks_made(hit.value_in(content).decode("utf-8", "replace")))


def _hit(entry: Entry, values: Mapping[str, str]) -> Hit:
    title = f"secret in {entry.key[:60]}"
    found = _PASSWORD.match(entry.key)
    if found is None:
        return entry.hit("dotenv", title, identity="signing-key" if _PEM.match(entry.value) else "api-key")
    stem = found["stem"].upper()
    return entry.hit("dotenv", title, account=account_at(_beside(values, stem, _USERS), _beside(values, stem, _HOSTS)))


def _beside(values: Mapping[str, str], stem: str, names: tuple[str, ...]) -> str:
    """DB_USER beside DB_PASSWORD."""
    return next((values[key] for name in names if (key := f"{stem}_{name}".lstrip("_")) in values), "")


_EXAMPLES = ("example", "sample", "template", "dist", "tpl", "defaults", "schema")

FORMATS = (
    Format(
        "dotenv",
        TITLE,
        "password",
        parse,
        names=(".env", ".env.*", "*.env", ".flaskenv", ".dev.vars", ".dev.vars.*", ".env-*", "env.local"),
        homes=("~/.env", "~/.env.*"),
    ),
    Format(
        "dotenv-example",
        "secret in a dotenv example",
        "password",
        parse_example,
        names=tuple(f"{form}.{word}" for word in _EXAMPLES for form in (".env", "*.env", ".env.*", ".dev.vars"))
        + tuple(f"{word}.env" for word in _EXAMPLES),
    ),
)
