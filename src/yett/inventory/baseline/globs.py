"""Paths against a pattern with *, ? and **, in time that no pattern can blow up (a regex made from it could)."""

from __future__ import annotations

from collections.abc import Sequence


def matches(pattern: str, path: str) -> bool:
    """`*` and `?` stay within one folder, a part that is `**` stands for any folders, also none."""
    return _parts(pattern.split("/"), path.split("/"))


def _parts(pattern: Sequence[str], path: Sequence[str]) -> bool:
    """Which prefixes of the path the pattern's parts reach, one part at a time."""
    reached = {0}
    for part in pattern:
        if not reached:
            return False
        if part == "**":
            reached = set(range(min(reached), len(path) + 1))
        else:
            reached = {at + 1 for at in reached if at < len(path) and _one(part, path[at])}
    return len(path) in reached


def _one(pattern: str, name: str) -> bool:
    """Greedy, going back to the last star only: at most len(pattern) * len(name) steps."""
    at = back_to = 0
    star = -1
    p = 0
    while at < len(name):
        if p < len(pattern) and pattern[p] == "*":
            star, back_to = p, at
            p += 1
        elif p < len(pattern) and pattern[p] in ("?", name[at]):
            p, at = p + 1, at + 1
        elif star >= 0:
            back_to += 1
            p, at = star + 1, back_to
        else:
            return False
    return set(pattern[p:]) <= {"*"}
