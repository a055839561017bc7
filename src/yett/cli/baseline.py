"""`yett baseline`: the findings that people accepted, in a file of the repository."""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from yett.cli import show
from yett.cli.compared import baseline_path, root_of, within
from yett.cli.scan_progress import Line
from yett.model.errors import ConfigurationError

if TYPE_CHECKING:
    from yett.inventory.baseline import Allow, Baseline, Entry
    from yett.inventory.finding import Finding
    from yett.inventory.outcome import Outcome
    from yett.inventory.severity import Severity

ABOUT = (
    "Findings that were accepted, in .yett/baseline.json.\n\n"
    "It filters reports and exit statuses only. Agents see placeholders for accepted credentials too, and the gate "
    "refuses them all the same: a file of the workspace may only narrow what is allowed."
)
MOST_SHOWN = 10
Reason = Annotated[str, typer.Option(help="Why it is no danger.")]
Until = Annotated[str, typer.Option(metavar="DAY", help="The last day that it counts, like 2031-12-31.")]
File = Annotated[Path | None, typer.Option("--baseline", help="Another file than .yett/baseline.json.")]
Rule = Annotated[str, typer.Option(metavar="GLOB", help="Only of this rule, as reports and `list` name it.")]


def register(app: typer.Typer) -> None:
    for name, does, about, example in (
        ("create", create, "Take over everything that is found now, unaudited.", "create ."),
        ("add", add, "Accept what is found in these files and folders.", "add tests/keys --reason 'made for tests'"),
        (
            "allow",
            allow,
            "Accept whatever a rule finds below some paths, until a day.",
            "allow --path 'docs/**' --rule '*' --reason 'examples' --until 2031-12-31",
        ),
        ("list", list_, "What is accepted, why and until when.", "list"),
        ("audit", audit, "Look at each one that nobody has looked at: keep it or reject it.", "audit"),
        ("prune", prune, "Remove what matches nothing any more.", "prune"),
        ("import", import_, "Take over what another scanner reported or was told to ignore.", "import gitleaks.json"),
    ):
        note = "It filters reports only: accepted credentials are masked from agents all the same."
        app.command(name, help=f"{about}\n\n{note}\n\nExample: yett baseline {example}")(does)


def create(
    path: Annotated[Path, typer.Argument(help="The repository, or a folder of it.", exists=True)] = Path(),
    reason: Reason = "",
    until: Until = "",
    file: File = None,
) -> None:
    root = root_of(path)
    baseline = _load(root, file)
    if baseline.path.exists():
        raise ConfigurationError(f"{baseline.path} is there already", "add to it: yett baseline add, or remove it")
    outcome = _scanned([path], root)
    today = date.today().isoformat()
    findings = outcome.findings
    baseline.add(findings, reason or f"taken over on {today}", until=until, by=_person(), audited=False).write()
    _say(f"{baseline.path}: {_count(len(findings))} taken over")
    if findings:
        print(f"NOBODY HAS LOOKED AT {'IT' if len(findings) == 1 else f'ANY OF THESE {len(findings):,}'}.")
        print("Every report says so until somebody has: yett baseline audit")


def add(
    reason: Annotated[str, typer.Option(help="Why it is no danger.")],
    paths: Annotated[list[Path] | None, typer.Argument(help="Files and folders; this folder without.")] = None,
    until: Until = "",
    rule: Rule = "*",
    severity: Annotated[str, typer.Option(help="Only this and worse, as `yett scan` shows it.")] = "medium",
    file: File = None,
) -> None:
    chosen = paths or [Path()]
    root = root_of(chosen[0])
    baseline = _load(root, file)
    least = _severity(severity)
    findings = [
        finding for finding in _scanned(chosen, root).findings if finding.severity >= least and _is_of(finding, rule)
    ]
    if not findings:
        raise ConfigurationError("nothing of that kind is found there", "see what is: yett scan PATH --no-baseline")
    baseline.add(findings, reason, until=until, by=_person()).write()
    clean = _cleaner(findings)
    show.lines([clean(f"{baseline.path}: {_count(len(findings))} accepted")])
    show.lines(clean(f"  {finding.title}: {finding.where}") for finding in findings[:MOST_SHOWN])
    if len(findings) > MOST_SHOWN:
        print(f"  and {len(findings) - MOST_SHOWN} more")


def allow(
    path: Annotated[str, typer.Option(metavar="GLOB", help="From the repository's top: 'docs/**'.")],
    rule: Annotated[str, typer.Option(metavar="GLOB", help="Whose findings: 'generic-secret', or '*' for all.")],
    reason: Annotated[str, typer.Option(help="Why that is no danger.")],
    until: Annotated[str, typer.Option(metavar="DAY", help="The last day that it counts, like 2031-12-31.")],
    file: File = None,
) -> None:
    from yett.inventory.baseline import Allow
    from yett.inventory.baseline.entry import BadEntry

    baseline = _load(root_of(Path()), file)
    try:
        made = Allow(path, rule, reason, until=until, by=_person())
    except BadEntry as error:
        raise ConfigurationError(f"this cannot be accepted: {error}", "say why, and until when") from None
    baseline.allowing(made).write()
    _say(f"{baseline.path}: whatever {rule} finds in {path} is accepted until {until}")


