"""Effect, recovery, verdict: the three scales that every decision rests on (design, section 2)."""

from __future__ import annotations

from enum import StrEnum


class Effect(StrEnum):
    """What an operation does. `unknown` is never treated as `read`."""

    READ = "read"
    WRITE = "write"
    DELETE = "delete"
    ADMIN = "admin"
    """Grants rights, mints or returns credentials, or plants what will later run with other rights."""
    UNKNOWN = "unknown"

    @property
    def harm(self) -> int:
        """Position from mild to severe; of several effects the largest counts."""
        return _HARM[self]


_HARM = {Effect.READ: 0, Effect.WRITE: 1, Effect.DELETE: 2, Effect.UNKNOWN: 3, Effect.ADMIN: 4}


class Recovery(StrEnum):
    """What is left if it was wrong, judged without Yett's own undo."""

    AUTOMATIC = "automatic"
    FROM_UNDO = "from_undo"
    FROM_BACKUP = "from_backup"
    NONE = "none"
    UNKNOWN = "unknown"
    """Nobody knows. Only beside `Effect.UNKNOWN`, which never passes without a person."""


class Verdict(StrEnum):
    """allow < hold < deny; of several the strictest counts."""

    ALLOW = "allow"
    HOLD = "hold"
    DENY = "deny"

    @property
    def strictness(self) -> int:
        return ("allow", "hold", "deny").index(self.value)
