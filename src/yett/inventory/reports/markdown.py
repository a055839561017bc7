"""The report as a comment on a pull request.

Whoever names a file, a branch or an account writes a part of it, so all such text stands in code spans: in these no
markup, mention, link or issue number works (CommonMark 6.1; GitHub and GitLab leave code out of their references). The
two characters that end a code span or a table's cell are shown by their code point.
"""

from __future__ import annotations

from collections.abc import Sequence

from yett.inventory.outcome import Outcome
from yett.inventory.reports.below import next_steps, unaudited_lines, unread_lines
from yett.inventory.reports.headline import headline
from yett.inventory.reports.layout import Layout
from yett.inventory.reports.leak_rates import rate_lines
from yett.inventory.reports.rows import Row, grouped, rows
from yett.inventory.reports.words import count
from yett.model.visible import visible

LONGEST = 60_000
"""Characters. GitHub takes 65,536 of a comment and refuses a longer one whole."""
_SHOWN = 40
_NAMES = ("How bad", "Credential", "Where", "Account", "Age", "Ends in")
_REVIEWED = ("How bad", "Credential", "Authority", "Where", "Account", "Age", "Ends in")


def render(outcome: Outcome, layout: Layout) -> str:
    """Headline and table in sight, each credential and what was not read behind a fold."""
    parts = [f"**Yett:** {headline(outcome)}"]
    shown = grouped(outcome.open, layout)
    if shown:
        parts.append(_table(shown[:_SHOWN]))
    if len(shown) < len(outcome.open) or len(shown) > _SHOWN:
        parts.append(_fold(f"All {count(len(outcome.open), 'credential')}", _room_for(outcome, layout)))
    parts += _lists(outcome, layout)
    parts += next_steps(outcome)
    return "\n\n".join(parts) + "\n"


def code(text: str) -> str:
    """Any text as it is, doing nothing."""
    shown = visible(text, 400).replace("`", "<U+0060>").replace("|", "<U+007C>")
    return f"`{shown}`" if shown.strip() else "-"


def _table(shown: Sequence[Row]) -> str:
    reviewed = any(row.authority for row in shown)
    return "\n".join([_head(reviewed), *(_line(row, reviewed) for row in shown)])


def _head(reviewed: bool) -> str:
    names = _REVIEWED if reviewed else _NAMES
    return f"| {' | '.join(names)} |\n|{' --- |' * len(names)}"


def _line(row: Row, reviewed: bool) -> str:
    cells = (row.credential, *([row.authority] if reviewed else []), row.where, row.account, row.age, row.ends_in)
    return f"| {row.severity.word} | " + " | ".join(code(cell) for cell in cells) + " |"


def _room_for(outcome: Outcome, layout: Layout) -> str:
    """Line by line as long as the comment is taken at all."""
    every = rows(outcome.open, layout)
    reviewed = any(row.authority for row in every)
    lines, left = [_head(reviewed)], LONGEST // 2
    for row in every:
        line = _line(row, reviewed)
        left -= len(line) + 1
        if left < 0:
            break
        lines.append(line)
    missing = len(every) - (len(lines) - 1)
    return "\n".join(lines) + (f"\n\nand {count(missing, 'more', 'more')}" if missing else "")


def _lists(outcome: Outcome, layout: Layout) -> list[str]:
    told = (
        ("Could not be read", unread_lines(outcome.unread)),
        ("Accepted by the baseline, audited by nobody", unaudited_lines(outcome, layout)),
        ("Baseline", layout.remarks[:_SHOWN]),
        ("Who brought them", rate_lines(layout.rates)),
    )
    return [_fold(title, "\n".join(f"- {code(line)}" for line in lines)) for title, lines in told if lines]


def _fold(title: str, body: str) -> str:
    return f"<details><summary>{title}</summary>\n\n{body}\n\n</details>"
