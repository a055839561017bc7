"""What a commit and a push would add, on real repositories; the command that a hook runs, as a whole process."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from pathlib import Path

import pytest

from yett.inventory.changes.files import NoRepository, pushed, staged
from yett.inventory.changes.staged import leaks

YETT = [sys.executable, "-m", "yett.cli"]


def token() -> str:
    return f"glpat-{secrets.token_urlsafe(12)[:14]}aZ09k2"


def git(folder: Path, *words: str) -> str:
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.test", "-c", "init.defaultBranch=main")
    done = subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "-q")
    return folder


def put(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    git(folder, "add", name)


def places(folder: Path) -> list[tuple[str, int]]:
    return [(leak.path, leak.line) for leak in leaks(folder, staged(folder))]


def test_a_staged_token_is_found_in_a_repository_without_commits(repository: Path) -> None:
    put(repository, "deploy/run.sh", f"#!/bin/sh\nexport GITLAB_TOKEN={token()}\n")
    assert places(repository) == [("deploy/run.sh", 2)]


def test_what_is_not_staged_does_not_count(repository: Path) -> None:
    put(repository, "a.txt", "nothing\n")
    (repository / "a.txt").write_text(f"{token()}\n")
    (repository / "b.txt").write_text(f"{token()}\n")
    assert places(repository) == []


def test_what_stood_there_before_is_no_news_wherever_it_moves(repository: Path) -> None:
    old = token()
    put(repository, "a.txt", f"one\n{old}\n")
    git(repository, "commit", "-q", "-m", "x")
    put(repository, "a.txt", f"zero\none\ntwo\n{old}\n")
    assert places(repository) == []
    put(repository, "a.txt", f"{old}\n{token()}\n")
    assert places(repository) == [("a.txt", 2)]


def test_a_file_that_is_copied_with_its_token_leaks_it(repository: Path) -> None:
    old = token()
    put(repository, "a.txt", f"{old}\n")
    git(repository, "commit", "-q", "-m", "x")
    put(repository, "copy.txt", f"{old}\n")
    assert places(repository) == [("copy.txt", 1)]


def test_passwords_are_found_by_the_form_of_their_file(repository: Path) -> None:
    put(repository, ".netrc", "machine a.test login b password plainword9\n")
    put(repository, "conf/.pgpass", "db:5432:app:ada:plainword9\n")
    assert sorted(places(repository)) == [(".netrc", 1), ("conf/.pgpass", 1)]


def test_a_binary_and_a_submodule_are_no_trouble(repository: Path) -> None:
    (repository / "blob").write_bytes(b"\0\1\2" * 1000 + token().encode() + b"\0")
    git(repository, "add", "blob")
    git(repository, "update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},module")
    assert [path for path, _ in places(repository)] == ["blob"]


def test_names_that_are_no_text_are_read(repository: Path) -> None:
    with open(os.fsencode(repository) + b"/\xff\n.env", "w") as file:
        file.write(f"X={token()}\n")
    git(repository, "add", "-A")
    assert len(places(repository)) == 1


def test_a_push_is_judged_commit_by_commit(repository: Path) -> None:
    """What a later commit takes out again is pushed all the same."""
    put(repository, "a.txt", "nothing\n")
    git(repository, "commit", "-q", "-m", "base")
    base = git(repository, "rev-parse", "HEAD")
    put(repository, "a.txt", f"{token()}\n")
    git(repository, "commit", "-q", "-m", "oops")
    put(repository, "a.txt", "nothing\n")
    git(repository, "commit", "-q", "-m", "gone")
    tip = git(repository, "rev-parse", "HEAD")
    lines = f"refs/heads/main {tip} refs/heads/main {base}\n"
    assert [leak.path for leak in leaks(repository, pushed(repository, lines))] == ["a.txt"]
    new = f"refs/heads/new {tip} refs/heads/new {'0' * 40}\n"
    assert [leak.path for leak in leaks(repository, pushed(repository, new))] == ["a.txt"]
    deleted = f"(delete) {'0' * 40} refs/heads/main {base}\n"
    assert pushed(repository, deleted) == []


def test_outside_a_repository_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(NoRepository):
        staged(tmp_path)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_another_encoding_hides_nothing(repository: Path, encoding: str) -> None:
    value = token()
    (repository / "a.ps1").write_bytes(f"# deploy\n$x = '{value}' # some more text here\n".encode(encoding))
    git(repository, "add", "a.ps1")
    assert [(leak.path, leak.line, leak.value) for leak in leaks(repository, staged(repository))] == [
        ("a.ps1", 2, value.encode())
    ]


def test_a_nul_in_a_text_hides_nothing(repository: Path) -> None:
    (repository / "a.yaml").write_bytes(b"# \0\napi_token: x7Kq92mZp4Tt81Lw0Rv6\n")
    git(repository, "add", "a.yaml")
    assert places(repository) == [("a.yaml", 2)]


def test_a_blob_that_git_lacks_is_no_pass(repository: Path) -> None:
    git(repository, "update-index", "--add", "--cacheinfo", f"100644,{'1' * 40},a.env")
    with pytest.raises(NoRepository):
        leaks(repository, staged(repository))


# -- the command


def run(folder: Path, *words: str, home: Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "YETT_HOME": str(home)}
    return subprocess.run(
        [*YETT, "scan", *words], cwd=folder, env=environ, input=stdin, capture_output=True, text=True, check=False
    )


def test_the_command_stops_a_commit_and_shows_no_value(repository: Path, tmp_path: Path) -> None:
    value = token()
    put(repository, "a.env", f"GITLAB_TOKEN={value}\n")
    done = run(repository, "--staged", home=tmp_path)
    assert done.returncode == 1
    assert "a.env:1" in done.stderr
    assert value not in done.stdout + done.stderr
    record = json.loads(run(repository, "--staged", "--json", home=tmp_path).stdout)
    assert [(row["path"], row["line"]) for row in record] == [("a.env", 1)]


def test_the_command_passes_what_is_clean_without_a_word(repository: Path, tmp_path: Path) -> None:
    put(repository, "a.py", "print(1)\n")
    done = run(repository, "--staged", home=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_command_outside_a_repository_is_no_pass(tmp_path: Path) -> None:
    done = run(tmp_path, "--staged", home=tmp_path / "home")
    assert done.returncode == 2
    assert "git" in done.stderr


def test_the_command_imports_hyperscan_and_the_standard_library_only(repository: Path, tmp_path: Path) -> None:
    put(repository, "a.py", f'token = "{token()}"\n')
    run(repository, "--staged", home=tmp_path)  # the cache is made once, by what reads TOML
    code = (
        "import sys; sys.argv = ['yett', 'scan', '--staged']; from yett.cli import main; main();"
        "print(sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    environ = {**os.environ, "YETT_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=repository, env=environ, capture_output=True, text=True, check=True
    )
    import ast

    loaded = set(ast.literal_eval(done.stdout.strip().splitlines()[-1]))
    foreign = {name for name in loaded if name not in sys.stdlib_module_names and not name.startswith("_")}
    assert foreign <= {"yett", "hyperscan", "sitecustomize", "usercustomize"}, foreign
