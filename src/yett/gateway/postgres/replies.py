"""What the gate itself says to a client: errors, notices, ReadyForQuery, the answers of a login."""

from __future__ import annotations

from collections.abc import Sequence

from yett.gateway.postgres.desk import Answer, Told
from yett.gateway.postgres.messages import (
    AUTHENTICATION,
    BACKEND_KEY,
    COMMAND_COMPLETE,
    ERROR,
    INT,
    NEGOTIATE,
    NOTICE,
    READY,
    message,
)

PROTOCOL_VIOLATION, FEATURE_NOT_SUPPORTED, IN_FAILED_TRANSACTION = "08P01", "0A000", "25P02"
NO_SUCH_STATEMENT, ACTIVE_TRANSACTION, CANCELED = "26000", "25001", "57014"
INVALID_PASSWORD, INVALID_AUTHORIZATION, TOO_MANY_CONNECTIONS = "28P01", "28000", "53300"
IDLE_IN_TRANSACTION = "25P03"
CANNOT_CONNECT_NOW, PROGRAM_LIMIT, CONNECTION_FAILURE = "57P03", "54000", "08006"

_LONGEST = 2000
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def clean(text: str) -> str:
    """One line that a terminal shows as it is: control and bidi characters become visible (law 13)."""
    cut = text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
    return "".join(_visible(one) for one in cut)


def _visible(one: str) -> str:
    if one.isprintable() and one not in _BIDI:
        return one
    return " " if one in "\n\t" else one.encode("unicode_escape", "replace").decode("ascii")


def _fields(severity: str, told: Told) -> bytes:
    held = f"(hold {told.hold})" if told.hold else ""  # in both: many clients show the message alone
    said, hint = (" ".join(filter(None, (text, held))) for text in (told.message, told.hint))
    known = told.sqlstate if len(told.sqlstate) == 5 and told.sqlstate.isalnum() else "42501"
    pairs = (("S", severity), ("V", severity), ("C", known), ("M", said), ("H", hint))
    return (
        b"".join(mark.encode() + clean(text).encode("utf-8", "replace") + b"\0" for mark, text in pairs if text) + b"\0"
    )


def hint(text: str) -> bytes:
    """A field of an ErrorResponse, b"" for none."""
    return b"H" + clean(text).encode("utf-8", "replace") + b"\0" if text else b""


def error(told: Told) -> bytes:
    """ErrorResponse: the statement did not run, the session goes on."""
    return message(ERROR, _fields("ERROR", told))


def fatal(told: Told) -> bytes:
    """ErrorResponse: the session ends."""
    return message(ERROR, _fields("FATAL", told))


def warning(told: Told) -> bytes:
    return message(NOTICE, _fields("WARNING", told))


def answered(answer: Answer) -> bytes:
    """What a server said that was asked over another connection: its notices, and CommandComplete or its error."""
    said = b"".join(message(NOTICE, _relayed(one.severity, one.told)) for one in answer.notices)
    if answer.error is not None:
        return said + message(ERROR, _relayed("ERROR", answer.error))
    return said + message(COMMAND_COMPLETE, answer.tag.encode() + b"\0")


def _relayed(severity: str, told: Told) -> bytes:
    """As the server wrote it."""
    pairs = (("S", severity), ("V", severity), ("C", told.sqlstate), ("M", told.message), ("H", told.hint))
    return b"".join(mark.encode() + text.encode("utf-8", "replace") + b"\0" for mark, text in pairs if text) + b"\0"


def ready(status: int) -> bytes:
    return message(READY, bytes((status,)))


def authentication(code: int, rest: bytes = b"") -> bytes:
    """AuthenticationOk (0), SASL (10), SASLContinue (11), SASLFinal (12)."""
    return message(AUTHENTICATION, INT.pack(code) + rest)


def backend_key(pid: int, secret: bytes) -> bytes:
    return message(BACKEND_KEY, INT.pack(pid) + secret)


def negotiate(version: int, unknown: Sequence[bytes]) -> bytes:
    """NegotiateProtocolVersion: the newest version spoken here (in full, as servers write it), and unknown options."""
    return message(NEGOTIATE, INT.pack(version) + INT.pack(len(unknown)) + b"".join(one + b"\0" for one in unknown))
