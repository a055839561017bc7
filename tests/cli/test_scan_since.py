"""`yett scan --since`: what a branch brings, and nothing that was there before."""

from __future__ import annotations

import io
import json
import secrets
import tarfile
from pathlib import Path
from typing import Any

import pytest
from repositories import Repository, token, yett


def since(repository: Repository, revision: str = "main", *words: str, status: int = 1) -> list[str]:
    """Where it finds something."""
    return sorted(at["path"] for row in rows(repository, revision, *words, status=status) for at in row["locations"])


def rows(repository: Repository, revision: str, *words: str, status: int = 1) -> list[dict[str, Any]]:
    done = yett(repository.top, "scan", *words, "--since", revision, "--json")
    assert done.returncode == status, done.stdout + done.stderr
    return list(json.loads(done.stdout)["findings"])


@pytest.fixture
def branch(repository: Repository) -> Repository:
    """main holds an old token; the branch stands at main."""
    repository.commit("old.env", token())
    repository.git("checkout", "-qb", "branch")
    return repository


def test_a_branch_that_brings_nothing_is_clean_whatever_was_there(branch: Repository) -> None:
    branch.commit("a.py", "print(1)\n")
    assert since(branch, status=0) == []


def test_a_changed_file_with_an_old_token_is_clean(branch: Repository) -> None:
    branch.commit("old.env", f"# changed\n{(branch.top / 'old.env').read_text()}")
    assert since(branch, status=0) == []


def test_a_new_token_is_told_with_its_line_as_it_is_now(branch: Repository) -> None:
    new = token()
    branch.commit("a.env", new)
    branch.commit("a.env", f"# one more line\n{new}")
    (row,) = rows(branch, "main")
    assert [(at["path"], at["line"], at["source"]) for at in row["locations"]] == [
        (str(branch.top / "a.env"), 2, "file")
    ]


def test_one_that_a_later_commit_took_out_is_told_with_its_commit(branch: Repository) -> None:
    commit = branch.commit("a.env", token())
    branch.commit("a.env", "A=1\n")
    (row,) = rows(branch, "main")
    assert [(at["path"], at["commit"], at["source"]) for at in row["locations"]] == [("a.env", commit, "history")]


def test_a_revert_brings_back_nothing_new(branch: Repository) -> None:
    branch.commit("old.env", "A=1\n")
    branch.git("revert", "--no-edit", "HEAD")
    assert since(branch, status=0) == []


def test_a_renamed_file_is_clean(branch: Repository) -> None:
    branch.git("mv", "old.env", "new.env")
    branch.git("commit", "-q", "-m", "renamed")
    assert since(branch, status=0) == []


def test_what_main_gained_meanwhile_and_was_merged_is_not_the_branchs(branch: Repository) -> None:
    branch.commit("a.py", "print(1)\n")
    branch.git("checkout", "-q", "main")
    branch.commit("main.env", token())
    branch.git("checkout", "-q", "branch")
    branch.git("merge", "-q", "-m", "merge", "main")
    assert since(branch, status=0) == []
    assert since(branch, "main~1") == [str(branch.top / "main.env")]


def test_files_that_are_not_committed_count_and_ignored_ones_do_not(branch: Repository) -> None:
    branch.put(".gitignore", "ignored.env\n")
    branch.put("ignored.env", token())
    branch.put("sub/new.env", token())
    branch.put("old.env", (branch.top / "old.env").read_text() + token())
    assert since(branch) == [str(branch.top / "old.env"), str(branch.top / "sub/new.env")]


def test_a_commits_message_is_looked_at(branch: Repository) -> None:
    commit = branch.commit("a.py", "1\n", f"fix\n\n{token()}")
    (row,) = rows(branch, "main")
    assert row["locations"][0]["commit"] == commit


def test_a_folder_is_looked_at_by_itself(branch: Repository) -> None:
    branch.put("one/a.env", token())
    branch.commit("two/b.env", token())
    assert since(branch, "main", "two") == [str(branch.top / "two/b.env")]
    done = yett(branch.top / "one", "scan", ".", "--since", "main", "--json")
    assert [at["path"] for row in json.loads(done.stdout)["findings"] for at in row["locations"]] == [
        str(branch.top / "one/a.env")
    ]


def test_an_archive_is_opened(branch: Repository) -> None:
    inside = token().encode()
    with tarfile.open(branch.top / "a.tar", "w") as archive:
        about = tarfile.TarInfo("in.env")
        about.size = len(inside)
        archive.addfile(about, io.BytesIO(inside))
    branch.git("add", "-A")
    branch.git("commit", "-q", "-m", "x")
    assert since(branch) == [f"{branch.top}/a.tar!/in.env"]


