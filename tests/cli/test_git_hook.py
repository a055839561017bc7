"""The hook stops every way of committing a credential, keeps what was there, and goes without a trace."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from repositories import Repository, token, yett

from yett.inventory.hooks import script

OTHER = "#!/bin/sh\necho the other hook ran: $#\n"


@pytest.fixture
def hooked(repository: Repository) -> Repository:
    repository.commit("a.env", "A=1\n")
    install(repository)
    return repository


def install(repository: Repository, *words: str, status: int = 0, folder: Path | None = None) -> str:
    done = yett(folder or repository.top, "install-git-hook", *words)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


def hook(repository: Repository, name: str = "pre-commit") -> Path:
    return repository.top / ".git/hooks" / name


def other(repository: Repository, text: str = OTHER, name: str = "pre-commit", mode: int = 0o755) -> Path:
    path = hook(repository, name)
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return path


def _add(repository: Repository) -> list[str]:
    repository.put("b.env", token())
    repository.git("add", "b.env")
    return ["commit", "-m", "x"]


def _all(repository: Repository) -> list[str]:
    repository.put("a.env", token())
    return ["commit", "-a", "-m", "x"]


def _path(repository: Repository) -> list[str]:
    repository.put("a.env", token())
    return ["commit", "-m", "x", "a.env"]


def _amend(repository: Repository) -> list[str]:
    repository.put("a.env", token())
    return ["commit", "--amend", "-a", "--no-edit"]


def _renamed(repository: Repository) -> list[str]:
    repository.git("mv", "a.env", "c.env")
    repository.put("c.env", f"A=1\n{token()}")
    return ["commit", "-a", "-m", "x"]


@pytest.mark.parametrize("way", [_add, _all, _path, _amend, _renamed])
def test_a_commit_with_a_token_is_stopped(hooked: Repository, way: Callable[[Repository], list[str]]) -> None:
    said = hooked.git(*way(hooked), status=1)
    assert "1 credential would be committed" in said
    assert hooked.commits == 1


def test_the_first_commit_is_stopped(repository: Repository) -> None:
    install(repository)
    assert "would be committed" in repository.git(*_add(repository), status=1)


def test_a_commit_of_one_path_does_not_see_another_that_is_staged(hooked: Repository) -> None:
    _add(hooked)
    hooked.put("a.env", "A=2\n")
    hooked.git("commit", "-q", "-m", "x", "a.env")
    assert hooked.commits == 2


def test_a_commit_without_a_token_passes(hooked: Repository) -> None:
    hooked.put("a.env", "A=2\n")
    hooked.git("commit", "-q", "-a", "-m", "x")
    assert hooked.commits == 2


def test_a_commit_in_a_subfolder_and_in_a_linked_worktree(hooked: Repository, tmp_path: Path) -> None:
    hooked.put("sub/b.env", token())
    assert "sub/b.env:1" in hooked.git("add", ".", folder=hooked.top / "sub") + hooked.git(
        "commit", "-m", "x", folder=hooked.top / "sub", status=1
    )
    hooked.git("worktree", "add", "-q", str(tmp_path / "linked"))
    linked = Repository(tmp_path / "linked")
    assert "would be committed" in linked.git(*_all(linked), status=1)


def test_installed_from_a_linked_worktree_it_counts_in_all_of_them(repository: Repository, tmp_path: Path) -> None:
    repository.commit("a.env", "A=1\n")
    repository.git("worktree", "add", "-q", str(tmp_path / "linked"))
    install(repository, folder=tmp_path / "linked")
    assert "would be committed" in repository.git(*_all(repository), status=1)


def test_a_merge_that_nobody_edits_is_stopped_by_what_neither_side_had_only(hooked: Repository) -> None:
    hooked.git("checkout", "-qb", "side")
    hooked.commit("b.env", token())
    hooked.git("checkout", "-q", "main")
    hooked.commit("c.env", "C=1\n")
    hooked.git("merge", "-q", "-m", "merge", "side")
    assert hooked.commits == 4


def test_a_merge_after_conflicts_is_stopped(hooked: Repository) -> None:
    hooked.git("checkout", "-qb", "side")
    hooked.commit("a.env", "A=2\n")
    hooked.git("checkout", "-q", "main")
    hooked.commit("a.env", "A=3\n")
    hooked.git("merge", "side", status=1)
    hooked.put("a.env", token())
    assert "would be committed" in hooked.git("commit", "-a", "-m", "merge", status=1)


def test_a_push_is_stopped_and_the_remote_gets_nothing(repository: Repository, tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", "--bare", str(tmp_path / "remote")], check=True)
    repository.git("remote", "add", "origin", str(tmp_path / "remote"))
    install(repository, "--pre-push")
    repository.commit("a.env", token())
    assert "would be pushed" in repository.git("push", "origin", "main", status=1)
    assert Repository(tmp_path / "remote").commits == 0
    repository.git("push", "-q", "--no-verify", "origin", "main")
    repository.commit("b.env", "A=1\n")
    repository.git("push", "-q", "origin", "main")
    assert Repository(tmp_path / "remote").commits == 2


def test_an_existing_hook_is_kept_and_runs(repository: Repository) -> None:
    other(repository)
    assert "runs after it" in install(repository)
    repository.put("a.env", "A=1\n")
    repository.git("add", "-A")
    assert "the other hook ran: 0" in repository.git("commit", "-m", "x")


def test_an_existing_hook_still_refuses(repository: Repository) -> None:
    other(repository, "#!/bin/sh\nexit 3\n")
    install(repository)
    repository.put("a.env", "A=1\n")
    repository.git("add", "-A")
    repository.git("commit", "-m", "x", status=1)


def test_an_existing_push_hook_gets_its_lines_too(repository: Repository, tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", "--bare", str(tmp_path / "remote")], check=True)
    other(repository, "#!/bin/sh\necho to $1\ncat\n", "pre-push")
    install(repository, "--pre-push")
    head = repository.commit("a.env", "A=1\n")
    said = repository.git("push", str(tmp_path / "remote"), "main")
    assert f"refs/heads/main {head} refs/heads/main" in said
    assert f"to {tmp_path}/remote" in said


def test_a_hook_that_was_switched_off_stays_off(repository: Repository) -> None:
    other(repository, mode=0o644)
    install(repository)
    repository.put("a.env", "A=1\n")
    repository.git("add", "-A")
    assert "the other hook" not in repository.git("commit", "-m", "x")


def test_installing_twice_changes_nothing(repository: Repository) -> None:
    other(repository)
    install(repository)
    before = {path.name: path.read_bytes() for path in hook(repository).parent.iterdir()}
    assert "it is there already" in install(repository)
    assert {path.name: path.read_bytes() for path in hook(repository).parent.iterdir()} == before


def test_uninstalling_leaves_what_was_there_byte_for_byte(repository: Repository) -> None:
    other(repository)
    before = {path.name: path.read_bytes() for path in hook(repository).parent.iterdir()}
    install(repository, "--pre-push")
    install(repository, "--uninstall")
    assert {path.name: path.read_bytes() for path in hook(repository).parent.iterdir()} == before
    assert "no hook of Yett's" in install(repository, "--uninstall")


def test_lines_that_somebody_added_to_our_hook_stay(hooked: Repository) -> None:
    hook(hooked).write_text(hook(hooked).read_text() + "echo mine\n")
    install(hooked)
    install(hooked, "--uninstall")
    assert hook(hooked).read_text() == "#!/bin/sh\necho mine\n"


def test_an_old_version_of_our_lines_is_brought_up_to_date(hooked: Repository) -> None:
    now = hook(hooked).read_text()
    hook(hooked).write_text(now.replace(sys.executable, "/old/python") + "echo mine\n")
    assert "brought up to date" in install(hooked)
    assert hook(hooked).read_text() == now + "echo mine\n"


def test_a_scanner_that_is_gone_stops_the_commit_and_says_how_to_go_on(hooked: Repository) -> None:
    text = hook(hooked).read_text()
    hook(hooked).write_text(text.replace(sys.executable, "/gone/python"))
    hooked.put("a.env", "A=2\n")
    said = hooked.git("commit", "-a", "-m", "x", status=1)
    assert len(said.splitlines()) == 1
    assert "git commit --no-verify" in said


def test_a_module_in_the_repository_is_not_imported_by_the_scanner(hooked: Repository) -> None:
    for name in ("json.py", "typing.py", "yett/__init__.py", "hyperscan.py"):
        hooked.put(name, "raise SystemExit(0)\n")
    assert "would be committed" in hooked.git(*_all(hooked), status=1)


def test_hooks_path_of_the_repository_is_followed(repository: Repository) -> None:
    repository.git("config", "core.hooksPath", "my-hooks")
    repository.put("sub/a.env", token())
    said = install(repository, folder=repository.top / "sub")
    assert (repository.top / "my-hooks/pre-commit").exists()
    assert "do not commit it" in said
    assert "would be committed" in repository.git(*_add(repository), status=1)


@pytest.mark.parametrize(
    ("text", "name"),
    [("# File generated by pre-commit: https://pre-commit.com\n", "pre-commit"), ("call_lefthook run\n", "lefthook")],
)
def test_a_hook_that_another_program_manages_is_left_alone(repository: Repository, text: str, name: str) -> None:
    path = other(repository, f"#!/bin/sh\n{text}")
    said = install(repository, status=1)
    assert f"{name} manages the hooks" in said
    assert "yett" in said.splitlines()[1]
    assert path.read_text() == f"#!/bin/sh\n{text}"
    assert not hook(repository, "pre-merge-commit").exists()


def test_husky_is_told_where_to_put_the_line(repository: Repository) -> None:
    repository.git("config", "core.hooksPath", ".husky/_")
    assert ".husky/pre-commit" in install(repository, status=1)


def test_for_all_repositories_their_own_hooks_still_run(repository: Repository, tmp_path: Path) -> None:
    other(repository)
    other(repository, "#!/bin/sh\necho said: $(cat $1)\n", "commit-msg")
    install(repository, "--global")
    assert "would be committed" in repository.git(*_add(repository), status=1)
    repository.put("b.env", "B=1\n")
    said = repository.git("commit", "-a", "-m", "hello")
    assert "the other hook ran" in said
    assert "said: hello" in said
    another = Repository.made(tmp_path / "another")
    assert "would be committed" in another.git(*_add(another), status=1)
    assert "--global" in install(repository, status=1)
    install(repository, "--global", "--uninstall")
    another.git(*_add(another))
    assert repository.git("config", "--global", "--get", "core.hooksPath", status=1) == ""


def test_a_folder_for_all_that_the_person_has_is_used(repository: Repository, home: Path) -> None:
    folder = home / "my hooks"
    folder.mkdir()
    (folder / "pre-commit").write_text(OTHER)
    (folder / "pre-commit").chmod(0o755)
    repository.git("config", "--global", "core.hooksPath", str(folder))
    install(repository, "--global")
    assert "would be committed" in repository.git(*_add(repository), status=1)
    install(repository, "--global", "--uninstall")
    assert (folder / "pre-commit").read_text() == OTHER
    assert [path.name for path in folder.iterdir()] == ["pre-commit"]


def test_without_a_repository_it_says_so(repository: Repository) -> None:
    assert "no work tree" in install(repository, folder=repository.top.parent, status=1)


@pytest.mark.parametrize("name", script.SCANNING)
def test_hooks_are_plain_posix_shell(name: str) -> None:
    done = subprocess.run(
        ["sh", "-n"], input=script.hook(name) + script.hook_for_all(name, True), text=True, check=False
    )
    assert done.returncode == 0
