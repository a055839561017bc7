"""Annotations for a job of GitHub Actions: one workflow command a line, which its runner shows at the file's line.

Whoever names a file writes a part of a line that the runner obeys, so values and properties are escaped as the runner's
own toolkit does (percent, line ends; in properties also colon and comma), and the older form `##[` is broken up.
"""

from __future__ import annotations

from yett.inventory.baseline.keys import path_of
from yett.inventory.finding import Finding
from yett.inventory.outcome import Outcome
from yett.inventory.reports.headline import headline
from yett.inventory.reports.layout import Layout
from yett.inventory.reports.places import Sort, place, sort_of
from yett.inventory.severity import Severity
from yett.model.credential import Location
from yett.model.visible import visible

_LEVELS = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "notice",
}
MOST = 50
"""GitHub shows ten of each level a step and fifty a job; a job's log has them all in its summary and SARIF."""


def render(outcome: Outcome, layout: Layout) -> str:
    """One annotation for each open finding and file, the worst first, then the headline."""
    lines = [line for finding in outcome.open for line in _annotations(finding, layout)]
    left = len(lines) - MOST
    more = [_command("notice", f"and {left} more places: see the summary of this job")] if left > 0 else []
    return "\n".join([*lines[:MOST], *more, _command("notice", headline(outcome), title="Yett")]) + "\n"


def _annotations(finding: Finding, layout: Layout) -> list[str]:
    by_path: dict[tuple[Sort, str], Location] = {}
    for at in finding.credential.locations:
        by_path.setdefault((sort_of(at), path_of(at, layout.root)), at)
    return [_annotation(finding, sort, path, at, layout) for (sort, path), at in by_path.items()]


def _annotation(finding: Finding, sort: Sort, path: str, at: Location, layout: Layout) -> str:
    issuer = f" ({finding.credential.provider})" if finding.credential.provider else ""
    reach = f": {finding.reach}" if finding.reach else ""
    text = f"{finding.title}{issuer} in {place(at, layout.root)}{reach}. Take it out, and renew it at its issuer."
    place_of: dict[str, str] = {"title": f"Yett: {finding.severity.word}"}
    if sort not in (Sort.VARIABLE, Sort.HISTORY):
        place_of["file"] = path
        if at.line > 0:
            place_of["line"] = str(at.line)
    return _command(_LEVELS[finding.severity], text, **place_of)


def _command(level: str, text: str, **properties: str) -> str:
    told = ",".join(f"{name}={_property(value)}" for name, value in properties.items() if value)
    return f"::{level}{' ' if told else ''}{told}::{_escaped(visible(text, 600))}"


def _escaped(text: str) -> str:
    plain = text.replace("##[", "## [").replace("%", "%25")
    return plain.replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _escaped(visible(text, 400)).replace(":", "%3A").replace(",", "%2C")
