"""The scan as a person runs it: every source in one outcome, with who, when and where."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from yett.inventory import tree
from yett.inventory.finding import Finding
from yett.inventory.fingerprints import kept
from yett.inventory.outcome import Outcome
from yett.inventory.pool import Pool
from yett.inventory.severity import Severity
from yett.inventory.survey import Step, Wanted, survey

MADE = "x7Kq92mZp4Tt81Lw0Rv6"
OTHER = "q3Wd81nBv6Yy27Hs5Jf0"
THIRD = "m5Zx40cKd9Pp63Gt2Wb8"


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    made = tmp_path / "workspace"
    made.mkdir()
    return made


def put(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def git(folder: Path, *words: str, **environ: str) -> None:
    identity = ("-c", "user.name=Ada Lovelace", "-c", "user.email=ada@example.test", "-c", "init.defaultBranch=main")
    subprocess.run(
        ["git", *identity, *words], cwd=folder, check=True, capture_output=True, env={**os.environ, **environ}
    )


def by_value(outcome: Outcome) -> dict[str, Finding]:
    return {finding.value.text(): finding for finding in outcome.findings}


def test_every_source_is_one_outcome(workspace: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    put(workspace, "app.env", f"API_TOKEN={MADE}\n")
    put(home, ".cursor/mcp.json", json.dumps({"mcpServers": {"x": {"env": {"X_TOKEN": OTHER}}}}))
    put(home, ".claude/projects/p/1.jsonl", json.dumps({"text": f"export SERVICE_TOKEN={THIRD}"}) + "\n")
    with zipfile.ZipFile(workspace / "old.zip", "w") as archive:
        archive.writestr("conf/.env", "DB_PASSWORD=blue7-kettle-river\n")
    outcome = survey(Wanted((workspace,), home=home, environ={"SOME_API_KEY": MADE[::-1]}))
    sources = {value: {at.source for at in f.credential.locations} for value, f in by_value(outcome).items()}
    assert sources == {
        MADE: {"file"},
        OTHER: {"client-config"},
        THIRD: {"transcript"},
        "blue7-kettle-river": {"archive"},
        MADE[::-1]: {"variable"},
    }
    assert (outcome.targets, outcome.unread) == ((str(workspace),), ())


def test_history_says_who_brought_it_and_when(workspace: Path) -> None:
    put(workspace, "old.env", f"API_TOKEN={MADE}\n")
    git(workspace, "init", "-q")
    git(workspace, "add", ".")
    date = "2023-05-06T07:08:09+00:00"
    git(workspace, "commit", "-q", "-m", "oops", GIT_AUTHOR_DATE=date, GIT_COMMITTER_DATE=date)
    git(workspace, "rm", "-q", "old.env")
    git(workspace, "commit", "-q", "-m", "gone")
    finding = by_value(survey(Wanted((workspace,))))[MADE]
    place = finding.credential.locations[0]
    assert (place.source, place.path, place.line, len(place.commit)) == ("history", "old.env", 1, 40)
    assert finding.credential.owner == "Ada Lovelace"
    assert time.strftime("%Y-%m-%d", time.gmtime(finding.since)) == "2023-05-06"
    assert by_value(survey(Wanted((workspace,), history=False))) == {}


def test_a_second_scan_of_history_reads_only_what_is_new_and_finds_the_same(workspace: Path, tmp_path: Path) -> None:
    git(workspace, "init", "-q")
    for number in range(5):
        put(workspace, "a.env", f"API_TOKEN={MADE}\nN={number}\n")
        git(workspace, "add", ".")
        git(workspace, "commit", "-q", "-m", str(number))
    git(workspace, "gc", "-q")
    wanted = Wanted((workspace,), state=tmp_path / "state")
    first, second = survey(wanted), survey(wanted)
    assert second.blobs < first.blobs
    places = [f.credential.locations for f in first.findings], [f.credential.locations for f in second.findings]
    assert sorted(places[0][0], key=str) == sorted(places[1][0], key=str)
    kept_bytes = b"".join(path.read_bytes() for path in (tmp_path / "state").rglob("*") if path.is_file())
    assert MADE.encode() not in kept_bytes


def test_installed_packages_are_passed_over_and_said(workspace: Path) -> None:
    put(workspace, "node_modules/x/a.js", f'const apiToken = "{MADE}"\n')
    outcome = survey(Wanted((workspace,)))
    assert not outcome.findings
    assert [each.what for each in outcome.unread] == ["1 folder of installed packages"]
    assert MADE in by_value(survey(Wanted((workspace,), installed=True)))


def test_what_lies_in_a_production_file_is_worse(workspace: Path) -> None:
    put(workspace, ".env.production", f"DB_PASSWORD={MADE}\n")
    put(workspace, ".env.local", f"DB_PASSWORD={OTHER}\n")
    found = by_value(survey(Wanted((workspace,))))
    assert (found[MADE].environment, found[OTHER].environment) == ("production", "development")
    assert found[MADE].severity > found[OTHER].severity


def test_a_key_beside_tests_is_minor_but_an_issuers_token_is_not(workspace: Path) -> None:
    put(workspace, "tests/data/a.yaml", f"api_token: {MADE}\n")
    put(workspace, "tests/data/b.yaml", f"glpat-{OTHER}\n")
    severities = {f.credential.kind: f.severity for f in survey(Wanted((workspace,))).findings}
    assert severities["generic-secret"] == Severity.LOW
    assert severities["gitlab-token"] >= Severity.HIGH


def test_a_folder_above_the_workspace_that_is_called_test_says_nothing(tmp_path: Path) -> None:
    workspace = tmp_path / "test" / "app"
    put(workspace, "a.yaml", f"api_token: {MADE}\n")
    assert by_value(survey(Wanted((workspace,))))[MADE].severity > Severity.LOW


def test_progress_says_how_far_it_is(workspace: Path) -> None:
    for number in range(4000):
        put(workspace, f"{number % 40}/{number}.txt", "nothing\n")
    steps: list[Step] = []
    survey(Wanted((workspace,), workers=2), progress=steps.append)
    files = [step for step in steps if step.stage == "files"]
    assert files
    assert files[-1].done == files[-1].total == 4000


class LastFirst(Pool[tree.Answer]):
    """The slowest worker's answer comes first."""

    def answers(self, batches: Iterator[list[str]]) -> Iterator[tree.Answer]:
        yield from reversed([*super().answers(batches)])


