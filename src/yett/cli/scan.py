"""`yett scan`: every credential that an agent started here could use. Read-only, no daemon, no root."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from yett.cli import scanning, show
from yett.cli.operator import call
from yett.cli.scanning import NEVER, SEVERITIES, Request

_HELP = """Find the credentials that an agent started here could use.

Without PATH: this folder with its git history, the places of your home where clients keep logins, agents'
configurations and transcripts, and the variables of running processes. With PATH: those files and folders, and their
history. Nothing is changed, sent or stored; no value is shown. Only --live sends anything: each credential to its own
issuer, which says whether it works, whose it is and, where Yett knows how to ask, what it can do.

With --since: only what commits after that revision, and the work tree, bring; not what stood in the same file before.
Each is told with what it can do at most, as far as its kind says.
What .yett/baseline.json accepts is left out of the count; it is masked from agents all the same.

Exit status: 0 nothing of --fail-on or worse, 1 something, 2 a wrong command line, 3 something could not be read (with
--strict-read).

Example: yett scan
         yett scan . --format sarif --output yett.sarif
         yett scan . --since origin/main
         yett scan --staged
"""
_FORMATS = "table, json, jsonl, sarif, html, markdown, github (annotations) or gitlab (code quality)."


def register(app: typer.Typer) -> None:
    app.command("scan", help=_HELP)(scan)
    app.command(
        "blast",
        help="What the found credentials can really do, by their providers.\n\n"
        "Example: yett blast . --purpose 'custom domains' --svg blast.svg",
    )(blast)


def scan(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Files and folders; all of this folder's reach without.")
    ] = None,
    home: Annotated[bool | None, typer.Option(help="Read the places of your home where credentials lie.")] = None,
    history: Annotated[bool, typer.Option(help="Look through git history.")] = True,
    since: Annotated[str, typer.Option(metavar="REV", help="Only what came into the repository after REV.")] = "",
    staged: Annotated[bool, typer.Option("--staged", help="Only what is staged for the next commit.")] = False,
    pushed: Annotated[
        bool, typer.Option("--pushed", help="Only what a push sends: reads a pre-push hook's lines.")
    ] = False,
    remote: Annotated[str, typer.Option(help="With --pushed: where to, as git names it.")] = "",
    installed: Annotated[bool, typer.Option("--installed", help="Look into installed packages too.")] = False,
    format_name: Annotated[str, typer.Option("--format", help=_FORMATS)] = "table",
    as_json: show.AsJson = False,
    output: Annotated[Path | None, typer.Option(help="Write the report into this file.")] = None,
    report: Annotated[list[str] | None, typer.Option(metavar="FORMAT=FILE", help="Write another report too.")] = None,
    severity: Annotated[str, typer.Option(help="Show this and worse: low, medium, high or critical.")] = "medium",
    fail_on: Annotated[str, typer.Option(help="Exit with 1 for this and worse; never: always 0.")] = "high",
    strict_read: Annotated[bool, typer.Option("--strict-read", help="Exit with 3 if something was not read.")] = False,
    baseline: Annotated[Path | None, typer.Option(help="Accepted findings; else .yett/baseline.json.")] = None,
    accept_new: Annotated[
        bool, typer.Option("--accept-new", help="With --since: what the branch itself accepts counts too.")
    ] = False,
    no_baseline: Annotated[bool, typer.Option("--no-baseline", help="Count what was accepted too.")] = False,
    leak_rates: Annotated[
        bool, typer.Option("--leak-rates", help="How often commits of agents and of people bring one.")
    ] = False,
    again: Annotated[bool, typer.Option("--again", help="Look through all of history, not only what is new.")] = False,
    live: Annotated[
        bool, typer.Option("--live", help="Ask the issuers who each one is and what it can do, and no more.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="With --live: do not ask before credentials are shown.")] = False,
    reveal: Annotated[bool, typer.Option("--reveal", help="Show values too; on your own terminal only.")] = False,
) -> None:
    """The words of the command line, into one request."""
    if staged or pushed:
        raise typer.Exit(_staged())
    request = Request(
        paths=tuple(paths or ()),
        home=home,
        history=history,
        since=since,
        installed=installed,
        again=again,
        reports=(("json" if as_json else format_name, output), *(_named_report(word) for word in report or ())),
        severity=_severity(severity),
        fail_on=fail_on if fail_on == NEVER else _severity(fail_on),
        strict_read=strict_read,
        baseline=baseline,
        accept_new=accept_new,
        no_baseline=no_baseline,
        leak_rates=leak_rates,
        live=live,
        yes=yes,
        reveal=reveal,
    )
    raise typer.Exit(scanning.scan(request))


def _named_report(word: str) -> tuple[str, Path]:
    name, equals, file = word.partition("=")
    if not equals or not file:
        raise typer.BadParameter(f"{word!r} is not FORMAT=FILE")
    return name, Path(file)


def _staged() -> int:
    from yett.cli.scan_staged import main

    return main(sys.argv[2:])


def _severity(word: str) -> str:
    if word not in SEVERITIES:
        raise typer.BadParameter(f"{word!r} is none of {', '.join(SEVERITIES)}")
    return word


def blast(
    path: show.Workspace = Path(),
    purpose: Annotated[str, typer.Option(help="What they were made for; shows what goes beyond it.")] = "",
    svg: Annotated[Path | None, typer.Option(help="Draw the widest one into this file.")] = None,
    as_json: show.AsJson = False,
) -> None:
    """The one command that uses a found credential: to ask its own provider what it is, nothing else."""
    if not purpose and not as_json and sys.stdin.isatty():
        purpose = typer.prompt("What were they made for? (empty: not known)", default="", show_default=False)
    answer = call("blast", path=str(path.absolute()), purpose=purpose, environ=dict(os.environ))
    found = [{key: _clean(value) for key, value in row.items()} for row in answer["found"]]
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


def _clean(said: Any) -> Any:  # Any: a JSON record of the daemon
    """Without what stands in a name of a file or an account."""
    from yett.inventory.unsaid import unsaid

    if isinstance(said, list):
        return [_clean(each) for each in said]
    if isinstance(said, dict):
        return {key: _clean(value) for key, value in said.items()}
    return unsaid(said) if isinstance(said, str) else said
