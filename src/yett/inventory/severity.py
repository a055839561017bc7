"""How bad a credential is in an agent's hands. A commit hook loads this, so it imports nothing of its own."""

from __future__ import annotations

from enum import IntEnum


class Severity(IntEnum):
    """How bad it is that an agent could use it. `CRITICAL`: whole accounts or production data are lost with it."""

    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4

    @property
    def word(self) -> str:
        return self.name.lower()

    @classmethod
    def of(cls, word: str) -> Severity:
        """Raises KeyError: no such severity."""
        return cls[word.upper()]
