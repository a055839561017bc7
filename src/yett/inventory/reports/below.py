"""What stands below the findings: the unread, the unaudited, the baseline's remarks, and what to do next."""

from __future__ import annotations

from collections.abc import Sequence

from yett.inventory.finding import Finding
from yett.inventory.mcp_offers import mcp_offers
from yett.inventory.outcome import Outcome, Unread
from yett.inventory.reports.layout import Layout
from yett.inventory.reports.places import Sort, nearest, places
from yett.inventory.reports.words import count
from yett.inventory.scan import rooms
from yett.model.visible import visible

MOST_SHOWN = 10


def unread_lines(unread: Sequence[Unread]) -> list[str]:
    """The first ten, then how many more: silence about a hole would look like a clean result."""
    lines = [f"{visible(each.what, 120)}: {visible(each.why, 80)}" for each in unread[:MOST_SHOWN]]
    return lines + _more(len(unread))


def unaudited_lines(outcome: Outcome, layout: Layout) -> list[str]:
    """Accepted in bulk, looked at by nobody: shown every time, or a baseline becomes a silent allow-list."""
    lines = [
        f"{visible(finding.title, 60)} in {_first(finding, layout)}: {visible(finding.accepted.reason, 80)}"
        for finding in outcome.findings
        if finding.accepted is not None and not finding.accepted.audited
    ]
    return lines[:MOST_SHOWN] + _more(len(lines))


def next_steps(outcome: Outcome) -> list[str]:
    """One or two lines; none when there is nothing to do."""
    if not outcome.open:
        return []
    steps = ["`yett run` starts an agent that sees placeholders in their stead, and lends it each where it is allowed."]
    if any(nearest(finding) is Sort.HISTORY for finding in outcome.open):
        steps.append("What is in history stays readable to whoever clones it: renew it at its provider.")
    else:
        steps.append("`yett scan --format html --output report.html` makes a page to pass on; it holds no value.")
    return steps


def offer_lines(outcome: Outcome) -> list[str]:
    """For the keys of MCP servers: what stands in for each. The first ten."""
    offers = mcp_offers(outcome.open, rooms()) if outcome.open else []
    return [line for offer in offers[:MOST_SHOWN] for line in offer.lines()] + _more(len(offers))


def section(title: str, lines: Sequence[str]) -> list[str]:
    """A titled, indented block; nothing when there is nothing in it."""
    return [title, *(f"  {line}" for line in lines), ""] if lines else []


def _first(finding: Finding, layout: Layout) -> str:
    every = places(finding, layout.root)
    more = f" and {count(len(every) - 1, 'more', 'more')}" if len(every) > 1 else ""
    return visible(every[0], 120) + more if every else "an unknown place"


def _more(number: int) -> list[str]:
    left = number - MOST_SHOWN
    return [f"and {count(left, 'more', 'more')}"] if left > 0 else []
