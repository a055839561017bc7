"""Obligations: what is owed whatever the verdict. A union; of `sign:N` and `delay:N` the largest counts."""

from __future__ import annotations

from collections.abc import Iterable

KNOWN = {
    "mask": "found secrets are masked in the answer",
    "snapshot": "an undo is captured before it leaves",
    "verified-undo": "the undo lies outside the blast radius and was restored beside and counted",
    "say-no-undo": "the person is told in so many words that there is NO UNDO",
    "alarm": "an alarm is raised",
}
COUNTED = {
    "sign": (9, "that many people sign"),
    "delay": (86_400, "it waits that many seconds after the signature, and can be cancelled"),
}
"""Counted obligation -> the largest number that is not a slip of the pen, and what it means."""


def fault(obligation: str) -> str:
    """What is wrong with the obligation as a policy names it, "" if nothing."""
    if obligation in KNOWN:
        return ""
    name, colon, number = obligation.partition(":")
    if name not in COUNTED:
        return f"{obligation!r} is not an obligation"
    most = COUNTED[name][0]
    # isdecimal admits digits of every script, and "01" would be a second spelling of "1".
    if not colon or not number.isascii() or not number.isdecimal() or number[0] == "0" or int(number) > most:
        return f"{name} needs a whole number from 1 to {most}, as in {name}:1"
    return ""


def merge(obligations: Iterable[str]) -> frozenset[str]:
    """The union; of one counted obligation the largest number."""
    largest: dict[str, int] = {}
    for obligation in obligations:
        name, _, number = obligation.partition(":")
        largest[name] = max(largest.get(name, 0), int(number or 0))
    return frozenset(f"{name}:{number}" if number else name for name, number in largest.items())


def covers(owed: frozenset[str], least: frozenset[str]) -> bool:
    """Whether `owed` is at least as much as `least`."""
    return merge([*owed, *least]) == owed
