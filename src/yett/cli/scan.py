"""`yett scan`: every credential that an agent started here could use. Read-only, no daemon, no root."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from yett.cli import show
from yett.cli.compared import Compared, compared, root_of
from yett.cli.operator import call
from yett.cli.scan_progress import Line
from yett.model.errors import ConfigurationError

if TYPE_CHECKING:
    from yett.inventory.finding import Severity
    from yett.inventory.history import LeakRate
    from yett.inventory.live import Plan
    from yett.inventory.outcome import Outcome

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
SEVERITIES = ("low", "medium", "high", "critical")


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
    least, fails = _severity(severity), _severity("critical" if fail_on == "never" else fail_on)
    if live:
        _may_ask(yes)
    reports = [_named_report(word) for word in report or ()]
    outcome = _scanned(paths or [], home, history, since, installed, again)
    if live:
        outcome = _asked(outcome, yes)
    if since or live:
        outcome = _reviewed(outcome)
    root = root_of(paths[0] if paths else Path())
    result = Compared(outcome)
    if not no_baseline:
        whole = history and not since and all(path.resolve() == root.resolve() for path in paths or [Path()])
        reviewed = "" if accept_new else since
        result = compared(outcome, root, baseline, whole=whole, reach=not paths and not since, since=reviewed)
    outcome = result.outcome
    if leak_rates:
        result = replace(result, rates=_rates(outcome, root, history and not since))
    shown = replace(result, outcome=_shown(outcome, least))
    for name, file in [("json" if as_json else format_name, output), *reports]:
        _written(shown, name, file, root)
    if reveal:
        _revealed(outcome)
    from yett.inventory.reports import exit_status

    status = exit_status(outcome, fails, strict_read=strict_read)
    raise typer.Exit(0 if fail_on == "never" and status == 1 else status)


def _scanned(paths: list[Path], home: bool | None, history: bool, since: str, installed: bool, again: bool) -> Outcome:
    from yett.daemon.settings import default_home
    from yett.inventory.fingerprints import kept
    from yett.inventory.survey import Wanted, survey

    reach = not paths
    for path in paths:
        if not os.path.lexists(path):
            raise ConfigurationError(f"{path} does not exist", "name files or folders that do")
    if since:
        return _brought(paths, since, home)
    wanted = Wanted(
        targets=tuple(Path(os.path.abspath(path)) for path in paths or [Path()]),
        home=Path.home() if home or (home is None and reach) else None,
        environ=dict(os.environ) if reach else None,
        processes=reach,
        history=history,
        installed=installed,
        state=None if again else default_home() / "scan",
    )
    with Line(sys.stderr) as line:
        return survey(wanted, kept(default_home()), line.show)


def _brought(paths: list[Path], since: str, home: bool | None) -> Outcome:
    from yett.daemon.settings import default_home
    from yett.inventory.changes.branch import brought
    from yett.inventory.fingerprints import kept
    from yett.inventory.survey import Step

    if len(paths) > 1 or home:
        raise ConfigurationError("--since looks at one repository", "name one folder, and leave out --home")
    folder = paths[0] if paths else Path()
    with Line(sys.stderr) as line:
        return brought(folder, since, kept(default_home()), lambda stage: line.show(Step(stage)))


def _rates(outcome: Outcome, root: Path, history: bool) -> tuple[LeakRate, ...]:
    from yett.inventory.rates import rates_of

    if not history:
        raise ConfigurationError("leak rates are of the whole history", "leave out --no-history and --since")
    return rates_of(root, outcome.findings)


def _shown(outcome: Outcome, least: Severity) -> Outcome:
    shown = tuple(each for each in outcome.findings if each.severity >= least or each.accepted)
    return replace(outcome, findings=shown)


def _named_report(word: str) -> tuple[str, Path]:
    name, equals, file = word.partition("=")
    if not equals or not file:
        raise typer.BadParameter(f"{word!r} is not FORMAT=FILE")
    return name, Path(file)


_OF_A_REPOSITORY = ("sarif", "markdown", "github", "gitlab")
"""Read by code hosts, which know paths from the repository's top only."""


def _written(result: Compared, format_name: str, output: Path | None, root: Path) -> None:
    from yett.inventory.kinds import load_rules
    from yett.inventory.reports import Layout, render
    from yett.inventory.reports.layout import terminal

    width, colour = terminal(sys.stdout) if output is None else (100, False)
    pages: Mapping[str, str] = {}
    if format_name in ("sarif", "html"):
        pages = {rule.id: rule.page for rule in load_rules()}
    layout = Layout(
        root if format_name in _OF_A_REPOSITORY else Path.cwd(),
        width=width,
        colour=colour,
        remarks=result.remarks,
        compared=result.by_baseline,
        pages=pages,
        rates=result.rates,
    )
    report = render(result.outcome, format_name, layout)
    if output is None:
        sys.stdout.write(report)
    else:
        output.write_text(report, "utf-8")


def _revealed(outcome: Outcome) -> None:
    """Only to a person in front of a terminal, who says so once more: a log or a transcript must never get values."""
    if not (sys.stdin.isatty() and sys.stdout.isatty() and sys.stderr.isatty()):
        raise ConfigurationError("--reveal shows values on a terminal only", "leave out pipes, files and --output")
    asked = 'Values will stay in this terminal\'s memory. Type "reveal" to go on'
    if typer.prompt(asked, default="", show_default=False) != "reveal":
        return
    for finding in outcome.open:
        print(show.safe(f"{finding.where}: {finding.value.reveal().decode('utf-8', 'replace')}"))


def _may_ask(yes: bool) -> None:
    """Said before a long scan, not after it."""
    from yett.inventory.live import refuse_inside

    refuse_inside()
    if not yes and not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise ConfigurationError(
            "--live asks before it shows credentials to their issuers, and there is no terminal to ask on",
            "Add --yes if a person decided that they may be shown.",
        )


def _asked(outcome: Outcome, yes: bool) -> Outcome:
    from yett.inventory.live import ask_all

    with Line(sys.stderr) as line:
        return ask_all(outcome, line.show, lambda plan: _consent(plan, yes))


def _reviewed(outcome: Outcome) -> Outcome:
    """Who reviews a branch reads what a new credential can do, not only that there is one."""
    from yett.inventory.reach.declared import with_authority
    from yett.inventory.scan import rooms

    return with_authority(outcome, rooms())


def _consent(plan: Plan, yes: bool) -> bool:
    """Once, with every host by name: each of them sees a credential that works or worked."""
    print(f"{plan.words()}:", file=sys.stderr)
    for host, number in plan.issuers.items():
        print(f"  {show.safe(host)} ({number:,})", file=sys.stderr)
    return yes or typer.confirm("Go on?", err=True)


def _staged() -> int:
    from yett.cli.scan_staged import main

    return main(sys.argv[2:])


def _severity(word: str) -> Severity:
    from yett.inventory.finding import Severity

    if word not in SEVERITIES:
        raise typer.BadParameter(f"{word!r} is none of {', '.join(SEVERITIES)}")
    return Severity.of(word)


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