def test_the_places_of_the_home_do_not_count(branch: Repository, home: Path) -> None:
    (home / ".netrc").write_text(f"machine a.test login ada password {token().strip().partition('=')[2]}\n")
    assert since(branch, status=0) == []


def test_a_revision_that_is_not_here_says_what_a_pipeline_needs(branch: Repository) -> None:
    done = yett(branch.top, "scan", "--since", "no-such")
    assert done.returncode == 1
    assert "fetch-depth" in done.stderr
    assert yett(branch.top, "scan", "--since=--output=pwned").returncode == 1
    assert not (branch.top / "pwned").exists()


def test_a_shallow_clone_says_that_commits_are_missing(branch: Repository, tmp_path: Path) -> None:
    branch.commit("new.env", token())
    branch.commit("a.py", "1\n")
    clone = Repository(tmp_path / "clone")
    branch.git("clone", "-q", "--depth=1", "--branch", "branch", f"file://{branch.top}", str(clone.top))
    clone.git("fetch", "-q", "--depth=1", "origin", "main")
    done = yett(clone.top, "scan", "--since", "FETCH_HEAD", "--json")
    found = json.loads(done.stdout)
    assert [at["path"] for row in found["findings"] for at in row["locations"]] == [str(clone.top / "new.env")]
    assert ["shallow clone" in each["why"] for each in found["unread"]] == [True]


def test_outside_a_repository_it_says_so(branch: Repository) -> None:
    done = yett(branch.top.parent, "scan", "--since", "main")
    assert done.returncode == 1
    assert "no git repository" in done.stderr


def test_several_reports_come_of_one_scan(branch: Repository, tmp_path: Path) -> None:
    branch.commit("sub/a.env", token())
    written = tmp_path / "yett.sarif", tmp_path / "summary.md"
    done = yett(
        branch.top / "sub", "scan", "..", "--since", "main", "--format", "github",
        "--report", f"sarif={written[0]}", "--report", f"markdown={written[1]}",
    )  # fmt: skip
    assert "::error title=Yett%3A high,file=sub/a.env,line=1::" in done.stdout
    (result,) = json.loads(written[0].read_text())["runs"][0]["results"]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "sub/a.env"
    assert "sub/a.env" in written[1].read_text()


def test_a_branch_does_not_accept_what_it_brings(branch: Repository) -> None:
    """Whoever can commit a token can commit an entry for it: it counts once somebody merged it."""
    branch.put("a.env", token())
    accepted = yett(branch.top, "baseline", "add", "a.env", "--reason", "says the branch itself", "--severity", "low")
    assert accepted.returncode == 0, accepted.stderr
    branch.git("add", "-A")
    branch.git("commit", "-qm", "both at once")
    assert since(branch) == [str(branch.top / "a.env")]
    assert since(branch, "main", "--accept-new", status=0) in ([], [str(branch.top / "a.env")])
    branch.git("checkout", "-q", "main")
    branch.git("merge", "-q", "branch")
    branch.git("checkout", "-qb", "next")
    branch.commit("b.env", (branch.top / "a.env").read_text())
    assert str(branch.top / "a.env") not in since(branch), "what was reviewed is accepted; a copy of it is not"


def test_a_review_shows_what_a_new_credential_can_do(branch: Repository, tmp_path: Path) -> None:
    branch.put("a.env", token().replace("RAILWAY_TOKEN", "RAILWAY_API_TOKEN"))
    branch.put("b.env", f"SERVICE_API_KEY={secrets.token_hex(20)}\n")
    branch.git("add", "-A")
    branch.git("commit", "-qm", "both")
    said = {row["locations"][0]["path"]: row["authority"] for row in rows(branch, "main")}
    assert said[str(branch.top / "a.env")]["words"] == "at most all that its owner can do"
    assert said[str(branch.top / "b.env")]["words"] == "authority unknown"
    assert not any(each["asked"] for each in said.values())
    shown = yett(branch.top, "scan", "--since", "main").stdout
    assert "AUTHORITY" in shown
    assert "authority unknown" in shown


def test_a_scan_that_is_no_review_has_no_such_column(branch: Repository) -> None:
    branch.put("a.env", token())
    assert "AUTHORITY" not in yett(branch.top, "scan", ".").stdout
