"""`yett scan`: every credential that an agent started here could use. Read-only, no daemon, no root."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from yett.cli import show
from yett.cli.operator import call


def register(app: typer.Typer) -> None:
    app.command("scan", help="Find the credentials that an agent started here could use.\n\nExample: yett scan .")(scan)
    app.command(
        "blast",
        help="What the found credentials can really do, by their providers.\n\n"
        "Example: yett blast . --purpose 'custom domains' --svg blast.svg",
    )(blast)


def scan(
    path: show.Workspace = Path(),
    history: Annotated[bool, typer.Option(help="Look through git history too.")] = True,
    as_json: show.AsJson = False,
) -> None:
    from yett.inventory import scan_workspace  # heavy
    from yett.sandbox.home import shown

    home, also = Path.home(), [Path(found) for found in shown(str(Path.home()))]
    findings = scan_workspace(path.absolute(), environ=dict(os.environ), home=home, history=history, also=also)
    records = [finding.as_record() for finding in findings]
    columns = [("kind", "CREDENTIAL"), ("provider", "PROVIDER"), ("where", "WHERE"), ("last_four", "ENDS IN")]
    show.rows(records, columns, as_json, "No credential was found.")
    if records and not as_json:
        print(f"\n{len(records)} credentials within an agent's reach")


def blast(
    path: show.Workspace = Path(),
    purpose: Annotated[str, typer.Option(help="What they were made for; shows what goes beyond it.")] = "",
    svg: Annotated[Path | None, typer.Option(help="Draw the widest one into this file.")] = None,
    as_json: show.AsJson = False,
) -> None:
    """The one command that uses a found credential: to ask its own provider what it is, nothing else."""
    if not purpose and not as_json and sys.stdin.isatty():
        purpose = typer.prompt("What were they made for? (empty: not known)", default="", show_default=False)
    found = call("blast", path=str(path.absolute()), purpose=purpose, environ=dict(os.environ))["found"]
    if as_json:
        show.rows([{k: v for k, v in row.items() if k != "svg"} for row in found], [], as_json=True, empty="")
        return
    if not found:
        print("No credential of a provider that Yett knows was found.")
    for row in found:
        show.lines([row["text"].rstrip(), f"  lies in {row['where']}", ""])
    if svg is not None and found:
        svg.write_text(max(found, key=lambda row: len(row["svg"]))["svg"])
        print(f"drawn into {svg}")
