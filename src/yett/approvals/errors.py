"""What can be wrong with an answer, as errors for the person who gave it."""

from __future__ import annotations

from yett.model.errors import YettError


class ApprovalError(YettError):
    """An answer, a key or a hold that does not stand. `code` is stable, for the page and for tests."""

    def __init__(self, code: str, what: str, remedy: str = "") -> None:
        super().__init__(what, remedy)
        self.code = code


class NotSigned(ApprovalError):
    """The assertion does not fit: another operation, another page, no user verification, a replayed counter."""


class NotEntitled(ApprovalError):
    """The key is good, but this person may not answer here: owner, asker, answered already."""


class NotOpen(ApprovalError):
    """The hold or act is not in a state that this could change: unknown, expired, denied, consumed."""


class TooMany(ApprovalError):
    """A quota is used up: waiting holds of one agent, enrolment attempts, open requests for a key."""
