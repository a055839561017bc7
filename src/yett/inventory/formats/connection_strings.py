"""Passwords in connection strings (ADO.NET, ODBC, OLE DB, JDBC, libpq), wherever they stand in a text.

Forms: `Server=h;User Id=u;Password=p`, `jdbc:mysql://h/db?user=u&password=p`, `host=h user=u password=p`,
`AccountName=n;AccountKey=k`, `jdbc:oracle:thin:u/p@h`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from yett.inventory.formats.entry import account_at
from yett.inventory.formats.format import Format
from yett.inventory.formats.hosts import severity_at
from yett.inventory.formats.ini_spans import ini_entries
from yett.inventory.formats.json_spans import json_entries
from yett.inventory.formats.placeholder import is_placeholder
from yett.inventory.formats.secret_names import is_secret
from yett.inventory.formats.userinfo import logins_in
from yett.inventory.formats.xml_spans import xml_entries
from yett.inventory.hit import Hit

TITLE = "password in a connection string"
REACH = 400
"""Bytes before and behind the password that can belong to its string."""

_PASSWORD = re.compile(
    rb"(?i)(?<![A-Za-z0-9_.])(?P<key>password|pwd|accountkey|sharedaccesskey|sharedaccesssignature)"
    rb"[ \t]{0,4}=[ \t]{0,4}"
    rb"(?:\{(?P<braced>[^}\r\n]{1,300})\}|'(?P<single>[^'\r\n]{1,300})'"
    rb"|(?P<plain>[^;&\s\"'<>{}][^;\"'<>\r\n]{0,600}))"
)
_ORACLE = re.compile(
    rb"jdbc:oracle:(?:thin|oci8?):(?P<user>[^\s/:@\"'<>]{1,60})/(?P<plain>[^\s@\"'<>]{1,100})@(?P<host>[^\s\"'<>;]{1,200})"
)
_PAIR = re.compile(
    r"(?i)(?:^|[;?&\s])[ ]{0,3}(?P<key>[a-z][a-z _-]{1,40}?)[ \t]{0,4}=[ \t]{0,4}(?P<value>[^;&\s\"']{1,200})"
)
_ESCAPED_END = re.compile(rb"\\[nrt\"]")
"""Of a string in code: a line's end, the quote."""
_WHERE = re.compile(r"(?i)//(?P<host>[^\s/;?\"']{1,200})")
_USERS = ("user id", "userid", "uid", "user", "username", "user name", "accountname", "sharedaccesskeyname")
_HOSTS = ("server", "data source", "datasource", "host", "hostname", "addr", "address", "network address", "endpoint")
_TELLING = frozenset(
    (*_USERS, *_HOSTS, "driver", "dsn", "database", "dbname", "initial catalog", "provider", "sslmode")
)


def passwords_in(content: bytes, start: int = 0, end: int | None = None) -> Iterator[Hit]:
    """Every password of a connection string between two offsets. One that stands alone is none of a string."""
    end = len(content) if end is None else end
    for found in _PASSWORD.finditer(content, start, end):
        group = found.lastgroup or "plain"
        pairs = _around(content, found, start, end)
        if pairs is None:
            continue
        value = _plain(found[group], content, found.start()) if group == "plain" else found[group]
        if not is_placeholder(value):
            at = found.start(group)
            yield _hit(at, at + len(value), pairs)
    for found in _ORACLE.finditer(content, start, end):
        if not is_placeholder(found["plain"]):
            user, host = found["user"].decode("utf-8", "replace"), found["host"].decode("utf-8", "replace")
            yield _hit(*found.span("plain"), {"user": user, "host": host.lstrip("/")})


def _around(content: bytes, found: re.Match[bytes], start: int, end: int) -> dict[str, str] | None:
    """The other members of the string, or None if there is nothing that makes it one."""
    before = re.split(rb"[\"'\r\n<>]", content[max(start, found.start() - REACH) : found.start()])[-1]
    after = re.split(rb"[\"\r\n<>]", content[found.end("key") : min(end, found.end("key") + REACH)])[0]
    text = (before + b";" + after.partition(b";")[2]).decode("utf-8", "replace")
    if b"?" in before or b" host" in after or not after.count(b";"):
        text = (before + b" " + after).decode("utf-8", "replace")
    pairs = {" ".join(pair["key"].lower().split()): pair["value"] for pair in _PAIR.finditer(text)}
    if "jdbc:" in text and (where := _WHERE.search(text)):
        pairs.setdefault("host", where["host"])
    return pairs if _TELLING & pairs.keys() else None


