"""Step 2's attempts: what the agent's lines must say, and what the lab must not have seen."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from yett.drills.telling import Telling

EXPECTED = Path(__file__).with_name("attempts.toml")
STOPPED = ("refused", "unreachable", "absent")
"""What an attempt may come to, unless attempts.toml says that something harmless about it may be done."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One line of the agent."""

    name: str
    outcome: str
    status: int
    body: str

    @property
    def problem(self) -> Mapping[str, Any]:
        """The refusal as the gate words it, if this is one."""
        try:
            found = json.loads(self.body)
        except ValueError:
            return {}
        return found if isinstance(found, dict) and found.get("title", "").endswith("by Yett") else {}

    def told(self) -> str:
        """What the agent was told, in one line."""
        problem = self.problem
        if problem:
            hold = f" {problem['hold']}" if problem.get("hold") else ""
            return f"{problem['title'].removesuffix(' by Yett').lower()}{hold}: {problem['detail']}"
        return f"{self.outcome}" + (f" ({self.status})" if self.status else "")


def parse(lines: Iterable[str]) -> list[Attempt]:
    """The agent's JSON lines; others are its programs' own noise."""
    found = []
    for line in lines:
        try:
            said = json.loads(line)
        except ValueError:
            continue
        if isinstance(said, dict) and "attempt" in said:
            found.append(Attempt(said["attempt"], said["outcome"], said["status"], said["body"]))
    return found


def allowances() -> dict[str, str]:
    """Attempts that may succeed, with the reason why that is harmless."""
    return dict(tomllib.loads(EXPECTED.read_text())["may_succeed"])


def harmless(name: str) -> str:
    """Why an attempt of that name may succeed; "" if it may not."""
    return next((why for begins, why in allowances().items() if name.startswith(begins)), "")


def complaint(attempt: Attempt) -> str:
    """What is wrong with how an attempt ended; "" if it ended as it must."""
    if "the attempt itself broke" in attempt.body:
        return attempt.body[:200]
    if attempt.outcome not in STOPPED and not harmless(attempt.name):
        return f"it ended as {attempt.outcome} ({attempt.status})"
    if attempt.problem and not attempt.problem.get("ask"):
        return "the agent was not told what to ask for"
    return ""


def judge(telling: Telling, attempts: Iterable[Attempt]) -> list[str]:
    """Check every attempt and tell how it ended; the names of those that were made."""
    made = []
    for attempt in attempts:
        made.append(attempt.name)
        why = harmless(attempt.name)
        told = attempt.told() if not why or attempt.outcome in STOPPED else f"{attempt.outcome}: {why}"
        wrong = complaint(attempt)
        telling.check(not wrong, f"{attempt.name:<44} {told[:150]}", wrong)
    return made
