"""What `yett scan` does once its command line is read. Loads no typer: a scan must start at once."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from yett.cli.scan_progress import Line
from yett.inventory.severity import Severity
from yett.model.errors import ConfigurationError

if TYPE_CHECKING:
    from yett.cli.compared import Compared
    from yett.inventory.history import LeakRate
    from yett.inventory.live import Plan
    from yett.inventory.outcome import Outcome

SEVERITIES = ("low", "medium", "high", "critical")
NEVER = "never"


@dataclass(frozen=True, slots=True)
class Request:
    """One command line. `reports`: (format, file) of each, None for standard output. No `paths`: all of this folder's
    reach. The words of severities are known ones.
    """

    paths: tuple[Path, ...] = ()
    home: bool | None = None
    history: bool = True
    since: str = ""
    installed: bool = False
    again: bool = False
    reports: tuple[tuple[str, Path | None], ...] = (("table", None),)
    severity: str = "medium"
    fail_on: str = "high"
    strict_read: bool = False
    baseline: Path | None = None
    accept_new: bool = False
    no_baseline: bool = False
    leak_rates: bool = False
    live: bool = False
    yes: bool = False
    reveal: bool = False


def scan(request: Request) -> int:
    """Look, report, and give the exit status."""
    if request.live:
        _may_ask(request.yes)
    outcome = _scanned(request)
    if request.live:
        outcome = _asked(outcome, request.yes)
    if request.since or request.live:
        outcome = _reviewed(outcome)
    result = _compared(outcome, request)
    outcome = result.outcome
    shown = replace(result, outcome=_shown(outcome, Severity.of(request.severity)))
    for name, file in request.reports:
        _written(shown, name, file, request)
    if request.reveal:
        _revealed(outcome)
    from yett.inventory.reports import exit_status

    fails = "critical" if request.fail_on == NEVER else request.fail_on
    status = exit_status(outcome, Severity.of(fails), strict_read=request.strict_read)
    return 0 if request.fail_on == NEVER and status == 1 else status


def _compared(outcome: Outcome, request: Request) -> Compared:
    """With what the baseline accepts, and leak rates, as far as they are wanted."""
    from yett.cli.compared import Compared, compared

    result = Compared(outcome)
    paths, since, history = request.paths, request.since, request.history
    if not request.no_baseline:
        root = _root(request)
        whole = history and not since and all(path.resolve() == root.resolve() for path in paths or [Path()])
        reviewed = "" if request.accept_new else since
        reach = not paths and not since
        result = compared(outcome, root, request.baseline, whole=whole, reach=reach, since=reviewed)
    if request.leak_rates:
        result = replace(result, rates=_rates(result.outcome, _root(request), history and not since))
    return result


def _root(request: Request) -> Path:
    """Asks git, so only where somebody needs it."""
    from yett.cli.compared import root_of

    return root_of(request.paths[0] if request.paths else Path())


def _scanned(request: Request) -> Outcome:
    from yett.daemon.settings import default_home
    from yett.inventory.fingerprints import kept
    from yett.inventory.survey import Wanted, survey

    paths, since, home = request.paths, request.since, request.home
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
        history=request.history,
        installed=request.installed,
        state=None if request.again else default_home() / "scan",
    )
    with Line(sys.stderr) as line:
        return survey(wanted, kept(default_home()), line.show)


def _brought(paths: tuple[Path, ...], since: str, home: bool | None) -> Outcome:
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


_OF_A_REPOSITORY = ("sarif", "markdown", "github", "gitlab")
"""Read by code hosts, which know paths from the repository's top only."""


def _written(result: Compared, format_name: str, output: Path | None, request: Request) -> None:
    from yett.inventory.reports import Layout, render
    from yett.inventory.reports.layout import terminal

    width, colour = terminal(sys.stdout) if output is None else (100, False)
    pages: Mapping[str, str] = {}
    if format_name in ("sarif", "html"):
        from yett.inventory.kinds import load_rules

        pages = {rule.id: rule.page for rule in load_rules()}
    layout = Layout(
        _root(request) if format_name in _OF_A_REPOSITORY else Path.cwd(),
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
    import typer

    from yett.cli.show import safe

    asked = 'Values will stay in this terminal\'s memory. Type "reveal" to go on'
    if typer.prompt(asked, default="", show_default=False) != "reveal":
        return
    for finding in outcome.open:
        print(safe(f"{finding.where}: {finding.value.reveal().decode('utf-8', 'replace')}"))


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
    import typer

    from yett.cli.show import safe

    print(f"{plan.words()}:", file=sys.stderr)
    for host, number in plan.issuers.items():
        print(f"  {safe(host)} ({number:,})", file=sys.stderr)
    return yes or typer.confirm("Go on?", err=True)
