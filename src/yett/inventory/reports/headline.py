"""The one line that a person reads if they read one: how many, how bad, where."""

from __future__ import annotations

from collections import Counter

from yett.inventory.outcome import Outcome
from yett.inventory.reports.places import Sort, nearest, sort_words
from yett.inventory.reports.words import count, duration, listed, size
from yett.inventory.severity import Severity


def headline(outcome: Outcome) -> str:
    """ "14 credentials, 2 critical, 3 in files an agent reads, 2 in history; 1 accepted".

    Each credential is counted once, at the place nearest to an agent: "in history" means there and nowhere else.
    """
    parts = [", ".join(_open(outcome))] if outcome.open else [f"No credential was found in {looked_at(outcome)}"]
    if not outcome.open and outcome.findings:
        parts = [f"No open credential in {looked_at(outcome)}"]
    return "; ".join(parts + _aside(outcome))


def looked_at(outcome: Outcome) -> str:
    """ "1,204 files and 3,300 objects of history (52 MB) in 0.4 seconds"."""
    parts = [count(outcome.files, "file")]
    if outcome.blobs:
        parts.append(count(outcome.blobs, "object of history", "objects of history"))
    read = f" ({size(outcome.read)})" if outcome.read else ""
    return f"{listed(parts)}{read} in {duration(outcome.seconds)}"


def _open(outcome: Outcome) -> list[str]:
    parts = [count(len(outcome.open), "credential")]
    critical = sum(finding.severity >= Severity.CRITICAL for finding in outcome.open)
    if critical:
        parts.append(f"{critical:,} critical")
    by_sort = Counter(nearest(finding) for finding in outcome.open)
    shown = (Sort.FILE, Sort.CONFIGURATION, Sort.VARIABLE, Sort.TRANSCRIPT, Sort.HISTORY)
    return parts + [sort_words(sort, by_sort[sort]) for sort in shown if by_sort[sort]]


def _aside(outcome: Outcome) -> list[str]:
    """What does not count, and what is not known: never left out."""
    parts = []
    accepted = [finding.accepted for finding in outcome.findings if finding.accepted is not None]
    if accepted:
        unaudited = sum(not acceptance.audited for acceptance in accepted)
        looked = f", {unaudited:,} of them unaudited" if unaudited else ""
        parts.append(f"{len(accepted):,} accepted{looked}")
    if outcome.unread:
        parts.append(f"{len(outcome.unread):,} could not be read")
    return parts
