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


def judge(telling: Telling, attempts: Iterable[Attempt]) -> int:
    """Check every attempt and tell how it ended; how many there were."""
    may, count = allowances(), 0
    for attempt in attempts:
        count += 1
        harmless = next((why for name, why in may.items() if attempt.name.startswith(name)), "")
        stopped = attempt.outcome in STOPPED
        told = attempt.told() if not harmless or stopped else f"{attempt.outcome}: {harmless}"
        broke = "the attempt itself broke" in attempt.body
        telling.check(
            (stopped or bool(harmless)) and not broke,
            f"{attempt.name:<44} {told[:150]}",
            attempt.body[:200] if broke else "",
        )
        problem = attempt.problem
        if problem and not problem.get("ask"):
            telling.check(False, f"{attempt.name} was not told what to ask for")
    return count
