"""git inside: everyday work as ever; what would run a program on the host stays inside and is named."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from sandbox.conftest import Guarded

pytestmark = pytest.mark.sandbox


def git(directory: Path, *words: str) -> str:
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.com"]
    done = subprocess.run(["git", *identity, *words], cwd=directory, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def repository(guarded: Guarded) -> Path:
    """A repository with one commit, a remote to push to, and the person's name in their own configuration."""
    origin = guarded.workspace / "origin.git"
    git(guarded.workspace, "init", "-q", "-b", "main")
    git(guarded.workspace, "init", "-q", "--bare", "-b", "main", str(origin))
    (guarded.workspace / ".git" / "info" / "exclude").write_text("origin.git\n")
    (guarded.workspace / "file").write_text("one\n")
    git(guarded.workspace, "add", "file")
    git(guarded.workspace, "commit", "-q", "-m", "one")
    git(guarded.workspace, "remote", "add", "origin", str(origin))
    git(guarded.workspace, "push", "-q", "-u", "origin", "main")
    (guarded.home / ".gitconfig").write_text("[user]\n\tname = Ada\n\temail = ada@example.com\n")
    return guarded.workspace


def config(repository: Path) -> dict[str, str]:
    lines = git(repository, "config", "--file", ".git/config", "--list").splitlines()
    return dict(line.split("=", 1) for line in lines)


def test_everyday_git_works_and_nothing_is_said(guarded: Guarded, repository: Path) -> None:
    done = guarded.shell(
        "set -e; git status --porcelain; echo two >> file; git commit -q -a -m two; git checkout -q -b topic;"
        "echo three >> file; git stash -q; git stash pop -q; git commit -q -a -m three; git checkout -q main;"
        "git merge -q --ff-only topic; git branch -q -d topic; git log --format=%an -1; git push -q origin main;"
        "git rebase -q HEAD~1; git tag v1; git gc -q; git status --porcelain"
    )
    assert (done.stdout, done.stderr, done.returncode) == ("Ada\n", "", 0)
    assert git(repository, "rev-parse", "origin/main") == git(repository, "rev-parse", "main")


def test_branches_and_remotes_made_inside_arrive(guarded: Guarded, repository: Path) -> None:
    done = guarded.shell(
        "set -e; git remote add fork https://git.example.com/f.git; git checkout -q -b topic;"
        "git push -q -u origin topic; git branch -m topic better; git config user.email new@example.com"
    )
    assert (done.returncode, done.stderr) == (0, "")
    after = config(repository)
    assert after["remote.fork.url"] == "https://git.example.com/f.git"
    assert after["branch.better.merge"] == "refs/heads/topic"
    assert after["user.email"] == "new@example.com"
    assert "branch.topic.merge" not in after


def test_removed_remotes_and_branches_go(guarded: Guarded, repository: Path) -> None:
    guarded.shell("git remote remove origin")
    assert not [key for key in config(repository) if key.startswith(("remote.", "branch."))]


EXECUTING = {
    "core.fsmonitor": "touch pwned",
    "core.sshCommand": "touch pwned",
    "core.hooksPath": "/tmp/hooks",
    "core.pager": "touch pwned",
    "core.editor": "touch pwned",
    "credential.helper": "!touch pwned",
    "alias.st": "!touch pwned",
    "filter.x.clean": "touch pwned",
    "diff.x.textconv": "touch pwned",
    "diff.external": "touch pwned",
    "include.path": "/tmp/evil",
    "gpg.program": "touch pwned",
    "remote.origin.uploadpack": "touch pwned",
    "remote.origin.vcs": "evil",
    "remote.evil.url": "ext::sh -c touch% pwned",
    "submodule.x.update": "!touch pwned",
    "url.ext::sh.insteadOf": "https://",
    "extensions.worktreeConfig": "true",
    "branch.main.mergeOptions": "--strategy=evil",
    "uploadpack.packObjectsHook": "touch pwned",
}