def test_the_report_is_the_same_whichever_worker_is_faster(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(12):
        put(workspace, f"{number}/app.env", f"API_TOKEN={MADE}\nDB_PASSWORD=blue{number}-kettle-river\n")
        put(workspace, f"{number}/prod.ini", f"[db]\nuser = u{number}\npassword = {OTHER}\nSERVICE_TOKEN = {MADE}\n")
        (workspace / f"{number}/broken.zip").write_bytes(b"PK\x03\x04\0 no archive")
    monkeypatch.setattr(tree, "ALONE", 1)
    monkeypatch.setattr(tree, "batches", lambda names: ([name] for name in names))
    reports = []
    for pool in (Pool, LastFirst):
        monkeypatch.setattr(tree, "Pool", pool)
        outcome = survey(Wanted((workspace,), workers=2), kept(workspace.parent))
        reports.append(([finding.as_record() for finding in outcome.findings], outcome.unread))
    assert reports[0] == reports[1]
    assert len(reports[0][1]) == 12


def test_findings_come_by_severity_then_path_then_line(workspace: Path) -> None:
    put(workspace, "b.env", "DB_PASSWORD=blue7-kettle-river\n")
    put(workspace, "a.env", "\n" * 8 + f"B_TOKEN={OTHER}\nA_TOKEN={MADE}\n")
    put(workspace, "tests/c.env", "DB_PASSWORD=green4-mountain-sky\n")
    found = survey(Wanted((workspace,), history=False)).findings
    shown = [(each.severity, Path(each.credential.locations[0].path).name, each.credential.locations[0].line)
             for each in found]  # fmt: skip
    assert shown == sorted(shown, key=lambda row: (-row[0], row[1], row[2]))
    assert [row[1:] for row in shown if row[0] is shown[-1][0]] == [("c.env", 1)]
    assert ("a.env", 9) in [row[1:] for row in shown]


def test_fingerprints_stay_the_same_on_one_machine(workspace: Path, tmp_path: Path) -> None:
    put(workspace, "app.env", f"API_TOKEN={MADE}\n")
    wanted = Wanted((workspace,))
    names = {survey(wanted, kept(tmp_path / "home")).findings[0].credential.fingerprint for _ in range(2)}
    assert len(names) == 1
    assert names != {survey(wanted, kept(tmp_path / "other")).findings[0].credential.fingerprint}
    assert (tmp_path / "home" / "scan.key").stat().st_mode & 0o777 == 0o600


# -- the command


def run(folder: Path, home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "HOME": str(home), "YETT_HOME": str(home / "yett"), "NO_COLOR": "1"}
    return subprocess.run(
        [sys.executable, "-m", "yett.cli", "scan", *words], cwd=folder, env=environ, capture_output=True, text=True
    )


@pytest.fixture
def home(tmp_path: Path) -> Path:
    made = tmp_path / "home"
    made.mkdir()
    return made


def test_the_command_finds_shows_and_fails(workspace: Path, home: Path) -> None:
    put(workspace, ".env.production", f"DB_PASSWORD={MADE}\n")
    done = run(workspace, home)
    assert done.returncode == 1
    assert " credential" in done.stdout, "how many depends on what other processes have"
    assert ".env.production:1" in done.stdout
    assert MADE not in done.stdout + done.stderr
    assert run(workspace, home, ".", "--fail-on", "never").returncode == 0


@pytest.mark.parametrize("form", ["table", "json", "jsonl", "sarif", "html", "markdown"])
def test_every_format_is_written_without_the_value(workspace: Path, home: Path, form: str) -> None:
    put(workspace, ".env.production", f"DB_PASSWORD={MADE}\n")
    report = workspace.parent / "report"
    done = run(workspace, home, ".", "--format", form, "--output", str(report))
    assert (done.returncode, done.stdout) == (1, "")
    assert ".env.production" in report.read_text()
    assert MADE not in report.read_text()
    if form in ("json", "sarif"):
        json.loads(report.read_text())


def test_nothing_found_is_said_and_passes(workspace: Path, home: Path) -> None:
    put(workspace, "a.txt", "nothing\n")
    done = run(workspace, home, ".")
    assert done.returncode == 0
    assert "No credential" in done.stdout


def test_a_path_that_is_not_there_is_an_error_with_a_way_on(workspace: Path, home: Path) -> None:
    done = run(workspace, home, "nowhere")
    assert done.returncode != 0
    assert "nowhere" in done.stderr
    assert "Traceback" not in done.stderr


def test_values_are_revealed_on_a_terminal_only(workspace: Path, home: Path) -> None:
    put(workspace, ".env.production", f"DB_PASSWORD={MADE}\n")
    done = run(workspace, home, ".", "--reveal")
    assert done.returncode != 0
    assert MADE not in done.stdout + done.stderr
    assert "terminal" in done.stderr


def test_the_scan_changes_nothing_where_it_looks(workspace: Path, home: Path) -> None:
    put(workspace, ".env", f"DB_PASSWORD={MADE}\n")
    git(workspace, "init", "-q")
    git(workspace, "add", ".")
    git(workspace, "commit", "-q", "-m", "x")
    before = {path: path.stat().st_mtime_ns for path in workspace.rglob("*")}
    run(workspace, home)
    assert {path: path.stat().st_mtime_ns for path in workspace.rglob("*")} == before
