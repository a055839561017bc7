"""The timeline of a drill, for the person who watches: seconds, what happened, whether it held."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field


@dataclass
class Telling:
    """Prints as it goes, and keeps what failed."""

    began: float = field(default_factory=time.monotonic)
    failures: list[str] = field(default_factory=list)
    checks: int = 0

    def act(self, title: str) -> None:
        self._write(f"\n{title}\n{'─' * len(title)}\n")

    def say(self, line: str) -> None:
        self._write(f"{time.monotonic() - self.began:7.1f} s  {line}\n")

    def check(self, holds: bool, claim: str, otherwise: str = "") -> None:
        """Something that must hold for the drill to succeed."""
        self.checks += 1
        if not holds:
            self.failures.append(f"{claim}{': ' + otherwise if otherwise else ''}")
        self.say(f"{'✓' if holds else '✗'} {claim}" + (f": {otherwise}" if otherwise and not holds else ""))

    def end(self) -> int:
        """The verdict; the exit status."""
        held = self.checks - len(self.failures)
        self._write(f"\n{held} of {self.checks} claims held.\n")
        for failure in self.failures:
            self._write(f"  ✗ {failure}\n")
        return 1 if self.failures else 0

    def _write(self, text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()