def test_keys_that_run_programs_stay_inside_and_are_named(guarded: Guarded, repository: Path) -> None:
    before = (repository / ".git" / "config").read_text()
    script = ";".join(f"git config {name!r} {value!r}" for name, value in EXECUTING.items())
    done = guarded.shell(script)
    assert (repository / ".git" / "config").read_text() == before
    for name in EXECUTING:
        section, _, key = name.rpartition(".")
        assert f"{section.split('.')[0]}." in done.stderr
        assert key.lower() in done.stderr.lower()


def test_a_changed_address_of_a_remote_is_named(guarded: Guarded, repository: Path) -> None:
    done = guarded.shell("git remote set-url origin https://elsewhere.example.com/x.git")
    assert "remote.origin.url is now https://elsewhere.example.com/x.git" in done.stderr


def test_agent_written_names_cannot_write_escapes_on_the_terminal(guarded: Guarded, repository: Path) -> None:
    done = guarded.shell("git config $'filter.\\e]0;title\\a.clean' x")
    assert "\x1b" not in done.stderr
    assert "<U+001B>" in done.stderr


def test_credentials_and_helpers_of_the_host_are_not_visible(guarded: Guarded, repository: Path) -> None:
    git(repository, "config", "credential.helper", "store")
    git(repository, "config", "http.https://git.example.com/.extraheader", "Authorization: basic c2VjcmV0")
    (guarded.home / ".gitconfig").write_text("[credential]\n\thelper = osx\n[core]\n\tsshCommand = ssh -i key\n")
    done = guarded.shell("git config --local --list; git config --global --list; cat .git/config ~/.gitconfig")
    assert "c2VjcmV0" not in done.stdout
    assert "helper =" not in done.stdout.replace("helper=", "helper =")
    assert "sshcommand" not in done.stdout.lower()
    assert config(repository)["credential.helper"] == "store"


def test_the_persons_hooks_run_inside_and_new_ones_do_not_arrive(guarded: Guarded, repository: Path) -> None:
    hook = repository / ".git" / "hooks" / "pre-commit"
    hook.write_text("#!/bin/sh\necho hook-ran\n")
    hook.chmod(0o755)
    done = guarded.shell(
        "echo x >> file; git commit -a -m x 2>&1 | grep hook-ran;"
        "printf '#!/bin/sh\\ntouch pwned\\n' > .git/hooks/post-commit"
    )
    assert done.stdout == "hook-ran\n"
    assert "post-commit" in done.stderr
    assert not (repository / ".git" / "hooks" / "post-commit").exists()


PLANTS = {
    "rename .git": "mv .git old || true",
    "commondir": "mkdir -p evil && cp -r .git/objects .git/refs .git/HEAD evil/ && echo ../evil > .git/commondir",
    "config.worktree": "printf '[core]\\n\\tfsmonitor = touch pwned\\n' > .git/config.worktree",
    "config by rename": "printf '[core]\\n\\tfsmonitor = touch pwned\\n' > .git/n && mv .git/n .git/config",
    "config in place": "printf '[core]\\n\\tfsmonitor = touch pwned\\n' >> .git/config",
    "hooks folder renamed": "mv .git/hooks .git/old; mkdir -p .git/hooks;echo 'touch pwned' > .git/hooks/post-checkout",
    "a submodule's directory": "git init -q --bare .git/modules/x &&"
    " git -C .git/modules/x config core.fsmonitor 'touch pwned' &&"
    " echo 'touch pwned' > .git/modules/x/hooks/post-checkout",
    "link in modules": "mkdir -p .git/modules && ln -s / .git/modules/x",
}


@pytest.mark.parametrize("plant", PLANTS)
def test_nothing_planted_in_git_runs_for_the_person(guarded: Guarded, repository: Path, plant: str) -> None:
    guarded.shell(PLANTS[plant])
    assert git(repository, "rev-parse", "--git-common-dir") == ".git"
    assert git(repository, "log", "--format=%s") == "one"
    git(repository, "status")
    git(repository, "checkout", "-q", "-b", "after")
    assert config(repository).keys() & {"core.fsmonitor", "core.hookspath"} == set()
    modules = repository / ".git" / "modules" / "x"
    if plant == "a submodule's directory":
        assert "fsmonitor" not in (modules / "config").read_text()
        assert not (modules / "hooks" / "post-checkout").exists()
    assert not list(repository.rglob("pwned"))


