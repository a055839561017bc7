"""Pushes that hide what they start at the host: a commit that brings CI files is seen whichever way it comes."""

from __future__ import annotations

import secrets
import subprocess

import pytest
from git_workspace import Workspace, git

from yett.model.errors import YettError
from yett.sandbox.mirror import incoming
from yett.sandbox.mirror.masks import Masks
from yett.sandbox.mirror.mirror import Mirror, RefUpdate
from yett.sandbox.mirror.plumbing import ZERO, GitFailed

WORKFLOW = b"on: push\njobs: {x: {runs-on: ubuntu-latest, steps: [{run: make}]}}\n"


class Agent:
    """The agent's own repository: commits made with plumbing, pushed as packs."""

    def __init__(self, workspace: Workspace) -> None:
        self.mirror = workspace.mirror
        self.main = git(self.mirror.view, "rev-parse", "refs/heads/main").strip()

    def git(self, *words: str, stdin: bytes | None = None) -> str:
        borrowed = {"GIT_ALTERNATE_OBJECT_DIRECTORIES": str(self.mirror.objects)}
        return git(self.mirror.gitdir, *words, stdin=stdin, **borrowed).strip()

    def commit(self, *parents: str, workflow: bytes | None = None) -> str:
        """A commit on main's files, with or without a workflow."""
        rows = self.git("ls-tree", self.main)
        if workflow is not None:
            blob = self.git("hash-object", "-w", "--stdin", stdin=workflow)
            folder = self.git("mktree", stdin=f"100644 blob {blob}\tx.yml\n".encode())
            github = self.git("mktree", stdin=f"040000 tree {folder}\tworkflows\n".encode())
            rows += f"\n040000 tree {github}\t.github"
        tree = self.git("mktree", stdin=rows.encode() + b"\n")
        above = [word for parent in parents for word in ("-p", parent)]
        return self.git("commit-tree", tree, *above, "-m", "work")

    def push(self, ref: str, new: str, *, allowed: bool = True) -> RefUpdate:
        """What the checkpoint is told of it; `allowed`: it lets it pass."""
        wanted = f"{new}\n^{self.main}\n".encode()
        pack = subprocess.run(
            ["git", "--git-dir", str(self.mirror.gitdir), "pack-objects", "--revs", "--stdout", "-q"],
            input=wanted,
            env={"PATH": "/usr/bin:/bin", "GIT_ALTERNATE_OBJECT_DIRECTORIES": str(self.mirror.objects)},
            capture_output=True,
            check=True,
        ).stdout
        seen: list[RefUpdate] = []

        def decide(updates: list[RefUpdate]) -> None:
            seen.extend(updates)
            if not allowed:
                raise PermissionError

        self.mirror.push([(ref, ZERO, new)], pack, decide, lambda rows: None)
        return seen[0]


def test_a_merge_that_drops_a_workflow_does_not_hide_the_commit_that_has_it(workspace: Workspace) -> None:
    """Else a second push, of a branch at that commit, would bring nothing new."""
    agent = Agent(workspace)
    evil = agent.commit(agent.main, workflow=WORKFLOW)
    other = agent.commit(agent.main)
    merged = agent.commit(other, evil)
    assert agent.push("refs/heads/harmless", merged).workflow


def test_a_workflow_of_an_earlier_session_is_still_to_be_decided(workspace: Workspace) -> None:
    """It came home into a local branch; the remote has never seen it."""
    first = Agent(workspace)
    evil = first.commit(first.main, workflow=WORKFLOW)
    first.git("update-ref", "refs/heads/work", evil)
    workspace.mirror.bring_home()
    assert git(workspace.real, "branch", "--list", "work").strip() == "work"
    later = Mirror(workspace.real, workspace.mirror.view.parent.parent / "later", Masks({}), "s-2")
    later.make()
    second = Agent(workspace)
    second.mirror = later
    second.main = git(later.view, "rev-parse", "refs/heads/main").strip()
    assert second.push("refs/heads/work", git(later.view, "rev-parse", "refs/local/heads/work").strip()).workflow


@pytest.mark.parametrize(
    "holds",
    [
        b"permissions: {id-token: write}\n",
        b"env: {T: '${{ github.token }}'}\n",
        b"env: {T: '${{ secrets.DEPLOY }}'}\n",
        b"runs-on: self-hosted\n",
    ],
)
def test_a_job_with_any_kind_of_credential_counts_as_one_with_secrets(workspace: Workspace, holds: bytes) -> None:
    agent = Agent(workspace)
    assert agent.push("refs/heads/work", agent.commit(agent.main, workflow=WORKFLOW + holds)).triggers


def test_a_branch_without_ci_files_starts_nothing(workspace: Workspace) -> None:
    agent = Agent(workspace)
    seen = agent.push("refs/heads/work", agent.commit(agent.main))
    assert (seen.workflow, seen.triggers) == (False, False)


def test_a_small_pack_that_unpacks_to_a_flood_is_refused(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(incoming, "MAX_OBJECT", 8 << 20)
    agent = Agent(workspace)
    blob = agent.git("hash-object", "-w", "--stdin", stdin=bytes(9 << 20))
    tree = agent.git("mktree", stdin=f"100644 blob {blob}\tzeros\n".encode())
    new = agent.git("commit-tree", tree, "-p", agent.main, "-m", "zeros")
    with pytest.raises(YettError, match="unpack"):
        agent.push("refs/heads/work", new)
    agent.git("update-ref", "refs/heads/work", new)
    with pytest.raises(YettError, match="unpack"):
        workspace.mirror.bring_home()


def test_a_pack_without_end_is_not_read_into_memory(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(incoming, "_INDEX_PACK", (*incoming._INDEX_PACK[:-1], "--max-input-size=65536"))
    agent = Agent(workspace)
    blob = agent.git("hash-object", "-w", "--stdin", stdin=secrets.token_bytes(1 << 20))
    tree = agent.git("mktree", stdin=f"100644 blob {blob}\tnoise\n".encode())
    agent.git("update-ref", "refs/heads/work", agent.git("commit-tree", tree, "-p", agent.main, "-m", "noise"))
    with pytest.raises(GitFailed, match="could not be read"):
        workspace.mirror.bring_home()
