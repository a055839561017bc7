"""A refusal in HTTP's own words: application/problem+json (RFC 9457) that says what to ask for.

403 everywhere, 400 in model rooms (a 403 sends people to a new login, and codex repeats it), 426 to a model's
WebSocket. Never 409, 425, 429 or 503: agents' SDKs storm on those (findings: agent clients, 12).
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from yett.broker.minting import AnswerWithheld
from yett.gateway.http.coding import TooLarge
from yett.gateway.http.framing import Malformed
from yett.gateway.http.serialise import response_head
from yett.gateway.names import NameRefused
from yett.model.decision import Refused
from yett.model.effects import Verdict
from yett.model.errors import CredentialRefused, StoreUnavailable, Unreadable, UpstreamFailed, YettError

_MEDIA_TYPE = (("content-type", "application/problem+json"), ("cache-control", "no-store"))


@dataclass(frozen=True, slots=True)
class Problem:
    """What the agent is told."""

    title: str
    status: int
    detail: str
    code: str
    verdict: str = ""
    hold: str = ""
    ask: str = ""
    operation: str = ""


def problem(error: YettError, refusal_status: int, operation: str) -> Problem:
    """Turn an error into what the agent reads; `refusal_status` is the room's."""
    match error:
        case Refused():
            held = error.verdict is Verdict.HOLD
            title = "Held by Yett" if held else "Refused by Yett"
            return Problem(
                title, refusal_status, error.reason, error.code, error.verdict.value, error.hold, error.ask, operation
            )
        case UpstreamFailed():
            return Problem("Upstream failed", 502, error.what, "upstream", ask=error.remedy, operation=operation)
        case TooLarge():
            return _denied(error, refusal_status, "too-large", operation)
        case Malformed():
            return _denied(error, 400, "malformed", operation)
        case CredentialRefused():
            return _denied(error, refusal_status, "credential", operation)
        case Unreadable():
            return _denied(error, refusal_status, "unreadable", operation)
        case NameRefused():
            return _denied(error, refusal_status, "host", operation)
        case AnswerWithheld():
            return _denied(error, refusal_status, "withheld", operation)
        case StoreUnavailable():
            return _denied(error, refusal_status, "unavailable", operation)
    return _denied(error, refusal_status, "denied", operation)


def response(said: Problem, *, closes: bool = False, head_only: bool = False) -> bytes:
    """Write the whole answer. Empty fields are left out."""
    fields = {
        "type": "about:blank",
        "title": said.title,
        "status": said.status,
        "detail": said.detail,
        "verdict": said.verdict,
        "code": said.code,
        "hold": said.hold,
        "ask": said.ask,
        "operation": said.operation,
    }
    body = json.dumps({name: value for name, value in fields.items() if value != ""}).encode("ascii") + b"\n"
    return response_head(said.status, _MEDIA_TYPE, len(body), closes=closes) + (b"" if head_only else body)


def _denied(error: YettError, status: int, code: str, operation: str) -> Problem:
    ask = error.remedy or "Send one plain, well-formed request."
    return Problem("Refused by Yett", status, error.what, code, Verdict.DENY.value, "", ask, operation)
