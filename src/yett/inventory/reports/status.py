"""What a pipeline goes by."""

from __future__ import annotations

from yett.inventory.outcome import Outcome
from yett.inventory.severity import Severity

CLEAN = 0
FOUND = 1
NOT_READ = 3
"""Not 2: that is a wrong command line."""


def exit_status(outcome: Outcome, least: Severity, *, strict_read: bool = False) -> int:
    """0: no open finding of `least` or worse. 1: there is one. 3: none was seen, but something could not be read.

    3 only with `strict_read`: a folder that denies access is usual on a person's machine and a hole in a pipeline.
    A finding outweighs it, because it is certain.
    """
    if outcome.from_severity(least):
        return FOUND
    return NOT_READ if strict_read and outcome.unread else CLEAN
