"""The git that runs outside, as the person: what an agent put into the workspace never becomes its code."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from git_workspace import MASK, SECRET, Workspace, git

from yett.model.decision import Refused
from yett.model.effects import Effect, Verdict
from yett.model.errors import Unreadable
from yett.model.operation import Attempt
from yett.sandbox.mirror.pktline import FLUSH, line


def _submodule_of_the_agent(workspace: Workspace, mark: Path) -> None:
    """A submodule of the project, whose `.git` the agent replaced by a repository that runs a program when fetched."""
    oid = git(workspace.real, "rev-parse", "HEAD").strip()
    git(workspace.real, "update-index", "--add", "--cacheinfo", f"160000,{oid},sub")
    git(workspace.real, "commit", "-qm", "a submodule")
    wants = '[submodule "sub"]\n\tpath = sub\n\turl = ../sub\n\tfetchRecurseSubmodules = true\n'
    (workspace.real / ".gitmodules").write_text(wants)
    planted = workspace.real / "sub"
    git(workspace.real, "init", "-q", str(planted))
    git(planted, "config", "remote.origin.url", f"ext::sh -c touch% {mark}")
    git(planted, "config", "protocol.ext.allow", "always")


def test_a_submodule_planted_in_the_workspace_is_not_fetched_outside(workspace: Workspace, tmp_path: Path) -> None:
    mark = tmp_path / "ran-outside"
    _submodule_of_the_agent(workspace, mark)
    assert asyncio.run(workspace.fetch()).status == 200
    assert not mark.exists()


def test_a_person_who_recurses_by_configuration_is_not_exposed_either(workspace: Workspace, tmp_path: Path) -> None:
    mark = tmp_path / "ran-outside"
    _submodule_of_the_agent(workspace, mark)
    for key in ("submodule.recurse", "fetch.recurseSubmodules"):
        git(workspace.real, "config", key, "true")
    asyncio.run(workspace.fetch())
    assert not mark.exists()


@pytest.mark.parametrize("service", ["upload", "receive"])
def test_a_closed_gate_lists_no_refs_of_the_own_remote(workspace: Workspace, service: str) -> None:
    workspace.checkpoint.says = _locked
    before = git(workspace.real, "for-each-ref")
    git(workspace.remote, "branch", "news", "main")
    with pytest.raises(Refused):
        asyncio.run(workspace.ask(workspace.remotes(), "GET", "/info/refs", f"service=git-{service}-pack"))
    assert git(workspace.real, "for-each-ref") == before


def test_a_closed_gate_serves_no_objects_of_the_own_remote(workspace: Workspace) -> None:
    workspace.checkpoint.says = _locked
    tip = git(workspace.mirror.view, "rev-parse", "main").strip()
    wanted = line(f"want {tip}\n".encode()) + FLUSH + line(b"done\n")
    with pytest.raises(Refused):
        asyncio.run(workspace.ask(workspace.remotes(), "POST", "/git-upload-pack", body=wanted))


def test_every_fetch_of_the_own_remote_is_put_to_the_checkpoint_as_a_read(workspace: Workspace) -> None:
    remotes = workspace.remotes()
    tip = git(workspace.mirror.view, "rev-parse", "main").strip()
    wanted = line(f"want {tip}\n".encode()) + FLUSH + line(b"done\n")
    asyncio.run(workspace.ask(remotes, "GET", "/info/refs", "service=git-upload-pack"))
    answer = asyncio.run(workspace.ask(remotes, "POST", "/git-upload-pack", body=wanted))
    assert b"PACK" in answer.body
    operations = [op for attempt in workspace.checkpoint.attempts for op in attempt.operations]
    assert [(op.action, op.effect) for op in operations] == [("git:ls-remote", Effect.READ), ("git:fetch", Effect.READ)]


def test_what_says_more_than_a_fetch_is_not_served(workspace: Workspace) -> None:
    with pytest.raises(Unreadable):
        asyncio.run(workspace.ask(workspace.remotes(), "POST", "/git-upload-pack", body=line(b"run this\n") + FLUSH))
    assert workspace.checkpoint.attempts == []


def test_real_ids_bring_no_unmasked_object(workspace: Workspace) -> None:
    """Protocol 2 serves any object by its id; the real ones must not be there to serve."""
    real = git(workspace.real, "rev-parse", "HEAD").strip()
    blob = git(workspace.real, "rev-parse", "HEAD:app.env").strip()
    for oid in (real, blob):
        assert oid not in git(workspace.mirror.view, "cat-file", "--batch-all-objects", "--batch-check")
    objects = git(workspace.mirror.view, "cat-file", "--batch-all-objects", "--batch").encode()
    assert MASK in objects
    assert SECRET not in objects


def _locked(attempt: Attempt) -> None:
    raise Refused(Verdict.DENY, "the gate is closed: lockdown", "", code="lockdown")
