"""Secrets by their names in any structured file (JSON, YAML, TOML, INI), with the account that stands beside them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from yett.inventory.formats.entry import Entry, Path, account_at
from yett.inventory.formats.secret_names import is_secret, normal_name
from yett.inventory.formats.word import Found, Word, in_address, in_header

_ENDING = re.compile(
    r"_?(?:[A-Z]*PASS[A-Z]*|PWD|PW|PSK|SECRET|TOKEN|[A-Z]*KEY|(?:API|ACCESS|SECRET|PRIVATE|AUTH)_KEY|AUTH_TOKEN)$"
)
_USERS = (
    "USERNAME",
    "USER",
    "LOGIN",
    "USER_NAME",
    "USERID",
    "USER_ID",
    "UID",
    "EMAIL",
    "PRINCIPAL",
    "ACCOUNT",
    "REMOTEUSER",
    "AUTHUSER",
)
_HOSTS = (
    "HOST",
    "SERVER",
    "HOSTNAME",
    "ENDPOINT",
    "ADDRESS",
    "REMOTE",
    "MACHINE",
    "DOMAIN",
    "SMARTHOST",
    "REMOTEHOST",
    "MAILHUB",
    "URL",
    "URI",
)
_AUTHORIZATION = re.compile(r"(?i)(?:bearer|basic) \S")
_RELAYS = ("MAILHUB", "SMARTHOST", "REMOTEHOST")
"""Keys that tell the host without the prefix that the password has."""
_CONNECTION = re.compile(
    rb"(?i)(?:^|[;,\s])(?P<name>password|pwd|account ?key|shared ?access ?key|secret|sharedaccesssignature|access ?key)"
    rb"\s?=\s?(?P<quote>['\"]?)(?P<value>[^;'\"\s]{1,500})"
)
_CALL = re.compile(rb"[\w.]+[(\[].{0,40}")
"""Of code that puts one together: "... password='" + options.get('password')."""
_PAIR = re.compile(
    r"(?i)(?:^|[;,\s'\"])(?P<name>user ?id|uid|user ?name|user|host|server"
    r"|data source|addr(?:ess)?|account ?name)\s?=\s?(?P<value>[^;'\"\s]{1,200})"
)


def named_secret(entry: Entry) -> Iterator[Found]:
    """The value if its name tells a secret, or the credential of an address or connection string in it."""
    if _AUTHORIZATION.match(entry.value):
        yield from in_header(Word.of(entry), entry.key)
    elif is_secret(entry.key, entry.value) and not _holds_more(entry.value):
        yield entry, ""
    elif "://" in entry.value:
        yield from in_address(Word.of(entry))
    elif "=" in entry.value:
        yield from in_connection(Word.of(entry))


def _holds_more(value: str) -> bool:
    """Whether only a part of the value is the secret: an address, a connection string."""
    return "://" in value or _CONNECTION.search(value.encode("utf-8", "replace")[:4096]) is not None


def named_secrets(entries: Iterable[Entry]) -> Iterator[Found]:
    """`named_secret` of each, with the account that its siblings tell."""
    kept = list(entries)
    families: dict[Path, dict[str, str]] = {}
    for entry in kept:
        for found, account in named_secret(entry):
            families = families or siblings(kept)  # most files hold no secret
            yield found, account or account_of(entry, families[entry.parent])


def siblings(entries: Iterable[Entry]) -> dict[Path, dict[str, str]]:
    """What each object says, by the normal name of the key."""
    families: dict[Path, dict[str, str]] = {}
    for entry in entries:
        families.setdefault(entry.parent, {})[normal_name(entry.key)] = entry.value
    return families


def account_of(entry: Entry, family: Mapping[str, str]) -> str:
    """ "user@host" of DB_USER and DB_HOST beside DB_PASSWORD, of user and host beside password."""
    prefix = _ENDING.sub("", normal_name(entry.key))
    user = _first(family, prefix, _USERS)
    host = _first(family, prefix, _HOSTS) or _first(family, "", _RELAYS)
    return account_at(user, _bare_host(host))


def in_connection(word: Word) -> Iterator[Found]:
    """The password of "Server=x;User Id=y;Password=z" (ADO.NET) or "host=x user=y password=z" (libpq)."""
    text = word.text[:4096]
    if "=" not in text:
        return
    known = {re.sub(r"\s", "", found["name"]).lower(): found["value"] for found in _PAIR.finditer(text)}
    user = _first({name.upper(): value for name, value in known.items()}, "", ("USERID", "UID", "USERNAME", "USER"))
    host = next(
        (known[name] for name in ("host", "server", "datasource", "addr", "address", "accountname") if name in known),
        "",
    )
    for found in _CONNECTION.finditer(word.value, 0, 4096):
        entry = word.part(*found.span("value"), "password")
        if entry.is_real and not _CALL.fullmatch(found["value"]):
            yield entry, account_at(user, host)


def split_names(entries: Iterable[Entry]) -> Iterator[Entry]:
    """Dotted keys as paths: spring.datasource.password stands beside spring.datasource.username anyhow."""
    for entry in entries:
        yield replace(entry, path=(*entry.parent, *entry.key.split("."))) if "." in entry.key else entry


def _first(family: Mapping[str, str], prefix: str, names: Iterable[str]) -> str:
    for name in names:
        value = family.get(f"{prefix}_{name}" if prefix else name, "")
        if value and "${" not in value and len(value) < 200:
            return value
    return ""


def _bare_host(host: str) -> str:
    """Of an address only its host: accounts are shown."""
    if "://" not in host and "@" not in host:
        return host
    return re.sub(r"^.*://", "", host).rpartition("@")[2].partition("/")[0].partition("?")[0]
