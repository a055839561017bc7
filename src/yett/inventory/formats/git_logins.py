"""git's credential store and configuration: logins in addresses, extra headers, tokens of helpers (git-config(1))."""

from __future__ import annotations

import re
from collections.abc import Iterator

from yett.inventory.formats.basic import basic_login
from yett.inventory.formats.entry import Entry
from yett.inventory.formats.format import Format
from yett.inventory.formats.ini_spans import ini_entries
from yett.inventory.formats.placeholder import is_placeholder
from yett.inventory.formats.userinfo import logins_in
from yett.inventory.hit import Hit

STORE = "password in git's credential store"
CONFIG = "password in a git configuration"

_HEADER = re.compile(
    r"(?i)(?:(?:proxy-)?authorization|private-token|x-[a-z-]{1,40}|job-token)\s*:\s*"
    r"(?:(?P<scheme>basic|bearer|token)\s+)?(?P<value>\S+)"
)
_HELPER = re.compile(r"(?:password|token)=[\"']?(?P<value>[^\s\"';}]+)")
_SECRETS = frozenset({"token", "password", "oauth-token", "oauthtoken", "smtppass", "pass", "apitoken", "api-token"})


def parse_store(content: bytes) -> Iterator[Hit]:
    for login in logins_in(content):
        yield login.hit("git-credentials", STORE)


def parse_config(content: bytes) -> Iterator[Hit]:
    """Addresses everywhere (a section's name may be one), headers, and values whose key says what they are."""
    for login in logins_in(content):
        yield login.hit("git-config", CONFIG)
    for entry in ini_entries(content, separators="="):
        key = entry.key.lower()
        if key == "extraheader":
            yield from _in_header(content, entry)
        elif key == "helper":
            yield from _within(content, entry, _HELPER)
        elif key in _SECRETS and entry.is_real:
            yield entry.hit("git-config", CONFIG, account=_host(entry))


def _in_header(content: bytes, entry: Entry) -> Iterator[Hit]:
    for hit in _within(content, entry, _HEADER):
        raw = content[hit.start : hit.end]
        login = basic_login(raw)
        if login is None:
            yield hit
        elif not is_placeholder(login[1]):
            user, password = login
            account = f"{user}@{_host(entry)}" if _host(entry) else user
            yield Hit("", "git-config", CONFIG, False, hit.start, hit.end, hit.severity, "password", account, password)


def _within(content: bytes, entry: Entry, pattern: re.Pattern[str]) -> Iterator[Hit]:
    """A part of the entry's text."""
    raw = content[entry.start : entry.end].decode("latin-1")
    found = pattern.search(raw[:8192])
    if found is not None and not is_placeholder(found["value"]):
        start, end = found.span("value")
        yield Hit(
            "", "git-config", CONFIG, False, entry.start + start, entry.start + end,
            identity="password", account=_host(entry),
        )  # fmt: skip


def _host(entry: Entry) -> str:
    """Of [http "https://host/"] and [credential "https://host"]."""
    address = entry.path[1] if len(entry.path) > 2 else ""
    return address.partition("://")[2].rpartition("@")[2].partition("/")[0]


FORMATS = (
    Format(
        "git-credentials",
        STORE,
        "password",
        parse_store,
        names=(".git-credentials", "git-credentials"),
        paths=("git/credentials",),
        homes=("~/.git-credentials", "~/.config/git/credentials"),
    ),
    Format(
        "git-config",
        CONFIG,
        "password",
        parse_config,
        names=(".gitconfig", ".gitmodules", "gitconfig", ".gitconfig.local"),
        paths=(".git/config", "git/config", ".git/modules/*/config", ".git/config.worktree"),
        homes=("~/.gitconfig", "~/.config/git/config"),
    ),
)
