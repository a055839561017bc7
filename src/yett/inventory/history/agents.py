"""Commits that an AI agent made, and how often they leak compared with people's."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import translate
from functools import cache
from pathlib import Path
from typing import Any

from yett.inventory.history.commits import Commit, commits
from yett.inventory.history.repositories import Repository, git

_TRAILER = re.compile(r"([A-Za-z][A-Za-z0-9-]*):[ \t]+(\S.*)")
_OWN = "yett-agent"
_LONGEST_LINE = 1000
PEOPLE = ""
"""Where an agent's id would stand, for commits that none of them made."""


@dataclass(frozen=True, slots=True)
class Agent:
    """One row of agents.toml. Where none of `words` stands in a commit, no pattern need be tried."""

    id: str
    words: tuple[str, ...]
    people: re.Pattern[str]
    trailers: frozenset[str]
    phrases: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class LeakRate:
    """How many commits someone made, and in how many of them a credential came into the repository."""

    agent: str
    commits: int
    leaking: int

    @property
    def share(self) -> float:
        return self.leaking / self.commits if self.commits else 0.0


@cache
def agents() -> tuple[Agent, ...]:
    rows = tomllib.loads((Path(__file__).parent / "agents.toml").read_text("utf-8"))["agent"]
    return tuple(
        Agent(row["id"], _words(row), _any(row, "people"), frozenset(row.get("trailers", ())), _any(row, "phrases"))
        for row in rows
    )


def made_by_agent(commit: Commit) -> str:
    """The agent's id, "" for a commit that shows no sign of one."""
    text = f"{commit.author.words}\n{commit.committer.words}\n{commit.message}".lower()
    suspects = [agent for agent in agents() if any(word in text for word in agent.words)]
    if not suspects:
        return PEOPLE
    lines = [line.strip()[:_LONGEST_LINE] for line in commit.message.split("\n")]
    trailers = [(found[1].lower(), found[2]) for line in lines if (found := _TRAILER.fullmatch(line))]
    for key, value in trailers:
        if key == _OWN:
            return re.sub(r"[^a-z0-9._-]", "-", value.lower())[:40]
    people = [commit.author.words, commit.committer.words]
    people += [value for key, value in trailers if key in ("co-authored-by", "co-developed-by", "assisted-by")]
    keys = {key for key, _ in trailers}
    for agent in suspects:
        if any(agent.people.match(person) for person in people) or not keys.isdisjoint(agent.trailers):
            return agent.id
        if any(agent.phrases.match(line) for line in lines):
            return agent.id
    return PEOPLE


def leak_rates(
    repository: Repository, leaking: Iterable[str], made_inside: Mapping[str, str] | None = None
) -> tuple[LeakRate, ...]:
    """For people and for each agent: all reachable commits, and those that are among `leaking` (ids of commits).

    `made_inside` has the agent of commits that show no sign of one themselves. The most commits first; people are the
    row whose agent is PEOPLE.
    """
    inside = made_inside or {}
    bad = frozenset(leaking)
    total: Counter[str] = Counter()
    leaks: Counter[str] = Counter()
    listed = git(repository.folder, repository.env, "rev-list", "--all", "--reflog").decode().split()
    for commit in commits(repository, listed):
        agent = made_by_agent(commit) or inside.get(commit.oid, PEOPLE)
        total[agent] += 1
        leaks[agent] += commit.oid in bad
    return tuple(LeakRate(agent, count, leaks[agent]) for agent, count in total.most_common())


def _words(row: dict[str, Any]) -> tuple[str, ...]:  # Any: TOML
    """The longest literal of each pattern."""
    patterns = [*row.get("people", ()), *row.get("phrases", ())]
    literals = [max(re.split(r"\\\[|\\\]|\[\[\]|[*?\[\]]", each), key=len) for each in patterns]
    return (*literals, *row.get("trailers", ()))


def _any(row: dict[str, Any], key: str) -> re.Pattern[str]:  # Any: TOML
    patterns = row.get(key, ())
    return re.compile("|".join(translate(_bracketed(each)) for each in patterns) or r"(?!)", re.IGNORECASE)


def _bracketed(pattern: str) -> str:
    """fnmatch has no escapes; [bot] is meant as it stands."""
    return pattern.replace("\\[", "[[]").replace("\\]", "]")