def test_a_new_repository_arrives_without_programs(guarded: Guarded) -> None:
    done = guarded.shell(
        "git init -q && git config core.fsmonitor 'touch pwned' && git config user.name B &&"
        "echo 'touch pwned' > .git/hooks/post-checkout && git commit -q --allow-empty -m first --author 'A <a@b>'"
        " -c user.email=a@b 2>/dev/null; git -c user.email=a@b commit -q --allow-empty -m first"
    )
    assert "core.fsmonitor" in done.stderr
    assert "fsmonitor" not in config(guarded.workspace)
    assert config(guarded.workspace)["user.name"] == "B"
    assert not (guarded.workspace / ".git" / "hooks" / "post-checkout").exists()
    assert git(guarded.workspace, "log", "--format=%s") == "first"


def test_a_planted_link_to_another_repository_is_taken_away(guarded: Guarded, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "-q")
    guarded.shell(f"echo 'gitdir: {other}/.git' > .git")
    assert not (guarded.workspace / ".git").exists()
    guarded.shell(f"ln -s {other}/.git .git")
    assert not os.path.lexists(guarded.workspace / ".git")


def test_a_git_file_that_names_a_repository_without_a_link_back_opens_nothing(guarded: Guarded, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "-q")
    (guarded.workspace / ".git").write_text(f"gitdir: {other}/.git\n")
    assert guarded.shell(f"ls {other}/.git").returncode != 0


def test_a_linked_work_tree_works(guarded: Guarded, repository: Path, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    git(repository, "worktree", "add", "-q", str(tree), "-b", "side")
    done = guarded.shell("echo x >> file; git commit -q -a -m side; git config core.fsmonitor evil", cwd=tree)
    assert done.returncode == 0
    assert "core.fsmonitor" in done.stderr
    assert git(repository, "log", "--format=%s", "side") == "side\none"
    assert "core.fsmonitor" not in config(repository)
    assert not (repository / ".git" / "worktrees" / "tree" / "config").exists()


def test_a_masked_git_directory_takes_the_place_of_the_real_one(guarded: Guarded, repository: Path) -> None:
    view = guarded.plane.home / "view"
    git(repository, "clone", "-q", "--no-hardlinks", "--no-checkout", str(repository / ".git"), str(view))
    (view / ".git" / "info" / "exclude").write_text("origin.git\n")
    guarded.plane.git = {"gitdir": str(view / ".git")}
    done = guarded.shell(
        "git reset -q; git status --porcelain; git commit -q --allow-empty -m inside; git log --format=%s"
    )
    assert done.stdout == "inside\none\n"
    assert git(repository, "log", "--format=%s") == "one"


def test_the_persons_hooks_go_with_a_masked_git_directory(guarded: Guarded, repository: Path) -> None:
    hook = repository / ".git" / "hooks" / "pre-commit"
    hook.write_text("#!/bin/sh\necho hook-ran a-secret-value\n")
    hook.chmod(0o755)
    view = guarded.plane.home / "view"
    git(repository, "clone", "-q", "--no-hardlinks", "--no-checkout", str(repository / ".git"), str(view))
    copy = guarded.plane.home / "masked"
    copy.write_text(hook.read_text().replace("a-secret-value", "placeholder"))
    guarded.plane.git = {"gitdir": str(view / ".git")}
    guarded.plane.masks = [
        {"path": str(hook), "masked": str(copy)},
        {"path": str(repository / ".git" / "config"), "masked": str(copy)},
    ]
    done = guarded.shell("git reset -q; git commit --allow-empty -m x 2>&1 | grep hook-ran; cat .git/hooks/pre-commit")
    assert "hook-ran placeholder\n" in done.stdout
    assert "a-secret-value" not in done.stdout


def test_commits_are_unsigned_with_one_notice(guarded: Guarded, repository: Path) -> None:
    (guarded.home / ".gitconfig").write_text("[user]\n\tname = A\n\temail = a@b\n[commit]\n\tgpgSign = true\n")
    done = guarded.shell("git commit -q --allow-empty -m x")
    assert done.returncode == 0
    assert done.stderr.count("not signed") == 1
