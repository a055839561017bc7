"""Printing for people and for programs: tables, JSON, and text that an agent may have written (law 13)."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from yett.model.visible import visible

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Workspace = Annotated[Path, typer.Argument(help="The workspace.", exists=True)]
MAX_CELL = 160
MAX_TEXT = 4000
PIPE_WIDTH = 10_000


def safe(value: object) -> str:
    """Lines in which no terminal obeys an agent."""
    return "\n".join(map(visible, str(value)[:MAX_TEXT].split("\n")))


def rows(records: Sequence[Mapping[str, Any]], columns: Sequence[tuple[str, str]], as_json: bool, empty: str) -> None:
    """A table of `columns` (key, heading), or the records as JSON."""
    if as_json:
        print(json.dumps(list(records), indent=1))
        return
    if not records:
        print(empty)
        return
    from rich.console import Console  # heavy, and most commands print no table
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="bold", pad_edge=False)
    for _, heading in columns:
        table.add_column(heading, overflow="fold")
    for record in records:
        table.add_row(*(Text(visible(str(record.get(key, "")), MAX_CELL)) for key, _ in columns))
    # a pipe has no width: what is folded there is found by no grep
    Console(width=None if sys.stdout.isatty() else PIPE_WIDTH).print(table)


def facts(record: Mapping[str, Any], as_json: bool) -> None:
    """Key and value, one a line."""
    if as_json:
        print(json.dumps(record, indent=1))
        return
    width = max((len(key) for key in record), default=0)
    for key, value in record.items():
        said = ", ".join(map(str, value)) if isinstance(value, list) else value
        print(f"{key.replace('_', ' '):<{width}}  {safe(said) or '-'}")


def lines(found: Iterable[object]) -> None:
    for line in found:
        print(safe(line))
