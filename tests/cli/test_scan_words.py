"""A plain `yett scan` is read without typer, and means what typer would have read."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from yett.cli import scanning
from yett.cli.app import app
from yett.cli.scan_words import request
from yett.cli.scanning import Request

PLAIN = [
    "",
    ".",
    "a b/c .env",
    ". --json",
    "--json --no-history .",
    ". --installed --no-history --no-baseline --json",
    "--home --history",
    "--no-home . --again --strict-read",
    ". --format sarif --output yett.sarif",
    ". --format=html --output=page=1.html",
    ". --json --format table",
    "--severity low --fail-on never",
    "--severity=critical --fail-on=critical a",
    ". --baseline other.json",
]
TYPERS = [
    "--help",
    ". -h",
    "--staged",
    "--pushed --remote origin",
    ". --since main",
    "--live",
    "--reveal",
    "--leak-rates .",
    "--report json=a.json",
    "-- --json",
    "--severity worse",
    "--fail-on",
    "--fail-on bad",
    "--format --json",
    "--format=",
    "--json=yes",
    "--json --json",
    "--home --no-home",
    "--format json --format table",
    "--unknown",
    "-x",
]


def typers(monkeypatch: pytest.MonkeyPatch, words: list[str]) -> Request:
    """What typer makes of the words."""
    seen: list[Request] = []

    def noted(wanted: Request) -> int:
        seen.append(wanted)
        return 0

    monkeypatch.setattr(scanning, "scan", noted)
    done = CliRunner().invoke(app, ["scan", *words])
    assert done.exit_code == 0, done.output
    return seen[0]


@pytest.mark.parametrize("line", PLAIN)
def test_both_readings_agree(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    words = line.split()
    assert request(words) == typers(monkeypatch, words)


def test_a_path_may_hold_blanks_and_bytes_that_are_no_text(monkeypatch: pytest.MonkeyPatch) -> None:
    words = ["my folder/\udcff", "--json"]
    assert request(words) == typers(monkeypatch, words)
    assert request([""]) is None


@pytest.mark.parametrize("line", TYPERS)
def test_all_else_is_left_to_typer(line: str) -> None:
    assert request(line.split()) is None


def started(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-X", "importtime", "-m", "yett.cli", "scan", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)


def test_a_plain_scan_loads_neither_typer_nor_history_nor_providers_folders(tmp_path: Path) -> None:
    started(tmp_path, ".", "--no-history")  # the first one ever compiles the rules
    done = started(tmp_path, ".", "--no-history", "--json")
    assert done.returncode == 0
    assert '"findings": []' in done.stdout
    for module in ("typer", "yett.cli.app", "yett.inventory.history", "yett.providers.book"):
        assert f" {module}\n" not in done.stderr
    assert " typer\n" in started(tmp_path, "--since", "nothing").stderr


def test_what_is_wrong_is_said_as_ever(tmp_path: Path) -> None:
    done = started(tmp_path, "absent", "--no-history")
    assert done.returncode == 1
    assert "yett: absent does not exist\n      name files or folders that do\n" in done.stderr


def test_a_reader_that_has_seen_enough_is_no_error(tmp_path: Path) -> None:
    line = f"{sys.executable} -m yett.cli scan . --no-history --json | true; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", line], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr == ""
    assert done.stdout.strip() in ("0", "1")
