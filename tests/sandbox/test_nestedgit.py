"""Repositories below the workspace's own: what a run plants in one does not run when the person looks from above."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from sandbox.conftest import Guarded

pytestmark = pytest.mark.sandbox

COMMIT = "git -c user.name=A -c user.email=a@b commit -q --allow-empty"


def git(directory: Path, *words: str) -> str:
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.com"]
    done = subprocess.run(["git", *identity, *words], cwd=directory, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def repository(guarded: Guarded) -> Path:
    git(guarded.workspace, "init", "-q", "-b", "main")
    git(guarded.workspace, "commit", "-q", "--allow-empty", "-m", "one")
    return guarded.workspace


PLANTS = {
    "configuration": "git -C sub config core.fsmonitor 'touch {mark}; false'",
    "an included file": "printf '[core]\\n\\tfsmonitor = touch {mark}\\n' > evil &&"
    " git -C sub config include.path ../../evil",
    "hooks": "printf '#!/bin/sh\\ntouch {mark}\\n' > sub/.git/hooks/post-checkout &&"
    " chmod +x sub/.git/hooks/post-checkout",
    "work tree configuration": "git -C sub config extensions.worktreeConfig true &&"
    " printf '[core]\\n\\tfsmonitor = touch {mark}\\n' > sub/.git/config.worktree",
    "a git file": "mv sub/.git .elsewhere && echo 'gitdir: ../.elsewhere' > sub/.git &&"
    " git -C sub config core.fsmonitor 'touch {mark}; false'",
    "a common directory": "mkdir common && mv sub/.git/objects sub/.git/refs sub/.git/config common/ &&"
    " echo ../../common > sub/.git/commondir && git -C sub config core.fsmonitor 'touch {mark}; false'",
    "a link for configuration": "git -C sub config core.fsmonitor 'touch {mark}; false' &&"
    " mv sub/.git/config evil && ln -s ../../evil sub/.git/config",
}


@pytest.mark.parametrize("plant", PLANTS)
def test_what_is_planted_below_does_not_run_for_the_person(
    guarded: Guarded, repository: Path, tmp_path: Path, plant: str
) -> None:
    mark = tmp_path / "ran-outside"
    make = f"git init -q sub && (cd sub && {COMMIT} -m s) && git add sub 2>/dev/null && {COMMIT} -m 'add sub'; "
    guarded.shell(make + PLANTS[plant].format(mark=mark))
    for words in (("status",), ("-C", "sub", "status"), ("diff",), ("-C", "sub", "checkout", "-q", "-b", "x")):
        subprocess.run(["git", *words], cwd=repository, capture_output=True, check=False)
    assert not mark.exists()


def test_a_repository_that_was_there_is_left_as_it_was(guarded: Guarded, repository: Path) -> None:
    git(repository, "init", "-q", "lib")
    git(repository / "lib", "config", "core.fsmonitor", "true")
    hook = repository / "lib/.git/hooks/pre-commit"
    hook.write_text("#!/bin/sh\n")
    hook.chmod(0o755)
    time.sleep(1.1)  # nobody can set back the time of a change
    done = guarded.shell(f"cd lib && {COMMIT} -m more")
    assert (done.returncode, done.stderr) == (0, "")
    assert git(repository / "lib", "config", "core.fsmonitor") == "true"
    assert hook.exists()


def test_a_clone_made_inside_stays_a_clone(guarded: Guarded, repository: Path) -> None:
    done = guarded.shell("git clone -q . copy 2>/dev/null; cd copy && git worktree add -q ../beside")
    assert done.returncode == 0
    assert git(repository / "copy", "log", "--format=%s") == "one"
    assert git(repository / "copy", "config", "branch.main.remote") == "origin"
    assert git(repository / "beside", "log", "--format=%s") == "one"


def test_a_git_file_that_leads_out_is_moved_away(guarded: Guarded, repository: Path, tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "other")
    guarded.shell(f"mkdir sub && echo 'gitdir: {tmp_path}/other/.git' > sub/.git")
    assert not os.path.lexists(repository / "sub/.git")
