"""What a baseline did to one scan, and what a person should know about the baseline itself."""

from __future__ import annotations

from dataclasses import dataclass

from yett.inventory.baseline.entry import Allow, Entry
from yett.inventory.finding import Finding
from yett.model.visible import visible

_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A finding whose credential is accepted at other paths than (all of) those where it lies now."""

    finding: Finding
    accepted: tuple[str, ...]
    uncovered: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Applied:
    """`findings` as given, with `accepted` set. `expired` ones match something and count no more; `stale` ones match
    nothing that was scanned."""

    findings: tuple[Finding, ...]
    expired: tuple[Entry | Allow, ...] = ()
    stale: tuple[Entry | Allow, ...] = ()
    elsewhere: tuple[Elsewhere, ...] = ()

    def remarks(self, *, whole: bool = True) -> tuple[str, ...]:
        """For the end of a report, one line each. The unaudited are shown there by the findings themselves.

        `whole` False: only a part was scanned (staged files, one folder), and nothing can be said of stale entries.
        """
        expired = [f"ended on {each.until}, counts no more: {_named(each)}" for each in self.expired]
        moved = [_moved(each) for each in self.elsewhere]
        stale = [f"matches nothing any more: {_named(each)}" for each in self.stale] if whole else []
        return (*_bounded(expired, "ended"), *_bounded(moved, "accepted elsewhere"), *_bounded(stale, "stale"))


def _named(each: Entry | Allow) -> str:
    return f"{visible(each.rule, 60)} in {visible(each.path, 120)} ({visible(each.reason, 80)})"


def _moved(each: Elsewhere) -> str:
    places = ", ".join(visible(path, 120) for path in each.uncovered[:3])
    accepted = ", ".join(visible(path, 120) for path in each.accepted[:3])
    return f"accepted elsewhere ({accepted}), not in {places}: {visible(each.finding.title, 60)}"


def _bounded(lines: list[str], word: str) -> list[str]:
    left = len(lines) - _SHOWN
    return [*lines[:_SHOWN], f"and {left} more: {word}"] if left > 0 else lines
