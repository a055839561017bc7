"""What an answer proves: that a credential works and whose it is, that it does not, or nothing."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from yett.inventory.kinds import LiveCall
from yett.model.visible import visible

LIVE, DEAD, UNKNOWN = "live", "dead", "unknown"
_LONGEST = 200
_A_GOOD_PART = 12
"""Characters of a credential that nobody gets to see."""


@dataclass(frozen=True, slots=True)
class Answer:
    """`body` None: longer than is read, or not wanted. It may hold anything, the credential too."""

    status: int
    body: bytes | None = field(default=None, repr=False)
    retry_after: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """`live` is live, dead or unknown; `account` whom the credential is, as far as its issuer says."""

    live: str
    account: str = ""


def verdict(call: LiveCall, answer: Answer, forms: Iterable[str]) -> Verdict:
    """Judge one answer. `forms` are what the credential looks like, in it or in a request.

    Many issuers answer 200 to a dead token, so a 200 without the declared name proves nothing.
    """
    if answer.status in call.dead:
        return Verdict(DEAD)
    if answer.status not in call.alive:
        return Verdict(UNKNOWN)
    if not call.identity:
        return Verdict(LIVE)
    account = _named(answer.body, call.identity)
    return Verdict(LIVE, _harmless(account, forms)) if account else Verdict(UNKNOWN)


def _named(body: bytes | None, path: str) -> str:
    """What stands at the path, "" if nothing that is a name does."""
    if body is None:
        return ""
    try:
        found: Any = json.loads(body)  # Any: somebody else's JSON
    except (ValueError, RecursionError):
        return ""
    for step in path.split("."):
        if isinstance(found, dict):
            found = found.get(step)
        elif isinstance(found, list) and step.isdigit() and int(step) < len(found):
            found = found[int(step)]
        else:
            return ""
    if isinstance(found, bool) or not isinstance(found, str | int):
        return ""
    return str(found).strip()


def _harmless(account: str, forms: Iterable[str]) -> str:
    """To be shown to people: one line, and nothing of the credential, which an issuer may say back."""
    for form in forms:
        if form in account or (len(account) >= _A_GOOD_PART and account in form):
            return ""
    return visible(account, _LONGEST)
