"""How much may be kept: by one undo, one task, and in all. What goes over is refused, and waits for a person."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from yett.recovery.keep.errors import TooLarge

MIB = 1024**2
GIB = 1024**3
DAY_NS = 24 * 3600 * 10**9


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes as they are stored, compressed; `days` is how long an undo is kept."""

    undo_bytes: int = 2 * GIB
    task_bytes: int = 8 * GIB
    total_bytes: int = 32 * GIB
    days: int = 30


class Budget:
    """What is stored now, by task. Thread-safe; the daemon that owns the keep is its only writer."""

    def __init__(self, limits: Limits, stored: Mapping[str, int] | None = None) -> None:
        """`stored`: bytes that lie there already, by task."""
        self.limits = limits
        self._lock = threading.Lock()
        self._tasks: Counter[str] = Counter(stored or {})
        self._total = sum(self._tasks.values())

    def take(self, task: str, already: int, more: int) -> None:
        """Count `more` bytes for an undo that has `already`. Raises TooLarge, and counts nothing then."""
        limits = self.limits
        with self._lock:
            for what, used, limit in (
                ("one undo", already, limits.undo_bytes),
                ("one task", self._tasks[task], limits.task_bytes),
                ("all undos", self._total, limits.total_bytes),
            ):
                if used + more > limit:
                    raise _too_large(what, limit)
            self._tasks[task] += more
            self._total += more

    def give_back(self, task: str, count: int) -> None:
        with self._lock:
            self._tasks[task] -= count
            self._total -= count

    @property
    def total(self) -> int:
        return self._total


def _too_large(what: str, limit: int) -> TooLarge:
    return TooLarge(
        f"the undo is larger than Yett keeps for {what} ({limit / MIB:,.0f} MiB)",
        "change fewer rows at once, let old undos go with yett undo prune, or raise the limit in config.toml",
        limit,
    )
