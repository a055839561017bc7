"""What a run says: tables as they come, and one row a target at its end."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field


@dataclass
class Report:
    """`rows`: what, what was seen, the target in words, whether it was reached."""

    rows: list[tuple[str, str, str, bool]] = field(default_factory=list)

    def target(self, what: str, seen: str, target: str, *, reached: bool) -> None:
        self.rows.append((what, seen, target, reached))

    def print(self) -> None:
        if self.rows:
            table("what", ["seen", "target", ""])
        for what, seen, target, reached in self.rows:
            line(what, [seen, target, "reached" if reached else "**missed**"])


def table(first: str, others: Sequence[str]) -> None:
    print(f"\n| {first} | " + " | ".join(others) + " |")
    print("|---|" + "---|" * len(others), flush=True)


def line(first: str, cells: Sequence[str]) -> None:
    print(f"| {first} | " + " | ".join(cells) + " |", flush=True)


def median(some: Sequence[float]) -> float:
    return statistics.median(some)


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """The median of the rounds' own ratios: what disturbs one round disturbs both sides of it."""
    return statistics.median(one / other if other else 0.0 for one, other in zip(ours, theirs, strict=True))


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
