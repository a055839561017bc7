"""GitLab's code quality report, which a merge request of every tier shows: a list of issues with a file and a line."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from yett.inventory.baseline.keys import path_of, rule_of
from yett.inventory.finding import Finding
from yett.inventory.outcome import Outcome
from yett.inventory.reports.layout import Layout
from yett.inventory.reports.places import Sort, place, sort_of
from yett.inventory.severity import Severity
from yett.model.credential import Location
from yett.model.visible import visible

Issue = dict[str, Any]  # Any: JSON

_SEVERITIES = {
    Severity.CRITICAL: "blocker",
    Severity.HIGH: "critical",
    Severity.MEDIUM: "major",
    Severity.LOW: "minor",
}


def render(outcome: Outcome, layout: Layout) -> str:
    """Open findings only: GitLab knows no accepted ones. A variable has no file and is not in it."""
    issues = [issue for finding in outcome.open for issue in _issues(finding, layout)]
    return json.dumps(issues, indent=1) + "\n"


def _issues(finding: Finding, layout: Layout) -> list[Issue]:
    by_path: dict[tuple[bool, str], Location] = {}
    for at in finding.credential.locations:
        if sort_of(at) is not Sort.VARIABLE and at.path:
            by_path.setdefault((sort_of(at) is Sort.HISTORY, path_of(at, layout.root)), at)
    return [_issue(finding, path, at, layout) for (_, path), at in by_path.items()]


def _issue(finding: Finding, path: str, at: Location, layout: Layout) -> Issue:
    name = rule_of(finding)
    parts = (finding.credential.fingerprint, name, path, sort_of(at).value)
    return {
        "description": f"{visible(finding.title, 200)} in {visible(place(at, layout.root), 300)}{_reach(finding)}",
        "check_name": name,
        "fingerprint": hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest(),
        "severity": _SEVERITIES[finding.severity],
        "location": {"path": visible(path, 400), "lines": {"begin": max(1, at.line)}},
    }


def _reach(finding: Finding) -> str:
    return f": {visible(finding.reach, 200)}" if finding.reach else ""
