"""What is wrong with an inventory itself: a credential that nobody answers for, or that nobody looked at in time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from yett.inventory.kept.rows import Sighting
from yett.inventory.severity import Severity


class Lack(StrEnum):
    """What a credential lacks: each is a finding of its own."""

    OWNER = "no-owner"
    REVIEW = "no-review"
    DUE = "review-due"


_SAID = {
    Lack.OWNER: "no named person answers for it",
    Lack.REVIEW: "no day is set on which it is looked at again",
    Lack.DUE: "its review is due",
}


@dataclass(frozen=True, slots=True)
class Duty:
    """One finding about one credential."""

    sighting: Sighting
    lack: Lack

    def as_record(self) -> dict[str, Any]:  # Any: JSON for `yett inventory --json`
        about = self.sighting
        return {
            "finding": self.lack.value,
            "severity": Severity.MEDIUM.word,
            "workspace": about.workspace,
            "fingerprint": about.fingerprint,
            "title": f"{about.title}: {_SAID[self.lack]}",
            "review": about.review,
        }


def duties_of(sighting: Sighting, today: date) -> tuple[Duty, ...]:
    """None for what is gone."""
    if sighting.gone_since is not None:
        return ()
    found = [] if sighting.owner else [Lack.OWNER]
    if not sighting.review:
        found.append(Lack.REVIEW)
    elif date.fromisoformat(sighting.review) < today:
        found.append(Lack.DUE)
    return tuple(Duty(sighting, lack) for lack in found)
