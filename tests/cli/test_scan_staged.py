"""What a commit or a push adds is found; what was there before, in any parent or under another name, is no news."""

from __future__ import annotations

import json

import pytest
from repositories import Repository, token, yett

from yett.inventory.changes.files import Change, of_commits


def found(repository: Repository, *words: str, feed: str = "", **environ: str) -> list[tuple[str, int]]:
    done = yett(repository.top, "scan", *words, "--json", feed=feed, **environ)
    rows = json.loads(done.stdout or "[]")
    assert done.returncode == (1 if rows else 0), done.stderr
    return [(row["path"], row["line"]) for row in rows]


def push_line(repository: Repository, new: str = "HEAD", old: str = "0" * 40) -> str:
    return f"refs/heads/main {repository.git('rev-parse', new).strip()} refs/heads/main {old}\n"


def test_staged_token_is_found_in_the_first_commit(repository: Repository) -> None:
    repository.put("a.env", f"A=1\n{token()}")
    repository.git("add", "-A")
    assert found(repository, "--staged") == [("a.env", 2)]


def test_what_lies_in_the_work_tree_only_is_not_committed(repository: Repository) -> None:
    repository.commit("a.env", "A=1\n")
    repository.put("a.env", token())
    assert found(repository, "--staged") == []


def test_a_token_that_moves_within_its_file_is_no_news(repository: Repository) -> None:
    old = token()
    repository.commit("a.env", old)
    repository.put("a.env", f"# moved\n{old}{token()}")
    repository.git("add", "-A")
    assert found(repository, "--staged") == [("a.env", 3)]


def test_a_renamed_file_brings_only_what_was_added(repository: Repository) -> None:
    old = token() + "".join(f"LINE_{n}={n}\n" for n in range(30))
    repository.commit("old.env", old)
    repository.git("mv", "old.env", "new.env")
    assert found(repository, "--staged") == []
    repository.put("new.env", old + token())
    repository.git("add", "-A")
    assert found(repository, "--staged") == [("new.env", 32)]


def test_a_copy_in_another_file_is_news(repository: Repository) -> None:
    old = token()
    repository.commit("a.env", old)
    repository.put("b.env", old)
    repository.git("add", "-A")
    assert found(repository, "--staged") == [("b.env", 1)]


def test_a_merge_brings_what_neither_side_had(repository: Repository) -> None:
    repository.commit("a.env", "A=1\n")
    repository.git("checkout", "-qb", "side")
    theirs = token()
    repository.commit("a.env", theirs)
    repository.git("checkout", "-q", "main")
    ours = token()
    repository.commit("a.env", ours)
    repository.git("merge", "side", status=1)
    repository.put("a.env", ours + theirs)
    repository.git("add", "-A")
    assert found(repository, "--staged") == []
    repository.put("a.env", ours + theirs + token())
    repository.git("add", "-A")
    assert found(repository, "--staged") == [("a.env", 3)]


def test_a_name_that_is_no_text_and_one_with_blanks(repository: Repository) -> None:
    name = "a b\tc\n" + b"\xff".decode("utf-8", "surrogateescape")
    repository.put(name, token())
    repository.git("add", "-A")
    assert found(repository, "--staged") == [(name, 1)]


def test_a_push_tells_what_a_later_commit_took_out_again(repository: Repository) -> None:
    repository.commit("a.env", token())
    repository.commit("a.env", "A=1\n")
    assert found(repository, "--pushed", feed=push_line(repository)) == [("a.env", 1)]


def test_a_push_tells_nothing_that_the_remote_has(repository: Repository) -> None:
    old = repository.commit("a.env", token())
    repository.commit("b.env", "A=1\n")
    assert found(repository, "--pushed", feed=push_line(repository, old=old)) == []
    repository.git("update-ref", "refs/remotes/origin/main", old)
    assert found(repository, "--pushed", "--remote", "origin", feed=push_line(repository)) == []
    assert found(repository, "--pushed", "--remote", "other", feed=push_line(repository)) == [("a.env", 1)]


