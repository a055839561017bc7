"""SARIF 2.1.0 (OASIS standard, with errata 01), as code hosts read it. Section numbers below are that document's."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from yett import __version__
from yett.inventory.baseline.keys import path_of, rule_of
from yett.inventory.finding import Finding
from yett.inventory.outcome import Outcome, Unread
from yett.inventory.reports.headline import headline
from yett.inventory.reports.layout import Layout
from yett.inventory.reports.places import Sort, place, sort_of
from yett.inventory.severity import Severity
from yett.model.credential import Location
from yett.model.visible import visible

Node = dict[str, Any]  # Any: a JSON object of the standard

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
ROOT = "%SRCROOT%"
_LEVELS = {Severity.CRITICAL: "error", Severity.HIGH: "error", Severity.MEDIUM: "warning", Severity.LOW: "note"}
_SCORES = {Severity.CRITICAL: "9.5", Severity.HIGH: "8.0", Severity.MEDIUM: "5.5", Severity.LOW: "2.0"}
"""`security-severity` as GitHub's code scanning bands it: over 9 critical, from 7 high, from 4 medium."""


def render(outcome: Outcome, layout: Layout) -> str:
    """One run. Accepted findings are in it, suppressed: a code host closes their alerts by that."""
    accepted = [finding for finding in outcome.findings if finding.accepted is not None]
    findings = [*outcome.open, *accepted]
    rules = _rules(findings, layout)
    index = {rule["id"]: at for at, rule in enumerate(rules)}
    run = {
        "tool": {"driver": {"name": "Yett", "semanticVersion": __version__, "rules": rules}},
        "invocations": [_invocation(outcome.unread, layout)],
        "originalUriBaseIds": {ROOT: {"description": {"text": "The folder that was scanned"}}},
        "columnKind": "unicodeCodePoints",
        "results": [result for finding in findings for result in _results(finding, index, layout)],
        "properties": {"headline": headline(outcome)},
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=1) + "\n"


def _rules(findings: Iterable[Finding], layout: Layout) -> list[Node]:
    """One a rule; as bad as the worst finding of it."""
    worst: dict[str, Finding] = {}
    for finding in findings:
        known = worst.setdefault(rule_of(finding), finding)
        if finding.severity > known.severity:
            worst[rule_of(finding)] = finding
    page = layout.pages.get
    return [_rule(name, each, page(each.credential.kind) or page(name, "")) for name, each in sorted(worst.items())]


def _rule(name: str, finding: Finding, page: str) -> Node:
    title = visible(finding.title, 200)
    tags = ["security", "credential", *filter(None, (finding.credential.provider, finding.identity))]
    rule: Node = {
        "id": name,
        "name": "".join(word.capitalize() for word in name.replace("_", "-").split("-")),
        "shortDescription": {"text": title},
        "fullDescription": {"text": f"A credential that an agent started here could use: {title}."},
        "help": {"text": "Renew it at its provider, then take it out of the file. Yett masks it until then."},
        "defaultConfiguration": {"level": _LEVELS[finding.severity]},
        "properties": {"security-severity": _SCORES[finding.severity], "tags": list(dict.fromkeys(tags))},
    }
    if page.startswith("https://"):
        rule["helpUri"] = quote(page, safe=":/?#[]@!$&'()*+,;=%~-._")
    return rule


def _results(finding: Finding, index: dict[str, int], layout: Layout) -> list[Node]:
    """One for each path: more locations in one result would mean that all are one defect (3.27.12)."""
    by_path: dict[tuple[bool, str], list[Location]] = {}
    for at in finding.credential.locations:
        by_path.setdefault((sort_of(at) is Sort.HISTORY, path_of(at, layout.root)), []).append(at)
    return [_result(finding, path, group, index, layout) for (_, path), group in by_path.items()]