def list_(file: File = None, as_json: show.AsJson = False) -> None:
    baseline = _load(root_of(Path()), file)
    entries = [{"sort": "entry", **entry.as_record(), "state": _state(entry)} for entry in baseline.entries]
    allows = [{"sort": "allow", **each.as_record(), "state": _state(each)} for each in baseline.allows]
    columns = [("path", "WHERE"), ("rule", "RULE"), ("reason", "REASON"), ("until", "UNTIL"), ("state", "STATE")]
    clean = _cleaner()
    records = [{key: clean(value) for key, value in record.items()} for record in (*entries, *allows)]
    show.rows(records, columns, as_json, clean(f"Nothing is accepted in {baseline.path}."))


def audit(file: File = None) -> None:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise ConfigurationError("an audit asks questions", "run it on a terminal, not through a pipe")
    from yett.cli.baseline_audit import Audit

    root = root_of(Path())
    baseline = _load(root, file)
    waiting = [entry for entry in baseline.entries if not entry.audited]
    if not waiting:
        print("Nothing waits: somebody has looked at everything that is accepted.")
        return
    Audit(baseline, root, _scanned([root], root).findings, _person()).run(waiting)


def prune(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would go.")] = False, file: File = None
) -> None:
    root = root_of(Path())
    baseline = _load(root, file)
    outcome = _scanned([root], root)
    if any("shallow clone" in unread.why for unread in outcome.unread):
        raise ConfigurationError("older history is not here, so nothing can be called gone", "git fetch --unshallow")
    unread = {unread.what.removeprefix(f"{root}/") for unread in outcome.unread}
    gone = [each for each in within(baseline.apply(outcome.findings)).stale if each.path not in unread]
    clean = _cleaner(outcome.findings)
    show.lines(clean(f"matches nothing any more: {each.rule} in {each.path} ({each.reason})") for each in gone)
    if gone and not dry_run:
        baseline.without(gone).write()
    print(f"{len(gone)} {'would be removed' if dry_run else 'removed'}, {_size(baseline) - len(gone)} left")


def import_(
    report: Annotated[Path, typer.Argument(help="A report or list of ignores.", exists=True, dir_okay=False)],
    until: Until = "",
    file: File = None,
) -> None:
    from yett.inventory.baseline.imports import read_report, take_over
    from yett.inventory.baseline.imports.take_over import gitleaks_allows

    root = root_of(Path())
    baseline = _load(root, file)
    if report.name == ".gitleaks.toml":
        allows, left = gitleaks_allows(report, until)
        for each in allows:
            baseline = baseline.allowing(each)
        baseline.write()
        _say(f"{baseline.path}: {len(allows)} paths accepted until {until}")
        _say(*(f"  not taken over, it is no plain path: {each}" for each in left))
        return
    records = read_report(report)
    findings = _scanned([root], root).findings
    taken = take_over(records, findings, baseline, until=until, by=_person())
    taken.baseline.write()
    clean = _cleaner(findings)
    show.lines([clean(f"{baseline.path}: {taken.added} of {len(records)} records taken over, looked at by nobody yet")])
    if taken.unmatched:
        print(f"{len(taken.unmatched)} match nothing that this scan finds:")
        show.lines(clean(f"  {each.rule} in {each.path}:{each.line}") for each in taken.unmatched[:MOST_SHOWN])
    print("Look at them: yett baseline audit")


def _cleaner(findings: Iterable[Finding] = ()) -> Callable[[object], Any]:  # Any: a text, or whatever else it was
    """A path or a reason may hold a value, of these or one that its own form tells."""
    from yett.inventory.engine import engine
    from yett.inventory.unsaid import Unsaid

    texts = Unsaid(engine(), (finding.value.reveal() for finding in findings))
    return lambda said: texts.clean(said) if isinstance(said, str) else said


def _say(*lines: str) -> None:
    show.lines(map(_cleaner(), lines))


def _load(root: Path, file: Path | None) -> Baseline:
    from yett.inventory.baseline import Baseline

    return Baseline.load(baseline_path(root, file), root)


def _scanned(paths: list[Path], root: Path) -> Outcome:
    """The files, and the history if it is the whole repository: a folder's own entry must not cover all of history."""
    from yett.daemon.settings import default_home
    from yett.inventory.fingerprints import kept
    from yett.inventory.survey import Wanted, survey

    for path in paths:
        if not os.path.lexists(path):
            raise ConfigurationError(f"{path} does not exist", "name files or folders that do")
    targets = tuple(Path(os.path.abspath(path)) for path in paths)
    wanted = Wanted(targets=targets, history=root in targets, state=default_home() / "scan")
    with Line(sys.stderr) as line:
        return survey(wanted, kept(default_home()), line.show)


def _is_of(finding: Finding, rule: str) -> bool:
    from yett.inventory.baseline import rule_of
    from yett.inventory.baseline.globs import matches

    return matches(rule, rule_of(finding))


def _severity(word: str) -> Severity:
    from yett.inventory.severity import Severity

    try:
        return Severity.of(word)
    except KeyError:
        raise typer.BadParameter(f"{word!r} is none of low, medium, high, critical") from None


def _state(each: Entry | Allow) -> str:
    from yett.inventory.baseline.entry import expired

    if expired(each.until, date.today()):
        return "ended"
    return "accepted" if each.acceptance.audited else "unaudited"


def _size(baseline: Baseline) -> int:
    return len(baseline.entries) + len(baseline.allows)


def _count(number: int) -> str:
    return "1 credential" if number == 1 else f"{number:,} credentials"


def _person() -> str:
    """Who says so, as the machine knows them; the commit says it again."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""