def _plain(value: bytes, content: bytes, at: int) -> bytes:
    """Up to what ends it: & in an address, a blank in a libpq string, a ; (which it does not hold) otherwise."""
    before = content[max(0, at - REACH) : at]
    sign = content[at - 1 : at]
    if sign in (b"?", b"&") or b"?" in re.split(rb"[\"'\s<>]", before)[-1]:
        return value.partition(b"&")[0].split()[0]
    if sign.isspace() and b";" not in before[-100:]:
        return value.split()[0]
    return _ESCAPED_END.split(value.rstrip(), maxsplit=1)[0].removesuffix(b"\\")


def _hit(start: int, end: int, pairs: dict[str, str]) -> Hit:
    user = next((pairs[key] for key in _USERS if key in pairs), "")
    host = next((pairs[key] for key in _HOSTS if key in pairs), "").removeprefix("tcp:").partition(",")[0]
    account = account_at(user, host)
    return Hit("", "connection-string", TITLE, False, start, end, severity_at(host), "password", account)


def parse(content: bytes) -> Iterator[Hit]:
    yield from passwords_in(content)
    for login in logins_in(content):
        yield login.hit("connection-string", TITLE)


def parse_json_settings(content: bytes) -> Iterator[Hit]:
    """appsettings.json and its relatives: keys that say secret, connection strings under any key."""
    for entry in json_entries(content):
        if entry.quoted and is_secret(entry.key.rpartition(":")[2].rpartition("__")[2], entry.value):
            yield entry.hit("dotnet-settings", "secret in .NET settings", identity="api-key")
    yield from parse(content)


def parse_xml_settings(content: bytes) -> Iterator[Hit]:
    """web.config: <add key= value=>, passwords in attributes, connection strings."""
    yield from parse(content)
    key = ""
    for entry in xml_entries(content):
        if entry.key in ("@key", "@name"):
            key = entry.value
        named = entry.key.lstrip("@") if entry.key not in ("@value", "value") else key
        if is_secret(named, entry.value) and "=" not in entry.value[:60].partition(";")[0]:
            yield entry.hit("dotnet-settings", "secret in .NET settings", identity="api-key")


def parse_odbc(content: bytes) -> Iterator[Hit]:
    """odbc.ini: a section a data source."""
    rows: dict[str, dict[str, str]] = {}
    entries = list(ini_entries(content))
    for entry in entries:
        rows.setdefault(entry.path[0], {})[entry.key.lower()] = entry.value[:200]
    for entry in entries:
        if entry.key.lower() in ("pwd", "password") and entry.is_real:
            row = rows[entry.path[0]]
            user = next((row[key] for key in _USERS if key in row), "")
            host = next((row[key] for key in ("server", "servername", "host", "address") if key in row), "")
            yield entry.hit("odbc", "password in an odbc.ini", account=account_at(user, host))


_TOLD = (
    rb"(?i:;[ ]{0,2}(?:password|pwd|accountkey|sharedaccesskey)[ ]{0,2}=[ ]{0,2}[^;\s\"'<>]{3}"
    rb"|(?:password|pwd)[ ]{0,2}=[ ]{0,2}[^;\s\"'<>]{3,100};[ ]{0,2}(?:user|uid|server|host|data|driver|initial)"
    rb"|jdbc:[a-z0-9:]{2,30}[^\s\"'<>]{1,200}(?:[?&;]password=|/[^\s@\"'<>]{1,100}@)"
    rb"|(?:host|dbname|user)=[^\s\"'<>,]{1,80}[ ](?:[a-z_]{2,20}=[^\s\"'<>,]{1,80}[ ]){0,4}password=[^\s\"'<>,]{3})"
)
"""The password beside another member: the names alone stand in every second program."""
FORMATS = (
    Format(
        "connection-string",
        TITLE,
        "password",
        parse,
        names=("*.udl", "*.connection", "tnsnames.ora", "*.dsn"),
        sniff=_TOLD,
    ),
    Format(
        "dotnet-settings",
        "secret in .NET settings",
        "password",
        parse_json_settings,
        names=("appsettings.json", "appsettings.*.json", "local.settings.json", "connectionstrings.json"),
        paths=("usersecrets/*/secrets.json",),
        homes=("~/.microsoft/usersecrets/*/secrets.json",),
    ),
    Format(
        "dotnet-config",
        "secret in .NET configuration",
        "password",
        parse_xml_settings,
        names=(
            "web.config",
            "web.*.config",
            "app.config",
            "app.*.config",
            "connectionstrings.config",
            "machine.config",
        ),
    ),
    Format(
        "odbc",
        "password in an odbc.ini",
        "password",
        parse_odbc,
        names=("odbc.ini", ".odbc.ini", "freetds.conf"),
        homes=("~/.odbc.ini", "~/Library/ODBC/odbc.ini"),
    ),
)
