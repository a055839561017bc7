"""How often commits of agents and of people bring a credential, in words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from yett.model.visible import visible

if TYPE_CHECKING:
    from yett.inventory.history import LeakRate


def rate_lines(rates: Sequence[LeakRate]) -> list[str]:
    """ "commits by agents: 412, 9 with credentials (2.2 %); by people: 3,120, 21 (0.7 %)", then a line an agent."""
    if not rates:
        return []
    from yett.inventory.history.agents import PEOPLE

    agents = [rate for rate in rates if rate.agent != PEOPLE]
    people = [rate for rate in rates if rate.agent == PEOPLE]
    first = f"commits by agents: {_told(agents, ' with credentials')}; by people: {_told(people, '')}"
    return [first, *(f"{visible(rate.agent, 40)}: {_told([rate], '')}" for rate in agents)]


def rate_records(rates: Iterable[LeakRate]) -> list[dict[str, object]]:
    """`agent` is "" for people."""
    return [
        {"agent": rate.agent, "commits": rate.commits, "with_credentials": rate.leaking, "share": round(rate.share, 6)}
        for rate in rates
    ]


def _told(rates: Sequence[LeakRate], what: str) -> str:
    commits, leaking = sum(rate.commits for rate in rates), sum(rate.leaking for rate in rates)
    share = f" ({100 * leaking / commits:.1f} %)" if commits else ""
    return f"{commits:,}, {leaking:,}{what}{share}"
