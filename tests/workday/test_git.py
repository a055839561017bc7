"""The day's git."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sandbox.conftest import Guarded

pytestmark = pytest.mark.sandbox

Script = Callable[..., str]


@pytest.fixture(autouse=True)
def _repository(script: Script, day: Guarded) -> None:
    script("git init -q; printf 'one\\ntwo\\n' > file; git add .; git commit -q -m first")


def test_looking_around(script: Script) -> None:
    out = script(
        "echo three >> file; git status --short; git diff --stat | tail -1; git log --oneline | wc -l;"
        " git blame -s file"
    )
    assert " M file" in out
    assert "1 insertion" in out
    assert out.count(") ") == 3


def test_branching_committing_and_amending(script: Script, day: Guarded) -> None:
    script(
        "git switch -q -c topic; echo x >> file; git commit -q -am second; git commit -q --amend -m better;"
        " git switch -q main"
    )
    script("git merge -q --no-ff -m merged topic; git branch -d topic; git tag -a v1 -m v1; git status --porcelain")
    assert script("git log --format=%s").splitlines()[0] == "merged"
    assert not (day.workspace / ".git" / "index.lock").exists()


def test_stash_rebase_and_a_conflict(script: Script) -> None:
    out = script(
        "git switch -q -c topic; echo mine > file; git commit -q -am mine; git switch -q main; echo theirs > file;"
        "git commit -q -am theirs; echo later > new; git stash -q -u; git switch -q topic;"
        "git rebase main >/dev/null 2>&1 && exit 9; echo both > file; git add file;"
        "GIT_EDITOR=true git rebase --continue >/dev/null; git stash pop -q >/dev/null; cat file new;"
        " git log --format=%s"
    )
    assert out.split() == ["both", "later", "mine", "theirs", "first"]


def test_interactive_add_and_bisect(script: Script) -> None:
    out = script(
        "for i in 1 2 3 4 5 6 7 8; do echo $i > n; git add n; git commit -q -m $i; done;"
        "printf 'y\\n' | (echo more >> n; git add -p >/dev/null); git diff --cached --stat | tail -1;"
        " git reset -q --hard;"
        "git bisect start HEAD HEAD~7 >/dev/null;"
        " git bisect run sh -c 'test $(cat n) -lt 5' | grep 'first bad'; git bisect reset 2>/dev/null"
    )
    assert "1 insertion" in out
    assert "first bad" in out


def test_worktrees_submodules_and_maintenance(script: Script) -> None:
    out = script(
        "git clone -q . /tmp/other; git worktree add -q tree -b side;"
        "cd tree; echo x > y; git add y; git commit -q -m side; cd ..; git worktree remove tree; git gc -q;"
        " git fsck 2>&1;"
        "git -c protocol.file.allow=always submodule --quiet add /tmp/other sub; git commit -q -m sub;"
        " git submodule status | wc -l"
    )
    assert out.splitlines()[-1].strip() == "1"


def test_the_projects_own_hook_runs(script: Script, day: Guarded) -> None:
    hook = day.workspace / ".git" / "hooks" / "commit-msg"
    hook.write_text('#!/bin/sh\necho "checked" >> "$1"\n')
    hook.chmod(0o755)
    assert "checked" in script("echo x >> file; git commit -q -am hooked; git log -1 --format=%B")
