"""What was refused lately, and what the agent has asked for: the way from a deny to a hold (`yett ask`).

Kept in memory for the life of a session: an ask is a request for a human's attention, never evidence of anything.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from dataclasses import dataclass

from yett.model.errors import YettError

REMEMBERED = 200
"""Refusals remembered a session; an agent that makes more loses the oldest."""

MAX_REASON = 600


@dataclass(frozen=True, slots=True)
class Refusal:
    """One refused attempt, as `yett why` shows it. `digest` is "" where an ask does not lead to a hold.

    Of an attempt that waits for a person, `id` is its hold's.
    """

    id: str
    digest: str
    summary: str
    reason: str
    ask: str
    would_be: tuple[str, ...] = ()


class Asks:
    """Refusals of one session by id, and the digests that the agent asked for."""

    def __init__(self) -> None:
        self._refusals: OrderedDict[str, Refusal] = OrderedDict()
        self._asked: dict[str, str] = {}

    def new_id(self) -> str:
        return "r-" + secrets.token_hex(8)

    def remember(self, refusal: Refusal) -> None:
        self._refusals[refusal.id] = refusal
        self._refusals.move_to_end(refusal.id)
        while len(self._refusals) > REMEMBERED:
            self._refusals.popitem(last=False)

    def last(self) -> Refusal | None:
        return next(reversed(self._refusals.values()), None)

    def ask(self, refusal_id: str, reason: str) -> Refusal:
        """Note that the agent wants exactly this; the same request sent again is then held for a person."""
        refusal = self._refusals.get(refusal_id)
        if refusal is None:
            raise YettError(f"there is no refusal {refusal_id} in this session", "yett why shows the last one")
        self._asked[refusal.digest] = reason[:MAX_REASON]
        return refusal

    def asked(self, digest: str) -> bool:
        return digest in self._asked

    def reason(self, digest: str) -> str:
        return self._asked.get(digest, "")
