"""The git that runs outside, as the person: what an agent put into the workspace never becomes its code."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from git_workspace import MASK, SECRET, Workspace, git

from yett.model.decision import Refused
from yett.model.effects import Effect, Verdict
from yett.model.errors import Unreadable, YettError
from yett.model.operation import Attempt
from yett.sandbox.mirror.masks import Masks
from yett.sandbox.mirror.mirror import Mirror
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


@pytest.mark.parametrize("transport", ["ssh", "upload-pack"])
def test_an_object_that_is_missing_is_not_fetched_by_the_mirror(tmp_path: Path, transport: str) -> None:
    """A folder that came with its `.git` (an archive, a copied disk) names the program that fetches for it."""
    real, mark = tmp_path / "real", tmp_path / "ran-outside"
    git(tmp_path, "init", "-q", "-b", "main", str(real))
    (real / "key").write_bytes(SECRET)
    git(real, "add", "-A")
    git(real, "commit", "-qm", "start")
    settings = {
        "core.repositoryFormatVersion": "1",
        "extensions.partialClone": "origin",
        "remote.origin.url": "ssh://nowhere/x" if transport == "ssh" else str(tmp_path),
        "remote.origin.uploadpack": f"touch {mark};",
        "remote.origin.promisor": "true",
        "core.sshCommand": f"touch {mark};",
    }
    for key, value in settings.items():
        git(real, "config", key, value)
    blob = git(real, "rev-parse", "HEAD:key").strip()
    (real / ".git/objects" / blob[:2] / blob[2:]).unlink()
    with pytest.raises(YettError, match="missing blob"):
        Mirror(real, tmp_path / "state", Masks({SECRET: MASK}), "s-1").make()
    assert not mark.exists()


def test_a_partial_clone_is_refused_with_the_command_that_completes_it(tmp_path: Path) -> None:
    source, part = tmp_path / "source", tmp_path / "part"
    git(tmp_path, "init", "-q", "-b", "main", str(source))
    git(source, "config", "uploadpack.allowFilter", "true")
    for text in (SECRET, b"gone"):
        (source / "key").write_bytes(text)
        git(source, "add", "-A")
        git(source, "commit", "-qm", "a change")
    git(tmp_path, "clone", "-q", "--filter=blob:none", f"file://{source}", str(part))
    with pytest.raises(YettError, match="is a partial clone") as refused:
        Mirror(part, tmp_path / "first", Masks({SECRET: MASK}), "s-1").make()
    git(part, *refused.value.remedy.rpartition(": git ")[2].split())
    Mirror(part, tmp_path / "second", Masks({SECRET: MASK}), "s-1").make()
