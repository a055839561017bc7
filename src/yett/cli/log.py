"""`yett log`: the ledger, exported and verified offline."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from yett.cli import show
from yett.cli.operator import call
from yett.ledger.verify import Report, verify_directory
from yett.model.errors import YettError


def register(app: typer.Typer) -> None:
    app.command(
        "export", help="Write the log as a directory that verifies without Yett.\n\nExample: yett log export ./ledger"
    )(export)
    app.command(
        "receipt",
        help="Print one entry with its proof, to be kept elsewhere: it verifies offline and betrays a log that was "
        "rolled back or signed again.\n\nExample: yett log receipt 41 > 41.tlog-proof",
    )(receipt)
    app.command(
        "verify", help="Verify an exported directory, or the running log.\n\nExample: yett log verify ./ledger"
    )(verify)


def export(folder: Path) -> None:
    answer = call("log.export", folder=str(folder.absolute()))
    print(f"{answer['size']} entries in {folder}; verify with: yett log verify {folder}")


def receipt(index: Annotated[int, typer.Argument(min=0, help="The entry's number, counted from 0.")]) -> None:
    print(call("log.receipt", index=index)["receipt"], end="")


def verify(
    folder: Annotated[
        Path | None, typer.Argument(help="An exported directory; without it the running log is exported first.")
    ] = None,
    vkey: Annotated[str, typer.Option(help="The log's verifier key; default: the file vkey in the directory.")] = "",
    earlier: Annotated[
        list[Path] | None, typer.Option(help="A checkpoint or receipt kept from before: finds a rollback.")
    ] = None,
    as_json: show.AsJson = False,
) -> None:
    notes = tuple(path.read_text() for path in earlier or ())
    if folder is not None:
        report = verify_directory(folder, vkey or (folder / "vkey").read_text().strip(), notes)
    else:
        with tempfile.TemporaryDirectory() as temporary:
            answer = call("log.export", folder=temporary)
            report = verify_directory(Path(temporary), vkey or answer["vkey"], notes)
    _print(report, as_json)


def _print(report: Report, as_json: bool) -> None:
    if as_json:
        problems = [{"place": p.place, "what": p.what} for p in report.problems]
        print(
            json.dumps({"size": report.size, "root": report.root.hex() if report.root else None, "problems": problems})
        )
    if report.problems:
        found = "\n  ".join(f"{p.place}: {p.what}" for p in report.problems)
        raise YettError(f"the log does not verify:\n  {found}", "keep this copy: it is evidence")
    if not as_json:
        print(f"{report.size} entries verify against the signed checkpoint")
