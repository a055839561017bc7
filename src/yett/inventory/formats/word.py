"""A word of a command or a configuration, of which parts are credentials: at which bytes does each part stand?"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from yett.inventory.formats.entry import Entry, account_at
from yett.inventory.formats.secret_names import is_no_value, is_secret, looks_made, names_a_secret

LONGEST = 65_536

Found = tuple[Entry, str]
"""A credential and its account ("user@host"), "" if unknown."""

_ADDRESS = re.compile(
    rb"(?P<scheme>[a-z][a-z0-9+.-]{0,30})://(?:(?P<user>[^\s/:@?#\"'<>]{0,200})(?::(?P<password>[^\s/@\"'<>]{0,500}))?@)?"
    rb"(?P<host>[^\s/?#\"'<>@,]{0,300})(?P<path>[^\s?#\"'<>]{0,2000})(?:\?(?P<query>[^\s#\"'<>]{0,4000}))?",
    re.IGNORECASE,
)
_MEMBER = re.compile(rb"(?P<name>[A-Za-z0-9_.\[\]-]{1,80})=(?P<value>[^&;#\s]{1,2000})")
_SEGMENT = re.compile(rb"(?<=/)[A-Za-z0-9_~-]{24,}(?=/|\Z)")
_UUID = re.compile(rb"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
_HEADER = re.compile(rb"(?P<name>[A-Za-z][A-Za-z0-9_-]{1,60})\s{0,8}:\s{0,8}(?P<value>\S[^\r\n]*)")
_SCHEME = re.compile(
    rb"(?i)(?P<scheme>bearer|basic|token|apikey|api-key|bot|digest|key|sso-key|genie-?key|pve\w+)(?:\s+|=)(?P<rest>\S+)"
)
_LONE = re.compile(rb"\S{1,4096}")
_LOCAL_TOKEN_USERS = frozenset(
    {b"x-access-token", b"oauth2", b"x-token-auth", b"gitlab-ci-token", b"git", b"token", b"x-oauth-basic"}
)
BLANK_PASSWORDS = frozenset({b"", b"x", b"X", b"x-oauth-basic"})
"""What stands behind a token that is sent as the user."""
_COMMON_HEADERS = re.compile(
    r"(?i)(?:x-)?(?:request|trace|client|session|tenant|project|org\w*|workspace)-?(?:id|name)|content-.*|accept.*"
)


@dataclass(frozen=True, slots=True)
class Word:
    """`value` as the program gets it. `runs`: (offset in value, byte in the file, length), what stands so in the file.

    Without runs the raw text is something else (JSON escapes) and every part of it is masked as a whole.
    """

    value: bytes
    start: int
    end: int
    runs: tuple[tuple[int, int, int], ...]

    @staticmethod
    def of(entry: Entry) -> Word:
        value = entry.value.encode("utf-8", "surrogatepass") if not entry.decoded else entry.decoded
        whole = not entry.decoded and len(value) == entry.end - entry.start
        return Word(value, entry.start, entry.end, ((0, entry.start, len(value)),) if whole else ())

    @property
    def text(self) -> str:
        return self.value.decode("utf-8", "replace")

    def part(self, start: int, end: int, key: str = "") -> Entry:
        """value[start:end] as an entry of the file."""
        value = self.value[start:end]
        text = value.decode("utf-8", "replace")
        for at, raw, size in self.runs:
            if at <= start and end <= at + size:
                return Entry((key,), text, raw + start - at, raw + end - at)
        first, last = self._raw(start), self._raw(end - 1)
        if first is None or last is None:
            return Entry((key,), text, self.start, self.end, value)
        return Entry((key,), text, first, last + 1, value)

    def tail(self, start: int, key: str = "") -> Entry:
        return self.part(start, len(self.value), key)

    def behind(self, start: int) -> Word:
        """The word without its first bytes."""
        rest = self.tail(start)
        runs = tuple(
            (max(at - start, 0), raw + max(start - at, 0), size - max(start - at, 0))
            for at, raw, size in self.runs
            if at + size > start
        )
        return Word(self.value[start:], rest.start, rest.end, runs)

    def _raw(self, offset: int) -> int | None:
        return next((raw + offset - at for at, raw, size in self.runs if at <= offset < at + size), None)


def in_address(word: Word, *, path_too: bool = False) -> Iterator[Found]:
    """Passwords and keys in the addresses of a word: before the @, in the query, with `path_too` in the path."""
    for found in _ADDRESS.finditer(word.value, 0, LONGEST):
        host = found["host"].decode("utf-8", "replace")
        yield from _in_userinfo(word, found, host)
        if found["query"]:
            yield from _in_query(word, found, host)
        if path_too:
            yield from _in_path(word, found, host)


def in_header(word: Word, name: str = "") -> Iterator[Found]:
    """The credential of a header: `word` is its value if `name` is given, else the whole "Name: value"."""
    at = 0
    if not name:
        found = _HEADER.match(word.value, 0, LONGEST)
        if found is None:
            return
        name, at = found["name"].decode("ascii"), found.start("value")
    yield from _header_value(word, name, at)


def _in_userinfo(word: Word, found: re.Match[bytes], host: str) -> Iterator[Found]:
    user = unquote_to_bytes(found["user"] or b"").decode("utf-8", "replace")
    name = "user" if (found["password"] or b"") in BLANK_PASSWORDS else "password"
    if not found[name] or (name == "user" and not looks_made(user)):
        return
    entry = _unquoted(word.part(*found.span(name), "password"), found[name])
    if not is_no_value(entry.value):
        yield entry, account_at(user, host) if name == "password" else host


def _unquoted(entry: Entry, raw: bytes) -> Entry:
    plain = unquote_to_bytes(raw)
    if plain == raw:
        return entry
    return Entry(entry.path, plain.decode("utf-8", "replace"), entry.start, entry.end, plain)


def _in_query(word: Word, found: re.Match[bytes], host: str) -> Iterator[Found]:
    at = found.start("query")
    for member in _MEMBER.finditer(found["query"]):
        name = member["name"].decode("ascii")
        entry = _unquoted(word.part(at + member.start("value"), at + member.end("value"), name), member["value"])
        is_password = "PASS" in name.upper() and names_a_secret(name)
        if is_secret(name, entry.value) and (is_password or len(entry.value) >= 8):
            yield entry, host


def _in_path(word: Word, found: re.Match[bytes], host: str) -> Iterator[Found]:
    at = found.start("path")
    for segment in _SEGMENT.finditer(found["path"]):
        text = segment[0].decode("ascii")
        if looks_made(text, 24) and not _UUID.fullmatch(segment[0]) and not is_no_value(text):
            yield word.part(at + segment.start(), at + segment.end(), "path"), host


def _header_value(word: Word, name: str, at: int) -> Iterator[Found]:
    found = _SCHEME.match(word.value, at, LONGEST)
    if found is not None and found["scheme"].lower() == b"basic":
        yield from basic(word.part(*found.span("rest"), name))
        return
    if found is not None:
        entry = word.part(*found.span("rest"), name)
        if not is_no_value(entry.value):
            yield entry, ""
        return
    lone = _LONE.fullmatch(word.value, at)
    if lone is None or _COMMON_HEADERS.fullmatch(name):
        return
    entry = word.tail(at, name)
    if is_secret(name, entry.value):
        yield entry, ""


def basic(entry: Entry) -> Iterator[Found]:
    """base64 of user:password (RFC 7617), or a token that stands there by itself."""
    if is_no_value(entry.value):
        return
    try:
        plain = base64.b64decode(entry.value.encode("utf-8"), validate=True)
    except (binascii.Error, ValueError):
        yield entry, ""
        return
    user, _, password = plain.partition(b":")
    secret = user if password in BLANK_PASSWORDS else password
    if is_no_value(secret):
        return
    account = user.decode("utf-8", "replace") if secret is password and user not in _LOCAL_TOKEN_USERS else ""
    yield Entry(entry.path, secret.decode("utf-8", "replace"), entry.start, entry.end, secret), account
