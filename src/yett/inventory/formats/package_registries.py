"""Package managers' logins: npm and yarn, and Python's upload and install tools."""

from __future__ import annotations

from collections.abc import Iterator

from yett.inventory.formats.basic import basic_login, decoded_base64
from yett.inventory.formats.declared import Row, declared
from yett.inventory.formats.entry import Entry, account_at
from yett.inventory.formats.format import Format
from yett.inventory.formats.ini_spans import ini_entries
from yett.inventory.formats.placeholder import is_placeholder
from yett.inventory.formats.userinfo import logins_in
from yett.inventory.formats.yaml_spans import yaml_entries
from yett.inventory.hit import Hit

NPM = "login to an npm registry"
YARN = "login to an npm registry in yarn's settings"
PYPIRC = "login to a Python package index"
PIP = "password of a Python package index"


def parse_npmrc(content: bytes) -> Iterator[Hit]:
    """`//host/path/:_authToken` and its relatives (npm documentation, npmrc): _auth and _password are in base64."""
    entries = list(ini_entries(content, separators="="))
    users = {entry.key.rpartition(":")[0]: entry.value for entry in entries if entry.key.endswith("username")}
    for entry in entries:
        registry, _, name = entry.key.rpartition(":")
        host = registry.lstrip("/").partition("/")[0]
        account = account_at(users.get(registry, ""), host)
        if registry[:2] not in ("", "//"):
            continue
        match name.lower():
            case "_authtoken":
                yield from _token(entry, account)
            case "_auth":
                yield from _login(entry, "npmrc", NPM, host)
            case "_password":
                yield from _password(entry, account)
            case _:
                for login in logins_in(content, entry.start, entry.end):
                    yield login.hit("npmrc", "password in npm's settings")


def _token(entry: Entry, account: str) -> Iterator[Hit]:
    if entry.is_real and " " not in entry.value:
        yield entry.hit("npmrc", NPM, identity="api-key", account=account)


def _password(entry: Entry, account: str) -> Iterator[Hit]:
    password = decoded_base64(entry.value)
    if entry.is_real and not is_placeholder(password or entry.value):
        readable = password if password.isascii() and password.decode().isprintable() else b""
        yield entry.hit("npmrc", NPM, account=account, decoded=readable)


def _login(entry: Entry, kind: str, title: str, host: str) -> Iterator[Hit]:
    """user:password in base64 (yarn: or as it is)."""
    user, colon, password = entry.value.partition(":")
    login = (user, password.encode()) if colon else basic_login(entry.value)
    if login is None:
        if entry.is_real and len(entry.value) >= 16:
            yield entry.hit(kind, title, identity="api-key", account=host)
    elif not is_placeholder(login[1]):
        yield entry.hit(kind, title, account=account_at(login[0], host), decoded=login[1])


def parse_yarnrc(content: bytes) -> Iterator[Hit]:
    """At the root, below npmScopes and npmRegistries (yarn documentation, yarnrc)."""
    for entry in yaml_entries(content):
        host = entry.path[1].lstrip("/") if len(entry.path) > 2 else ""
        if entry.key == "npmAuthToken" and entry.is_real:
            yield entry.hit("yarnrc", YARN, identity="api-key", account=host)
        elif entry.key == "npmAuthIdent":
            yield from _login(entry, "yarnrc", YARN, host)
        else:
            for login in logins_in(content, entry.start, entry.end):
                yield login.hit("yarnrc", "password in yarn's settings")


def parse_pip(content: bytes) -> Iterator[Hit]:
    """index-url, extra-index-url, find-links, proxy: logins stand in their addresses."""
    for login in logins_in(content):
        yield login.hit("pip", PIP)


FORMATS = (
    Format(
        "npmrc",
        NPM,
        "api-key",
        parse_npmrc,
        names=(".npmrc", "npmrc"),
        homes=("~/.npmrc", "~/.config/pnpm/rc", "~/Library/Preferences/pnpm/rc"),
        sniff=rb"//[A-Za-z0-9.:/@_-]{1,200}/:_authToken[ \t]{0,4}=",
    ),
    Format("yarnrc", YARN, "api-key", parse_yarnrc, names=(".yarnrc.yml", ".yarnrc.yaml"), homes=("~/.yarnrc.yml",)),
    Format(
        "pypirc",
        PYPIRC,
        "password",
        declared(ini_entries, (Row("*/password", "pypirc", PYPIRC, user="username", host="repository", named=-2),)),
        names=(".pypirc",),
        homes=("~/.pypirc",),
    ),
    Format(
        "pip",
        PIP,
        "password",
        parse_pip,
        names=("pip.conf", "pip.ini", "requirements*.txt", "requirements*.in", "constraints*.txt"),
        homes=(
            "~/.pip/pip.conf",
            "~/.config/pip/pip.conf",
            "~/Library/Application Support/pip/pip.conf",
        ),
    ),
)
