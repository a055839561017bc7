"""Logins in addresses: scheme://user:password@host (RFC 3986, 3.2.1)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote, unquote_to_bytes

from yett.inventory.formats.entry import account_at
from yett.inventory.formats.hosts import is_documentation, severity_at
from yett.inventory.formats.placeholder import is_placeholder
from yett.inventory.hit import Hit

_LOGIN = re.compile(
    rb"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]{1,30})://(?P<user>[^\s/:@\"'<>?#\\]{0,200})"
    rb"(?::(?P<password>[^\s/\"'<>?#\\]{0,300}))?@(?P<host>[^\s/:\"'<>,;?#\\@)]{1,255})"
)
TOKEN_SHORTEST = 20
"""A user without a password is a token from here on: https://TOKEN@host, but ssh://deploy@host."""


@dataclass(frozen=True, slots=True)
class Login:
    """content[start:end] is the password (or the token that stands alone), percent-encoded as it is there."""

    user: str
    host: str
    start: int
    end: int
    value: bytes
    raw: bytes

    def hit(self, kind: str, title: str, *, provider: str = "", identity: str = "password") -> Hit:
        """The login as a credential, a minor one if it is to the machine itself."""
        decoded = self.value if self.value != self.raw else b""
        account, severity = account_at(self.user, self.host), severity_at(self.host)
        return Hit(provider, kind, title, False, self.start, self.end, severity, identity, account, decoded)


def logins_in(content: bytes, start: int = 0, end: int | None = None) -> Iterator[Login]:
    """Every login in the text between two offsets, placeholders and documentation left out."""
    end = len(content) if end is None else end
    at = start
    while (colon := content.find(b"://", at, end)) >= 0:
        at = colon + 3
        found = _LOGIN.match(content, _scheme_start(content, colon, start), end)
        if found is None:
            continue
        login = _login(found)
        if login is not None and not is_placeholder(login.value) and not is_placeholder(login.raw):
            yield login
            at = found.end()


def _scheme_start(content: bytes, colon: int, start: int) -> int:
    scheme = re.search(rb"[A-Za-z][A-Za-z0-9+.-]{1,30}\Z", content[max(start, colon - 31) : colon])
    return colon - len(scheme[0]) if scheme else colon


def _login(found: re.Match[bytes]) -> Login | None:
    host = found["host"].decode("utf-8", "replace")
    if is_documentation(host):
        return None
    if found["password"] and found["password"] != b"x-oauth-basic":  # GitHub's word behind a token
        user, group = unquote(found["user"].decode("utf-8", "replace")), "password"
    elif len(found["user"]) >= TOKEN_SHORTEST:
        user, group = "", "user"
    else:
        return None
    return Login(user, host, *found.span(group), unquote_to_bytes(found[group]), found[group])
