"""Findings by place and severity as SVG: one bar a sort of place. Colours are classes, so that they follow the page's.

No script, no style, nothing from outside; every number stands beside its bar, for whoever cannot tell the colours.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from html import escape

from yett.inventory.finding import Finding
from yett.inventory.reports.places import Sort, nearest
from yett.inventory.reports.words import count
from yett.inventory.severity import Severity

WORST_FIRST = tuple(sorted(Severity, reverse=True))
_NAMES = {
    Sort.CONFIGURATION: "Agents' configuration",
    Sort.VARIABLE: "Variables",
    Sort.FILE: "Files",
    Sort.TRANSCRIPT: "Transcripts",
    Sort.HISTORY: "Only in history",
}
_ROW, _BAR, _LEFT, _WIDTH, _END = 34, 20, 200, 440, 60
"""Pixels: a row, its bar's height, room for names, the longest bar, room for numbers."""


def picture(findings: Sequence[Finding]) -> str:
    """One <svg> element, "" without findings."""
    tally = Counter((nearest(finding), finding.severity) for finding in findings)
    totals = {sort: sum(tally[sort, severity] for severity in Severity) for sort in Sort}
    shown = [sort for sort in Sort if totals[sort]]
    if not shown:
        return ""
    scale = _WIDTH / max(totals.values())
    bars = "".join(_bar(at, sort, tally, totals[sort], scale) for at, sort in enumerate(shown))
    width, height = _LEFT + _WIDTH + _END, _ROW * len(shown)
    return (
        f'<svg role="img" viewBox="0 0 {width} {height}" aria-labelledby="picture-title">'
        f'<title id="picture-title">Credentials by place and severity</title>{bars}</svg>'
    )


def _bar(at: int, sort: Sort, tally: Counter[tuple[Sort, Severity]], total: int, scale: float) -> str:
    top, middle = at * _ROW + (_ROW - _BAR) / 2, at * _ROW + _ROW / 2
    parts, left = [], float(_LEFT)
    for severity in WORST_FIRST:
        number = tally[sort, severity]
        if number:
            wide = number * scale
            said = escape(f"{_NAMES[sort]}: {number:,} {severity.word}")
            parts.append(
                f'<rect class="fill-{severity.word}" x="{left:.1f}" y="{top:.1f}" width="{max(wide - 1.5, 1):.1f}"'
                f' height="{_BAR}" rx="2"><title>{said}</title></rect>'
            )
            left += wide
    name = escape(_NAMES[sort])
    return (
        f'<text x="{_LEFT - 12}" y="{middle:.1f}" text-anchor="end" dominant-baseline="central">{name}</text>'
        f"{''.join(parts)}"
        f'<text class="total" x="{left + 8:.1f}" y="{middle:.1f}" dominant-baseline="central">{total:,}'
        f"<title>{count(total, 'credential')}</title></text>"
    )
