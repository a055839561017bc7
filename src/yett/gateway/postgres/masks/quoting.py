"""Errors and notices that could quote a row: they keep their code and lose their words. Bytes in, bytes out."""

from __future__ import annotations

import re
from collections.abc import Sequence

from yett.gateway.postgres.messages import message

NOT_SHOWN = "the server's message is not shown, for it could hold masked values"

_SHOWN = b"SVCPsdtcnFLR"
"""Severity, SQLSTATE, position, names of objects, place in the source. Not M, D, H, W, p, q, which quote values."""

_OF_THE_SESSION = (b"C25", b"C40", b"C55", b"C57")
"""Classes of errors (Appendix A) that are about the transaction, the session and its locks."""

_OF_THE_STATEMENT = b"C42"
_GENERATED_ALWAYS, _NO_RIGHT = b"C428C9", b"C42501"
_DENIED = re.compile(rb"Mpermission denied for (table|view|materialized view|foreign table|sequence|schema) .+")
"""What the server says of an object that is there (aclcheck_error)."""


def scrubbed(kind: int, whole: bytes) -> bytes:
    """An ErrorResponse or NoticeResponse as somebody may see it who may not see a row."""
    said = [one for one in whole[5:].split(b"\0") if one]
    if _quotes_no_row(said):
        return whole
    kept = [one for one in said if one[0] in _SHOWN]
    return message(kind, b"\0".join((*kept, b"Myett: " + NOT_SHOWN.encode())) + b"\0\0")


def _quotes_no_row(said: Sequence[bytes]) -> bool:
    """Whether it is about the statement or the session, and names things.

    What was raised while it ran may quote a row under any code: a function's own words (they have a context, W, or an
    inner query, q), and those of current_setting(email). What has a place in the text was said of the text.
    """
    kinds = {one[:1] for one in said}
    if kinds & {b"W", b"q"}:
        return False
    if any(one.startswith(_OF_THE_SESSION) for one in said) or _GENERATED_ALWAYS in said:
        return True
    if _NO_RIGHT in said:
        return any(_DENIED.fullmatch(one) is not None for one in said)
    return b"P" in kinds and any(one.startswith(_OF_THE_STATEMENT) for one in said)
