"""What could not be read, told in few lines: an archive can have a hundred thousand broken members."""

from __future__ import annotations

from collections.abc import Callable

from yett.inventory.outcome import Unread

MOST = 20


class Reports:
    """The first MOST are told at once, the others as one number at the end."""

    def __init__(self, name: str, tell: Callable[[Unread], None]) -> None:
        self._name = name
        self._tell = tell
        self._said = 0
        self._once: set[str] = set()

    def add(self, what: str, why: str) -> None:
        self._said += 1
        if self._said <= MOST:
            self._tell(Unread(what, why))

    def add_once(self, about: str, what: str, why: str) -> None:
        """Of the same subject only the first."""
        if about not in self._once:
            self._once.add(about)
            self.add(what, why)

    def close(self) -> None:
        if self._said > MOST:
            self._tell(Unread(self._name, f"{self._said - MOST} more parts of it could not be read"))
