"""What can go wrong with an undo that is kept. Each leaves nothing half made behind that would count."""

from __future__ import annotations

from yett.model.errors import YettError


class KeepError(YettError):
    """The place where undos are kept cannot be used now."""


class KeepFull(KeepError):
    """No room for the undo: the disk is full, over its quota, or close to it."""


class TooLarge(KeepError):
    """The undo would be larger than a budget allows; what it is for waits for a person. `limit` is in bytes."""

    def __init__(self, what: str, remedy: str, limit: int) -> None:
        super().__init__(what, remedy)
        self.limit = limit


class Damaged(KeepError):
    """What lies there is not what was written: never restored from."""


class NotImmutable(KeepError):
    """The bucket let something through that an immutable one refuses, or its refusal proves nothing."""
