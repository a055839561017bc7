"""`yett scan --leak-rates`: commits of agents are told apart, and counted once for what they brought."""

from __future__ import annotations

import json

from repositories import Repository, token, yett

from yett.inventory.history import made_inside

CLAUDE = "\n\nCo-Authored-By: Claude <noreply@anthropic.com>"


def rates(repository: Repository, *words: str) -> dict[str, tuple[int, int]]:
    done = yett(repository.top, "scan", ".", "--leak-rates", "--json", *words)
    assert done.returncode in (0, 1), done.stderr
    rows = json.loads(done.stdout)["leak_rates"]
    return {row["agent"]: (row["commits"], row["with_credentials"]) for row in rows}


def test_agents_and_people_are_told_apart(repository: Repository) -> None:
    repository.commit("a.py", "1\n")
    repository.commit("b.env", token())
    repository.commit("c.env", token(), f"change{CLAUDE}")
    repository.commit("d.py", "2\n", f"change{CLAUDE}")
    assert rates(repository) == {"": (2, 1), "claude-code": (2, 1)}
    said = yett(repository.top, "scan", ".", "--leak-rates").stdout
    assert "commits by agents: 2, 1 with credentials (50.0 %); by people: 2, 1 (50.0 %)" in said


def test_who_changes_a_file_with_an_old_token_did_not_bring_it(repository: Repository) -> None:
    old = token()
    repository.git("commit", "-q", "--allow-empty", "-m", "first", "--date", "2020-01-01T00:00:00Z")
    repository.commit("a.env", old)
    repository.commit("a.env", f"# more\n{old}", f"change{CLAUDE}", "--date", "2031-01-01T00:00:00Z")
    assert rates(repository) == {"": (2, 1), "claude-code": (1, 0)}


def test_a_commit_of_a_session_counts_for_its_agent_though_it_does_not_say_so(repository: Repository) -> None:
    inside = repository.commit("a.env", token())
    repository.commit("b.py", "1\n")
    made_inside.record(repository.top / ".git", [inside], "My Agent")
    assert rates(repository) == {"": (1, 0), "my-agent": (1, 1)}


def test_a_list_that_somebody_else_wrote_is_read_line_by_line(repository: Repository) -> None:
    git_folder = repository.top / ".git"
    (git_folder / "yett").mkdir()
    (git_folder / "yett/commits").write_bytes(b"\xff\n" + b"a" * 40 + b" \x1b[31m\n" + b"b" * 40 + b" ok\n")
    assert made_inside.recorded(git_folder) == {"b" * 40: "ok"}
    (git_folder / "yett/commits").unlink()
    (git_folder / "yett/commits").symlink_to("/etc/passwd")
    assert made_inside.recorded(git_folder) == {}
    made_inside.record(git_folder, ["c" * 40], "x")


def test_what_is_accepted_counts_against_nobody(repository: Repository) -> None:
    repository.commit("a.env", token())
    assert yett(repository.top, "baseline", "add", "--reason", "a test key").returncode == 0
    assert rates(repository) == {"": (1, 0)}


def test_rates_of_half_a_history_are_refused(repository: Repository) -> None:
    repository.commit("a.py", "1\n")
    done = yett(repository.top, "scan", ".", "--leak-rates", "--no-history")
    assert (done.returncode, "whole history" in done.stderr) == (1, True)
