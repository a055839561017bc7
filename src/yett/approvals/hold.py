"""A hold as a value: what waits, in which state, until when."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from yett.approvals.document import Document

SECOND = 10**9
"""Times are integer nanoseconds since the epoch, as everywhere in the store."""


class HoldState(StrEnum):
    """waiting -> approved -> consumed -> released | unknown, or an end without effect."""

    WAITING = "waiting"
    APPROVED = "approved"
    CONSUMED = "consumed"
    RELEASED = "released"
    UNKNOWN = "unknown"
    """Consumed, and nobody knows whether the call took effect (a crash in between): never retried (law 2)."""
    DENIED = "denied"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


SAID_YES = (HoldState.APPROVED, HoldState.CONSUMED, HoldState.RELEASED)
LIVE = (HoldState.WAITING, HoldState.APPROVED)


@dataclass(frozen=True, slots=True)
class Hold:
    """An operation that waits for a person.

    `document` is the canonical form of its Facts, the thing that is signed; `reason` is the agent's own words.
    `approve_after` is 0 until approved, then when the approval begins to count; `note` is the ledger's last signed
    checkpoint when it was opened (or renewed); `ended` says in one sentence why it is over.
    """

    id: str
    state: HoldState
    session: str
    agent: str
    digest: str
    request_digest: str
    document: Document
    nonce: bytes
    note: str
    created: int
    expires: int
    reason: str = ""
    approve_after: int = 0
    ended: str = ""

    @property
    def is_live(self) -> bool:
        """Whether an answer could still change what happens. Its expiry is looked at separately."""
        return self.state in LIVE
