"""What the machine has."""

from __future__ import annotations

import os


def processors() -> int:
    """Those that this process may use, where the system can tell; a quota of a container is not asked."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
