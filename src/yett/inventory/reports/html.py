"""The report as one page to pass on: no request, no resource from outside, nothing that an agent wrote can run.

The policy lets through this page's own style and script by their hashes and nothing else, so that even text which
escaped its element could not run, load or send. Without the script the page shows everything.
"""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape
from importlib.resources import files

from yett.inventory.finding import Finding
from yett.inventory.outcome import Outcome
from yett.inventory.reports.below import next_steps, unread_lines
from yett.inventory.reports.headline import headline, looked_at
from yett.inventory.reports.layout import Layout
from yett.inventory.reports.picture import WORST_FIRST, picture
from yett.inventory.reports.places import places
from yett.inventory.reports.rows import Row, rows
from yett.inventory.reports.words import count
from yett.model.visible import visible

_FIRST, _MOST = 2, 200
"""Places of one credential: in sight, and behind a fold."""


def render(outcome: Outcome, layout: Layout) -> str:
    style, script = _own("page.css"), _own("page.js")
    policy = (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    body = "".join(
        [
            _top(outcome, layout),
            _summary(outcome),
            _findings(outcome.open, layout),
            _accepted(outcome, layout),
            _listed("Could not be read", unread_lines(outcome.unread)),
            _listed("Baseline", [visible(remark) for remark in layout.remarks]),
            _foot(outcome),
        ]
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>Yett: credentials found</title>\n<style>{style}</style></head>\n"
        f"<body>{body}<script>{script}</script></body></html>\n"
    )


def _own(name: str) -> str:
    return (files("yett.inventory.reports") / name).read_text("utf-8")


def _hash(text: str) -> str:
    """As CSP Level 3 wants it, over the element's text."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _text(text: str, longest: int = 300) -> str:
    """Any text as a part of the page, doing nothing, its direction kept to itself."""
    return f'<span class="v">{escape(visible(text, longest))}</span>' if text else ""


def _top(outcome: Outcome, layout: Layout) -> str:
    when = datetime.fromtimestamp(layout.now, UTC).strftime("%Y-%m-%d %H:%M UTC")
    targets = ", ".join(_text(target, 120) for target in outcome.targets[:5]) or "this machine"
    return (
        f'<header><p class="eyebrow">Yett, credentials within an agent\'s reach &middot; {targets} &middot; {when}</p>'
        f'<h1>{escape(headline(outcome))}</h1><p class="muted">Looked at {escape(looked_at(outcome))}.</p></header>'
    )


def _summary(outcome: Outcome) -> str:
    """Numbers beside the picture; only what is open."""
    if not outcome.open:
        return ""
    tally = Counter(finding.severity for finding in outcome.open)
    numbers = "".join(
        f'<div class="{severity.word}{"" if tally[severity] else " zero"}">'
        f"<dt>{severity.word}</dt><dd>{tally[severity]:,}</dd></div>"
        for severity in WORST_FIRST
    )
    return (
        '<section class="card"><h2>By severity and place</h2><div class="summary">'
        f'<dl class="numbers">{numbers}</dl>{picture(outcome.open)}</div></section>'
    )


def _findings(findings: Sequence[Finding], layout: Layout) -> str:
    if not findings:
        return ""
    boxes = "".join(
        f'<label><input type="checkbox" value="{severity.word}" checked>{severity.word}</label>'
        for severity in WORST_FIRST
    )
    names = ("How bad", "Credential", "Authority", "Where", "Account", "Age", "Owner", "Environment", "Ends in")
    lines = list(zip(findings, rows(findings, layout), strict=True))
    used = [name for name in names if any(_cell(name, *line, layout) for line in lines)]
    head = "".join(f"<th scope=col>{name}</th>" for name in used)
    body = "".join(_line(used, finding, row, layout) for finding, row in lines)
    return (
        '<section class="card"><h2>Credentials</h2><form class="filter" hidden>'
        f'<input type="search" name="words" aria-label="Filter" placeholder="Filter, e.g. .env or stripe">{boxes}'
        f'<output name="shown"></output></form><div class="scroll"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div></section>"
    )


def _line(names: Sequence[str], finding: Finding, row: Row, layout: Layout) -> str:
    short = ("How bad", "Age", "Ends in")
    cells = "".join(
        f'<td data-name="{name}"{" class=short" if name in short else ""}>{_cell(name, finding, row, layout)}</td>'
        for name in names
    )
    return f'<tr data-severity="{row.severity.word}">{cells}</tr>'


def _cell(name: str, finding: Finding, row: Row, layout: Layout) -> str:
    match name:
        case "How bad":
            return f'<span class="tag {row.severity.word}">{row.severity.word}</span>'
        case "Where":
            return _where(finding, layout)
        case "Ends in":
            return f"<code>{escape(row.ends_in)}</code>" if row.ends_in else ""
    told = {
        "Credential": row.credential,
        "Authority": row.authority,
        "Account": row.account,
        "Age": row.age,
        "Owner": row.owner,
    }
    return _text(told.get(name, row.environment))


def _where(finding: Finding, layout: Layout) -> str:
    every = places(finding, layout.root)
    told = [f'<span class="v mono">{escape(visible(each, 300))}</span>' for each in every[:_MOST]]
    first, rest = "<br>".join(told[:_FIRST]), told[_FIRST:]
    if not rest:
        return first
    title = f"and {count(len(every) - _FIRST, 'more place', 'more places')}"
    return f"{first}<details><summary>{title}</summary>{'<br>'.join(rest)}</details>"


def _accepted(outcome: Outcome, layout: Layout) -> str:
    """The unaudited first: somebody has to look at them."""
    accepted = [(each, each.accepted) for each in outcome.findings if each.accepted is not None]
    accepted.sort(key=lambda pair: pair[1].audited)
    lines = [
        f"{'' if acceptance.audited else '<strong>unaudited</strong> '}{_text(finding.title, 60)} in "
        f"{_text(', '.join(places(finding, layout.root)[:3]), 200)}: {_text(acceptance.reason)}"
        f"{f', until {_text(acceptance.until, 20)}' if acceptance.until else ''}"
        f"{f', by {_text(acceptance.by, 60)}' if acceptance.by else ''}"
        for finding, acceptance in accepted[:_MOST]
    ]
    if len(accepted) > _MOST:
        lines.append(f"and {count(len(accepted) - _MOST, 'more', 'more')}")
    return _section("Accepted by the baseline", lines)


def _listed(title: str, lines: Sequence[str]) -> str:
    return _section(title, [_text(line, 400) for line in lines])


def _section(title: str, items: Sequence[str]) -> str:
    if not items:
        return ""
    return f'<section class="card"><h2>{title}</h2><ul>{"".join(f"<li>{item}</li>" for item in items)}</ul></section>'


def _foot(outcome: Outcome) -> str:
    steps = "".join(f"<p>{escape(step)}</p>" for step in next_steps(outcome) if "--format html" not in step)
    return f"<footer>{steps}<p>This page holds no credential's value.</p></footer>"