def test_a_push_over_a_commit_that_was_never_fetched_is_looked_at_whole(repository: Repository) -> None:
    repository.commit("a.env", token())
    assert found(repository, "--pushed", feed=push_line(repository, old="1" * 40)) == [("a.env", 1)]


def test_a_deleted_branch_pushes_nothing(repository: Repository) -> None:
    repository.commit("a.env", token())
    assert found(repository, "--pushed", feed=f"(delete) {'0' * 40} refs/heads/x {'1' * 40}\n") == []


def test_a_push_through_the_pre_commit_framework_is_told_in_variables(repository: Repository) -> None:
    old = repository.commit("a.env", token())
    new = repository.commit("b.env", token())
    told = {"PRE_COMMIT": "1", "PRE_COMMIT_REMOTE_NAME": "origin"}
    assert found(repository, "--pushed", **told, PRE_COMMIT_FROM_REF=old, PRE_COMMIT_TO_REF=new) == [("b.env", 1)]
    assert len(found(repository, "--pushed", **told, PRE_COMMIT_LOCAL_BRANCH="refs/heads/main")) == 2


def test_an_option_is_no_revision(repository: Repository) -> None:
    repository.commit("a.env", token())
    done = yett(repository.top, "scan", "--pushed", feed=f"x --output=pwned x {'0' * 40}\n")
    assert done.returncode == 2
    assert not (repository.top / "pwned").exists()


def test_what_the_baseline_accepts_does_not_stop_a_commit_in_a_subfolder(repository: Repository) -> None:
    repository.put("sub/a.env", token())
    added = yett(repository.top, "baseline", "add", "sub/a.env", "--reason", "a test key")
    assert added.returncode == 0, added.stderr
    repository.git("add", "-A")
    assert yett(repository.top / "sub", "scan", "--staged").returncode == 0
    assert yett(repository.top / "sub", "scan", "--staged", "--no-baseline").returncode == 1


def test_outside_a_repository_it_says_so(repository: Repository) -> None:
    done = yett(repository.top.parent, "scan", "--staged")
    assert done.returncode == 2
    assert "repository" in done.stderr


def test_no_value_is_shown(repository: Repository) -> None:
    secret = token()
    repository.put("a.env", secret)
    repository.git("add", "-A")
    done = yett(repository.top, "scan", "--staged")
    assert secret.strip().partition("=")[2] not in done.stdout + done.stderr


@pytest.mark.parametrize("flag", [(), ("--no-ff",)])
def test_of_a_merge_commit_only_its_own_lines_are_changes(repository: Repository, flag: tuple[str, ...]) -> None:
    repository.commit("a", "1\n")
    repository.git("checkout", "-qb", "side")
    repository.commit("b", "2\n")
    repository.git("checkout", "-q", "main")
    repository.commit("c", "3\n")
    repository.git("merge", "-q", *flag, "--no-verify", "-m", "merge", "side")
    merge = repository.git("rev-parse", "HEAD").strip()
    assert list(of_commits(repository.top, [merge])) == []
    repository.put("b", "2\nevil\n")
    repository.git("commit", "-q", "-a", "--amend", "--no-verify", "-m", "merge")
    (change,) = of_commits(repository.top, [repository.git("rev-parse", "HEAD").strip()])
    assert isinstance(change, Change)
    assert (change.path, len(change.before)) == ("b", 1)


def test_a_hook_says_what_it_can_do_at_most_and_never_little(repository: Repository) -> None:
    repository.put("a.env", token().replace("RAILWAY_TOKEN", "RAILWAY_API_TOKEN"))
    repository.put("b.env", token())
    repository.git("add", "-A")
    done = yett(repository.top, "scan", "--staged")
    lines = {line.split(":")[0].strip(): line for line in done.stderr.splitlines() if ".env" in line}
    assert lines["a.env"].endswith(": at most all that its owner can do")
    assert lines["b.env"].endswith(": authority unknown")
    found = json.loads(yett(repository.top, "scan", "--staged", "--json").stdout)
    assert [row["authority"] for row in found] == ["at most all that its owner can do", "authority unknown"]
