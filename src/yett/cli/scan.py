"""`yett scan`: every credential that an agent started here could use. Read-only, no daemon, no root."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from yett.cli import show


def register(app: typer.Typer) -> None:
    app.command("scan", help="Find the credentials that an agent started here could use.\n\nExample: yett scan .")(scan)


def scan(
    path: Annotated[Path, typer.Argument(help="The workspace.")] = Path(),
    history: Annotated[bool, typer.Option(help="Look through git history too.")] = True,
    as_json: show.AsJson = False,
) -> None:
    from yett.inventory import scan_workspace  # heavy

    findings = scan_workspace(path.absolute(), environ=dict(os.environ), home=Path.home(), history=history)
    records = [finding.as_record() for finding in findings]
    columns = [("kind", "CREDENTIAL"), ("provider", "PROVIDER"), ("where", "WHERE"), ("last_four", "ENDS IN")]
    show.rows(records, columns, as_json, "No credential was found.")
    if records and not as_json:
        print(f"\n{len(records)} credentials within an agent's reach")