def _result(finding: Finding, path: str, group: list[Location], index: dict[str, int], layout: Layout) -> Node:
    name, first = rule_of(finding), group[0]
    result: Node = {
        "ruleId": name,
        "ruleIndex": index[name],
        "level": _LEVELS[finding.severity],
        "message": {"text": _message(finding, first, layout)},
        "locations": [_location(first, layout.root)],
        "partialFingerprints": {"yettCredential/v1": _stable(finding, name, path, first)},
        "properties": _properties(finding, group),
    }
    if layout.compared:
        result["baselineState"] = "unchanged" if finding.accepted else "new"
    if finding.accepted is not None:
        status = "accepted" if finding.accepted.audited else "underReview"
        reason = visible(finding.accepted.reason, 400)
        result["suppressions"] = [{"kind": "external", "status": status, "justification": reason}]
    return result


def _message(finding: Finding, at: Location, layout: Layout) -> str:
    """[ and ] begin a link in a message (3.11.6) and stand escaped."""
    end = f" ending in {finding.credential.last_four}" if finding.credential.last_four else ""
    account = f" of {visible(finding.account, 100)}" if finding.account else ""
    reach = f": {visible(finding.reach, 200)}" if finding.reach else ""
    text = f"{visible(finding.title, 200)}{account}{end} in {visible(place(at, layout.root), 300)}{reach}"
    return text.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]")


def _location(at: Location, root: Path) -> Node:
    """A file has a physical location; a variable has none; history has the path that the code had then."""
    if sort_of(at) is Sort.VARIABLE:
        return {"logicalLocations": [_logical(at.path, "variable")]}
    location: Node = {}
    if at.path:
        location["physicalLocation"] = _physical(at, root)
    if sort_of(at) is Sort.HISTORY:
        location["logicalLocations"] = [_logical(at.commit or at.object_id, "commit")]
    return location


def _physical(at: Location, root: Path) -> Node:
    physical: Node = {"artifactLocation": _artifact(at, root)}
    if at.line > 0:
        physical["region"] = {"startLine": at.line}
    return physical


def _artifact(at: Location, root: Path) -> Node:
    """Relative URIs below the root (3.4.4), percent-encoded as bytes: names on a disk need not be text."""
    path = path_of(at, root)
    absolute = path.startswith(("/", "~/"))
    encoded = quote((at.path if absolute else path).encode("utf-8", "surrogateescape"), safe="/~-._")
    if absolute:
        return {"uri": f"file://{encoded}"}
    return {"uri": encoded, "uriBaseId": ROOT}


def _logical(name: str, kind: str) -> Node:
    return {"name": visible(name, 200), "fullyQualifiedName": visible(f"{kind}:{name}", 220), "kind": kind}


def _stable(finding: Finding, name: str, path: str, at: Location) -> str:
    """By credential, rule and path: lines move. History is told apart, its alert closes at another time."""
    parts = (finding.credential.fingerprint, name, path, "history" if sort_of(at) is Sort.HISTORY else "now")
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()


def _properties(finding: Finding, group: list[Location]) -> Node:
    told: Node = {
        "severity": finding.severity.word,
        "provider": finding.credential.provider,
        "identity": finding.identity,
        "authority": visible(finding.reach, 200),
        "environment": finding.environment,
        "lastFour": finding.credential.last_four,
        "commit": group[0].commit,
        "object": group[0].object_id,
        "lines": [at.line for at in group if at.line > 0] if len(group) > 1 else [],
    }
    return {key: value for key, value in told.items() if value}


def _invocation(unread: tuple[Unread, ...], layout: Layout) -> Node:
    """`executionSuccessful` although something was unread: the notifications say what (3.20.21)."""
    notifications = [
        {
            "level": "warning",
            "message": {"text": f"Could not be read: {visible(each.what, 300)}: {visible(each.why, 200)}"},
            "descriptor": {"id": "unread"},
        }
        for each in unread
    ]
    notifications += [
        {"level": "note", "message": {"text": visible(remark)}, "descriptor": {"id": "baseline"}}
        for remark in layout.remarks
    ]
    return {"executionSuccessful": True, "toolExecutionNotifications": notifications}
