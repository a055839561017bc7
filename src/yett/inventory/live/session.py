"""Whether this runs inside a sandbox of `yett run`: nothing is asked from there."""

from __future__ import annotations

import os
from pathlib import Path

from yett.model.errors import ConfigurationError

MARK = Path("/run/yett/bin/yett")
"""Bound read-only over every session's /run (sandbox/mounts.py): an agent can neither hide it nor unmount it."""


def refuse_inside(mark: Path = MARK) -> None:
    """An agent must not show what it finds to anybody, and its gate would refuse those values one by one.

    Raises:
        ConfigurationError: this is the inside of a session.
    """
    if os.path.lexists(mark):
        raise ConfigurationError(
            "Issuers are not asked from inside a session of yett run",
            "Run yett scan --live yourself, outside; a scan without --live works here.",
        )
