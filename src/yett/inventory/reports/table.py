"""The report for a terminal: drawn by rich where there is colour, plain aligned text everywhere else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from io import StringIO

from yett.inventory.outcome import Outcome
from yett.inventory.reports.below import next_steps, offer_lines, section, unaudited_lines, unread_lines
from yett.inventory.reports.headline import headline
from yett.inventory.reports.layout import Layout
from yett.inventory.reports.leak_rates import rate_lines
from yett.inventory.reports.rows import Row, grouped
from yett.inventory.severity import Severity
from yett.model.visible import visible

Column = tuple[str, Callable[[Row], str]]

_COLUMNS: tuple[Column, ...] = (
    ("HOW BAD", lambda row: row.severity.word),
    ("CREDENTIAL", lambda row: row.credential),
    ("WHERE", lambda row: row.where),
    ("AUTHORITY", lambda row: row.authority),
    ("ACCOUNT", lambda row: row.account),
    ("AGE", lambda row: row.age),
    ("OWNER", lambda row: row.owner),
    ("ENVIRONMENT", lambda row: row.environment),
    ("ENDS IN", lambda row: row.ends_in),
)
_FIRST_TO_GO = ("OWNER", "ACCOUNT", "ENVIRONMENT", "AGE", "ENDS IN")
"""On a narrow terminal, in this order: how bad, what and where are never left out."""
_PER_COLUMN = 15
"""Characters a column needs to be read: below that, words break letter by letter."""
_STYLES = {
    Severity.CRITICAL: "bold red",
    Severity.HIGH: "red",
    Severity.MEDIUM: "yellow",
    Severity.LOW: "dim",
}


def render(outcome: Outcome, layout: Layout) -> str:
    """Headline, findings, what could not be read, what nobody looked at, and what to do next."""
    shown = grouped(outcome.open, layout)
    columns = _columns(shown, layout.width)
    draw = _drawn if layout.colour else _plain
    parts = [headline(outcome), ""]
    if shown:
        parts += [draw(shown, columns, layout.width), ""]
    parts += section("Keys of MCP servers:", offer_lines(outcome))
    parts += section("Could not be read:", unread_lines(outcome.unread))
    parts += section("Accepted by the baseline, audited by nobody:", unaudited_lines(outcome, layout))
    parts += section("Baseline:", [visible(remark) for remark in layout.remarks])
    parts += section("Who brought them:", rate_lines(layout.rates))
    parts += next_steps(outcome)
    return "\n".join(parts).rstrip("\n") + "\n"


def _columns(shown: Sequence[Row], width: int) -> list[Column]:
    """Those that say something, as many as fit."""
    kept = [column for column in _COLUMNS if any(column[1](row) for row in shown)]
    for name in _FIRST_TO_GO:
        if len(kept) * _PER_COLUMN <= width:
            break
        kept = [column for column in kept if column[0] != name]
    return kept


def _plain(shown: Sequence[Row], columns: Sequence[Column], width: int) -> str:
    """Aligned, one line a row: for grep, for pipes, and where somebody asked for no colour."""
    lines = [[name for name, _ in columns]]
    lines += [[cell(row) or "-" for _, cell in columns] for row in shown]
    widths = [max(len(line[at]) for line in lines) for at in range(len(columns))]
    if sum(widths) + 2 * len(widths) > width:
        return _stacked(shown)
    aligned = ("  ".join(cell.ljust(wide) for cell, wide in zip(line, widths, strict=True)).rstrip() for line in lines)
    return "\n".join(aligned)


def _stacked(shown: Sequence[Row]) -> str:
    """A block for each row where lines would wrap: `how bad: credential`, then the rest indented."""
    blocks = []
    for row in shown:
        rest = [f"  {name.lower()}: {cell(row)}" for name, cell in _COLUMNS[2:] if cell(row)]
        blocks.append("\n".join([f"{row.severity.word}: {row.credential}", *rest]))
    return "\n".join(blocks)


def _drawn(shown: Sequence[Row], columns: Sequence[Column], width: int) -> str:
    from rich.console import Console  # heavy: 60 ms that a pipe need not wait for
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="bold", pad_edge=False)
    for name, _ in columns:
        fixed = name in ("HOW BAD", "AGE", "ENDS IN")
        table.add_column(name, overflow="fold", no_wrap=fixed, ratio=None if fixed else 3 if name == "WHERE" else 2)
    for row in shown:
        cells = [Text(cell(row)) for _, cell in columns]
        cells[0].stylize(_STYLES[row.severity])
        table.add_row(*cells)
    out = StringIO()
    Console(file=out, width=width, force_terminal=True, color_system="standard", highlight=False).print(table)
    return out.getvalue().rstrip("\n")
