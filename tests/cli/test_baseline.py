"""`yett baseline`: what is accepted is left out of the count, loudly while nobody has looked at it."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import time
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from repositories import YETT, Repository, token, yett

TOMORROW = (date.today() + timedelta(1)).isoformat()
YESTERDAY = (date.today() - timedelta(1)).isoformat()


def ok(repository: Repository, *words: str, status: int = 0) -> str:
    done = yett(repository.top, *words)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


def opened(repository: Repository, *words: str) -> list[str]:
    """Rules of the findings that count."""
    done = yett(repository.top, "scan", ".", "--json", *words)
    rows = json.loads(done.stdout)["findings"]
    assert done.returncode == int(any("accepted" not in row for row in rows))
    return [row["kind"] for row in rows if "accepted" not in row]


def listed(repository: Repository) -> list[dict[str, Any]]:
    return list(json.loads(ok(repository, "baseline", "list", "--json")))


def test_create_takes_over_everything_and_says_that_nobody_looked(repository: Repository) -> None:
    repository.commit("a.env", token())
    repository.commit("a.env", token())
    said = ok(repository, "baseline", "create")
    assert "2 credentials taken over" in said
    assert "NOBODY HAS LOOKED AT ANY OF THESE 2" in said
    assert opened(repository) == []
    assert [row["state"] for row in listed(repository)] == ["unaudited", "unaudited"]
    assert "audited by nobody" in ok(repository, "scan", ".")
    assert len(opened(repository, "--no-baseline")) == 2


def test_create_does_not_overwrite(repository: Repository) -> None:
    repository.commit("a.env", token())
    ok(repository, "baseline", "create", "--reason", "old")
    assert "is there already" in ok(repository, "baseline", "create", status=1)


def test_a_new_token_counts_although_others_are_accepted(repository: Repository) -> None:
    repository.commit("a.env", token())
    ok(repository, "baseline", "create")
    repository.put("b.env", token())
    assert len(opened(repository)) == 1


def test_add_accepts_what_is_there_for_a_reason(repository: Repository) -> None:
    repository.put("a.env", token())
    repository.put("b.env", token())
    ok(repository, "baseline", "add", "a.env", "--reason", "made for tests", "--until", TOMORROW)
    assert len(opened(repository)) == 1
    (row,) = listed(repository)
    assert (row["path"], row["reason"], row["until"], row["state"]) == (
        "a.env",
        "made for tests",
        TOMORROW,
        "accepted",
    )


def test_add_names_paths_from_the_top_wherever_it_is_run(repository: Repository) -> None:
    repository.put("sub/a.env", token())
    done = yett(repository.top / "sub", "baseline", "add", "--reason", "x")
    assert done.returncode == 0, done.stderr
    assert [row["path"] for row in listed(repository)] == ["sub/a.env"]
    assert opened(repository) == []
    assert yett(repository.top / "sub", "scan", ".").returncode == 0


def test_add_of_a_folder_does_not_accept_the_history_of_others(repository: Repository) -> None:
    repository.commit("a.env", token())
    repository.commit("a.env", "A=1\n")
    repository.put("sub/b.env", token())
    ok(repository, "baseline", "add", "sub", "--reason", "x")
    assert len(opened(repository)) == 1


def test_add_can_be_narrowed_to_a_rule(repository: Repository) -> None:
    repository.put("a.env", token())
    assert "nothing of that kind" in ok(repository, "baseline", "add", "--rule", "aws-*", "--reason", "x", status=1)
    assert "nothing of that kind" in ok(
        repository, "baseline", "add", "--severity", "critical", "--reason", "x", status=1
    )
    ok(repository, "baseline", "add", "--rule", "railway-*", "--reason", "x")


@pytest.mark.parametrize("words", [("--reason", " "), ("--reason", "x", "--until", "some day")])
def test_nothing_is_accepted_without_a_reason_or_until_no_day(repository: Repository, words: tuple[str, ...]) -> None:
    repository.put("a.env", token())
    assert "cannot be accepted" in ok(repository, "baseline", "add", *words, status=1)
    assert not (repository.top / ".yett").exists()


def test_an_entry_that_ended_counts_no_more_and_is_named(repository: Repository) -> None:
    repository.put("a.env", token())
    ok(repository, "baseline", "add", "--reason", "for a while", "--until", YESTERDAY)
    assert len(opened(repository)) == 1
    assert f"ended on {YESTERDAY}" in ok(repository, "scan", ".", status=1)
    assert listed(repository)[0]["state"] == "ended"


def test_allow_is_for_paths_and_must_end(repository: Repository) -> None:
    repository.put("docs/deep/a.env", token())
    words = ("baseline", "allow", "--path", "docs/**", "--rule", "*", "--reason", "examples")
    ok(repository, *words, "--until", "", status=1)
    ok(repository, *words, "--until", TOMORROW)
    assert opened(repository) == []
    repository.put("src/a.env", token())
    assert len(opened(repository)) == 1


def test_prune_removes_what_is_gone_and_keeps_what_lies_elsewhere(repository: Repository) -> None:
    repository.put("a.env", token())
    repository.put("b.env", token())
    ok(repository, "baseline", "add", "--reason", "x")
    ok(repository, "baseline", "allow", *("--path", "~/**", "--rule", "*", "--reason", "x", "--until", TOMORROW))
    (repository.top / "a.env").unlink()
    assert "1 would be removed" in ok(repository, "baseline", "prune", "--dry-run")
    assert "1 removed, 2 left" in ok(repository, "baseline", "prune")
    assert [row["path"] for row in listed(repository)] == ["b.env", "~/**"]


def test_prune_does_not_judge_by_half_a_history(repository: Repository, tmp_path: Path) -> None:
    repository.commit("a.env", token())
    ok(repository, "baseline", "add", "--reason", "x")
    repository.commit("a.env", "A=1\n")
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", "--depth=1", f"file://{repository.top}", str(clone)], check=True)
    assert "older history is not here" in ok(Repository(clone), "baseline", "prune", status=1)


def test_a_scan_of_a_part_calls_nothing_stale(repository: Repository) -> None:
    repository.put("a.env", token())
    repository.put("sub/b.env", token())
    ok(repository, "baseline", "add", "--reason", "x")
    for part in (("sub",), (".", "--no-history")):
        assert "matches nothing" not in ok(repository, "scan", *part)
    (repository.top / "a.env").unlink()
    assert "matches nothing any more: railway-project in a.env" in ok(repository, "scan", ".")


def test_a_report_of_another_scanner_is_taken_over_unaudited(repository: Repository, tmp_path: Path) -> None:
    secret = token()
    repository.put("a.env", secret)
    row = {"RuleID": "generic", "File": "a.env", "StartLine": 1, "Secret": secret.strip().partition("=")[2]}
    report = tmp_path / "gitleaks.json"
    report.write_text(json.dumps([row, {**row, "File": "gone.env"}]))
    said = ok(repository, "baseline", "import", str(report), "--until", TOMORROW)
    assert "1 of 2 records taken over" in said
    assert "gone.env" in said
    assert [row["state"] for row in listed(repository)] == ["unaudited"]


def test_a_named_baseline_that_is_missing_is_an_error(repository: Repository) -> None:
    assert "does not exist" in ok(repository, "scan", ".", "--baseline", "no.json", status=1)


def test_audit_needs_a_terminal(repository: Repository) -> None:
    repository.commit("a.env", token())
    ok(repository, "baseline", "create")
    assert "terminal" in ok(repository, "baseline", "audit", status=1)


def test_audit_shows_lines_without_values_and_keeps_or_rejects(repository: Repository) -> None:
    first, second, third = (token() for _ in range(3))
    repository.put("a.env", f"# before\n{first}# after\n{second}")
    repository.put("b.env", third)
    ok(repository, "baseline", "create")
    said = on_terminal(repository, ["k\n", "a test key\n", "r\n", "s\n"])
    for secret in (first, second, third):
        assert secret.strip().partition("=")[2] not in said
    assert "2> RAILWAY_TOKEN=[masked]" in said
    assert "# after" in said
    assert "1 left that nobody has looked at" in said
    assert sorted(row["state"] for row in listed(repository)) == ["accepted", "unaudited"]
    assert [row["reason"] for row in listed(repository) if row["audited"]] == ["a test key"]


def test_leaving_an_audit_keeps_the_answers(repository: Repository) -> None:
    repository.put("a.env", token() + token())
    ok(repository, "baseline", "create")
    on_terminal(repository, ["k\n", "\n", "q\n"])
    assert sorted(row["state"] for row in listed(repository)) == ["accepted", "unaudited"]


def on_terminal(repository: Repository, answers: list[str]) -> str:
    """`yett baseline audit` on a terminal; each answer is typed when a question stands there."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*YETT, "baseline", "audit"], cwd=repository.top, stdin=theirs, stdout=theirs, stderr=theirs,
        env={**os.environ, "TERM": "dumb"},
    )  # fmt: skip
    os.close(theirs)
    said, left, end = "", list(answers), time.monotonic() + 60
    while time.monotonic() < end:
        ready, _, _ = select.select([ours], [], [], 0.1)
        if ready:
            try:
                said += os.read(ours, 65536).decode()
            except OSError:
                break
            if left and said.endswith((": ", "? ")):
                os.write(ours, left.pop(0).encode())
        elif process.poll() is not None:
            break
    os.close(ours)
    assert process.wait(timeout=10) == 0, said
    assert not left
    return said
