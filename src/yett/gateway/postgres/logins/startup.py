"""What a client says before it is let in, and what the gate says to the upstream: settings by allow-list. No I/O."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from yett.gateway.postgres.fields import Malformed
from yett.gateway.postgres.messages import (
    CANCEL_REQUEST,
    GSSENC_REQUEST,
    INT,
    PROTOCOL_3_2,
    SSL_REQUEST,
)
from yett.operations.sql.settings import within

PINNED: Mapping[str, str] = {
    # What libpg_query assumes when it reads a text (findings, 3.2). Set in the startup packet they outrank
    # ALTER ROLE and ALTER DATABASE, and RESET leads back to them.
    "standard_conforming_strings": "on",
    "client_encoding": "UTF8",
    "backslash_quote": "safe_encoding",
}
ALLOWED = frozenset(
    (
        "datestyle",
        "extra_float_digits",
        "geqo",
        "idle_in_transaction_session_timeout",
        "intervalstyle",
        "jit",
        "lock_timeout",
        "statement_timeout",
        "timezone",
        "work_mem",
    )
)
TIMEOUT = "statement_timeout"
_SETTING = re.compile(r"(?:-c\s*|--)([A-Za-z_][A-Za-z0-9_.\-]*)=((?:\\.|[^\s\\])*)")
_NO = frozenset(("", "off", "false", "no", "0"))


@dataclass(frozen=True, slots=True)
class Encryption:
    """SSLRequest, or GSSENCRequest."""

    gss: bool


@dataclass(frozen=True, slots=True)
class Cancel:
    """CancelRequest."""

    pid: int
    secret: bytes


@dataclass(frozen=True, slots=True)
class Startup:
    """StartupMessage. `settings` are those that may be asked for; `left_out` the names of all others."""

    version: int
    user: str
    database: str
    application_name: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    unknown: tuple[bytes, ...] = ()
    """Protocol options (`_pq_.`): none is known yet."""

    def within(self, statement_ms: int) -> Startup:
        """Without a statement_timeout beyond that: what a session is started with outranks its role's own. 0: any."""
        asked = self.settings.get(TIMEOUT)
        if asked is None or not statement_ms or within(asked, statement_ms):
            return self
        settings = {name: value for name, value in self.settings.items() if name != TIMEOUT}
        return replace(self, settings=settings, left_out=(*self.left_out, TIMEOUT))


def packet(body: bytes) -> Startup | Cancel | Encryption:
    """A packet without its length word, which is not longer than the limit. Raises Malformed."""
    if len(body) < 4:
        raise Malformed("a startup packet without a version")
    (code,) = INT.unpack_from(body)
    if code in (SSL_REQUEST, GSSENC_REQUEST):
        if len(body) != 4:
            raise Malformed("an encryption request with something in it")
        return Encryption(code == GSSENC_REQUEST)
    if code == CANCEL_REQUEST:
        if not 12 <= len(body) <= 264:
            raise Malformed("a cancel request of another length")
        return Cancel(INT.unpack_from(body, 4)[0], body[8:])
    if code >> 16 != 3:
        raise Malformed(f"protocol {code >> 16}.{code & 0xFFFF}; version 3 is spoken here")
    return _startup(code, _pairs(body[4:]))


def _pairs(body: bytes) -> list[tuple[bytes, bytes]]:
    words = body.split(b"\0")
    pairs: list[tuple[bytes, bytes]] = []
    for n in range(0, len(words) - 1, 2):
        if not words[n]:
            if any(words[n:]):
                raise Malformed("a startup packet with something behind its end")
            return pairs
        pairs.append((words[n], words[n + 1]))
    raise Malformed("a startup packet that does not end")


def _startup(version: int, pairs: list[tuple[bytes, bytes]]) -> Startup:
    user, database, application_name = "", "", ""
    settings: dict[str, str] = {}
    left_out: list[str] = []
    unknown: list[bytes] = []
    for raw_name, raw_value in pairs:
        name, value = raw_name.decode("utf-8", "replace"), raw_value.decode("utf-8", "replace")
        if name == "user":
            user = value
        elif name == "database":
            database = value
        elif name == "application_name":
            application_name = _printable(value)
        elif name == "replication":
            if value.lower() not in _NO:
                raise Malformed("replication connections are not let through")
        elif name.startswith("_pq_."):
            unknown.append(raw_name)
        elif name == "options":
            for option, chosen in _options(value):
                _take(option, chosen, settings, left_out)
        else:
            _take(name, value, settings, left_out)
    if not user:
        raise Malformed("a startup packet without a user")
    return Startup(version, user, database or user, application_name, settings, tuple(left_out), tuple(unknown))


def _take(name: str, value: str, settings: dict[str, str], left_out: list[str]) -> None:
    key = name.lower()
    if key in ALLOWED:
        settings[key] = value
    elif key == "application_name":
        return
    elif key not in PINNED or value.lower().replace("-", "") not in ("on", "utf8", "unicode", "safe_encoding"):
        left_out.append(_printable(name))


def _options(text: str) -> list[tuple[str, str]]:
    """`-c name=value` and `--name=value` (17.1.3 of the manual: a backslash keeps the next character)."""
    found = _SETTING.findall(text)
    if not found and text.strip():
        return [("options", "")]
    return [(name.replace("-", "_"), re.sub(r"\\(.)", r"\1", value)) for name, value in found]


def _printable(text: str) -> str:
    """As the server cleans it itself: 63 printable ASCII characters."""
    return "".join(one if " " <= one <= "~" else "?" for one in text)[:63]


def upstream_startup(version: int, user: str, database: str, startup: Startup) -> bytes:
    """The StartupMessage for the upstream."""
    pairs: dict[str, str] = {"user": user, "database": database}
    if startup.application_name:
        pairs["application_name"] = startup.application_name
    pairs |= {name: value for name, value in startup.settings.items() if "\0" not in value}
    pairs |= PINNED
    body = b"".join(f"{name}\0{value}\0".encode() for name, value in pairs.items()) + b"\0"
    return INT.pack(len(body) + 8) + INT.pack(version) + body


def cancel_request(pid: int, secret: bytes) -> bytes:
    return INT.pack(12 + len(secret)) + INT.pack(CANCEL_REQUEST) + INT.pack(pid) + secret


def spoken(version: int) -> int:
    """The protocol that a client is answered in: what it asked for, at most 3.2."""
    return min(version, PROTOCOL_3_2)
