"""What a scan hands to whoever shows it: the findings, and what could not be read."""

from __future__ import annotations

from dataclasses import dataclass

from yett.inventory.finding import Finding
from yett.inventory.severity import Severity


@dataclass(frozen=True, slots=True)
class Unread:
    """Something that the scan could not look into, in one line. `what` is a path, `why` a few words."""

    what: str
    why: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """One scan. `targets` as the person named them; `seconds` of wall clock; `read` bytes, of files and of history."""

    findings: tuple[Finding, ...]
    unread: tuple[Unread, ...] = ()
    targets: tuple[str, ...] = ()
    files: int = 0
    blobs: int = 0
    read: int = 0
    seconds: float = 0.0

    @property
    def open(self) -> tuple[Finding, ...]:
        """Those that nobody accepted, the worst first, then by path and line."""
        left = (finding for finding in self.findings if finding.accepted is None)
        return tuple(sorted(left, key=lambda finding: finding.rank))

    def from_severity(self, least: Severity) -> tuple[Finding, ...]:
        """Open findings of that severity or worse."""
        return tuple(finding for finding in self.open if finding.severity >= least)
