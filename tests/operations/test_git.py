"""What a push does, read from what a real git sends."""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from yett.model.effects import Effect, Recovery
from yett.model.errors import Unreadable
from yett.model.http import HttpRequest
from yett.model.operation import GitRef
from yett.operations.classify import classify
from yett.operations.git import NOTHING_KNOWN, GitKnowledge
from yett.providers.book import ProviderBook

from .conftest import SESSION
from .recording_git import RecordingGit, git


class Work:
    """A clone with one commit pushed to a server that keeps what it is sent."""

    def __init__(self, server: RecordingGit, folder: Path) -> None:
        self.server = server
        self.folder = folder

    def git(self, *arguments: str) -> str:
        return git(self.folder, *arguments)

    def commit(self, text: str) -> str:
        (self.folder / "file").write_text(text)
        self.git("add", "file")
        self.git("commit", "-qm", text)
        return self.git("rev-parse", "HEAD")

    def pushed(self, *arguments: str) -> HttpRequest:
        """Push, and give the request that carried the commands."""
        self.server.asked.clear()
        self.git("push", "-q", *arguments)
        return self.server.pushes()[-1]


@pytest.fixture
def work(tmp_path: Path) -> Iterator[Work]:
    git(tmp_path, "init", "-q", "--bare", "rentals.git")
    git(tmp_path / "rentals.git", "config", "receive.advertisePushOptions", "true")
    with RecordingGit(tmp_path) as server:
        git(tmp_path, "init", "-q", "-b", "topic", "clone")
        found = Work(server, tmp_path / "clone")
        found.git("remote", "add", "origin", f"{server.url}/rentals.git")
        found.commit("one")
        yield found


def refs(request: HttpRequest, book: ProviderBook, knowledge: GitKnowledge = NOTHING_KNOWN) -> list[tuple[str, str]]:
    operations = classify(request, book, SESSION, knowledge).operations
    targets = [operation.target for operation in operations]
    return [(target.change, target.ref) for target in targets if isinstance(target, GitRef)]


def test_a_new_branch_is_created(work: Work, book: ProviderBook) -> None:
    asked = work.pushed("origin", "topic")
    assert refs(asked, book) == [("create", "refs/heads/topic")]
    found = classify(asked, book, SESSION)
    assert found.summary == "git: push to https://git.example.com/rentals: create refs/heads/topic"
    assert found.body is None


def test_a_moved_branch_counts_as_forced_until_the_ancestry_is_known(work: Work, book: ProviderBook) -> None:
    old = work.commit("two")
    work.pushed("origin", "topic")
    new = work.commit("three")
    asked = work.pushed("origin", "topic")
    known = GitKnowledge(contains=lambda n, o: (n, o) == (new, old))
    assert refs(asked, book) == [("force", "refs/heads/topic")]
    assert refs(asked, book, known) == [("fast-forward", "refs/heads/topic")]


def test_a_forced_push_destroys(work: Work, book: ProviderBook) -> None:
    work.pushed("origin", "topic")
    work.git("commit", "-q", "--amend", "-m", "other")
    asked = work.pushed("--force", "origin", "topic")
    known = GitKnowledge(contains=lambda n, o: False, workflow=lambda o, n: False)
    (operation,) = classify(asked, book, SESSION, known).operations
    assert refs(asked, book, known) == [("force", "refs/heads/topic")]
    assert (operation.effect, operation.recovery, operation.cost.deletes) == (Effect.DELETE, Recovery.FROM_BACKUP, 1)


def test_each_ref_of_a_push_is_an_operation(work: Work, book: ProviderBook) -> None:
    work.git("tag", "v1")
    work.git("branch", "main")
    work.pushed("origin", "topic")
    work.commit("two")
    asked = work.pushed("--force", "origin", ":topic", "main", "v1", "HEAD:refs/heads/other")
    assert sorted(refs(asked, book)) == [
        ("create", "refs/heads/main"),
        ("create", "refs/heads/other"),
        ("delete", "refs/heads/topic"),
        ("tag", "refs/tags/v1"),
    ]


def test_a_tag_that_is_deleted_is_a_delete(work: Work, book: ProviderBook) -> None:
    work.git("tag", "v1")
    work.pushed("origin", "v1")
    assert refs(work.pushed("origin", ":v1"), book) == [("delete", "refs/tags/v1")]


def test_without_knowledge_a_remote_is_not_one_s_own_and_a_push_triggers(work: Work, book: ProviderBook) -> None:
    (operation,) = classify(work.pushed("origin", "topic"), book, SESSION).operations
    assert operation.target == GitRef(
        "https://git.example.com/rentals", "refs/heads/topic", "create",
        own=False, protected=False, triggers=True, workflow=True,
    )  # fmt: skip
    assert operation.effect is Effect.ADMIN


def test_with_knowledge_a_new_branch_of_one_s_own_remote_is_a_plain_write(work: Work, book: ProviderBook) -> None:
    known = GitKnowledge(
        own=lambda remote: remote == "https://git.example.com/rentals",
        triggers=lambda remote, ref: False,
        workflow=lambda old, new: False,
    )
    (operation,) = classify(work.pushed("origin", "topic"), book, SESSION, known).operations
    assert operation.effect is Effect.WRITE
    assert operation.target == GitRef("https://git.example.com/rentals", "refs/heads/topic", "create", own=True)


@pytest.mark.parametrize("branch", ["main", "master", "production", "release/1.2", "release-2", "hotfix/x", "stable"])
def test_branches_that_others_build_on_are_protected(work: Work, book: ProviderBook, branch: str) -> None:
    (operation,) = classify(work.pushed("origin", f"HEAD:refs/heads/{branch}"), book, SESSION).operations
    assert isinstance(operation.target, GitRef)
    assert operation.target.protected


def test_push_options_are_shown_and_trigger(work: Work, book: ProviderBook) -> None:
    known = GitKnowledge(triggers=lambda remote, ref: False)
    asked = work.pushed("-o", "merge_request.create", "-o", "ci.skip", "origin", "topic")
    (operation,) = classify(asked, book, SESSION, known).operations
    assert operation.parameters["options"] == ["merge_request.create", "ci.skip"]
    assert isinstance(operation.target, GitRef)
    assert operation.target.triggers


def test_a_push_from_a_shallow_clone_is_read(work: Work, book: ProviderBook, tmp_path: Path) -> None:
    work.commit("two")
    work.pushed("origin", "topic")
    git(tmp_path, "clone", "-q", "--depth", "1", "-b", "topic", f"{work.server.url}/rentals.git", "shallow")
    shallow = Work(work.server, tmp_path / "shallow")
    shallow.commit("three")
    assert refs(shallow.pushed("origin", "HEAD:refs/heads/three"), book) == [("create", "refs/heads/three")]


def test_a_large_push_is_read(work: Work, book: ProviderBook) -> None:
    work.git("config", "http.postBuffer", "65536")
    (work.folder / "large").write_bytes(os.urandom(300_000))
    work.git("add", "large")
    work.commit("large")
    work.server.asked.clear()
    work.git("push", "-q", "origin", "topic")
    kinds = [[op.action for op in classify(asked, book, SESSION).operations] for asked in work.server.pushes()]
    assert kinds == [["git:probe"], ["git:push"]]


@pytest.mark.parametrize("version", ["0", "1", "2"])
def test_a_clone_and_a_fetch_are_reads(work: Work, book: ProviderBook, tmp_path: Path, version: str) -> None:
    work.pushed("origin", "topic")
    work.server.asked.clear()
    git(tmp_path, "-c", f"protocol.version={version}", "clone", "-q", f"{work.server.url}/rentals.git", "again")
    work.commit("two")
    work.git("push", "-q", "origin", "topic")
    git(tmp_path / "again", "-c", f"protocol.version={version}", "fetch", "-q", "--depth=1")
    assert work.server.fetches()
    reading = [asked for asked in work.server.asked if asked not in work.server.pushes()]
    for asked in reading:
        found = classify(asked, book, SESSION)
        assert {op.effect for op in found.operations} == {Effect.READ}, asked
        assert found.operations[0].action in ("git:ls-remote", "git:fetch")


def test_a_compressed_push_is_read(work: Work, book: ProviderBook) -> None:
    asked = work.pushed("origin", "topic")
    assert asked.body is not None
    headers = (*asked.headers, ("content-encoding", "gzip"))
    assert refs(replace(asked, body=gzip.compress(asked.body), headers=headers), book) == refs(asked, book)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda body: body[:10], "cut off"),
        (lambda body: body.replace(b"0000PACK", b"0000RACK"), "other than a pack"),
        (lambda body: body.replace(b"refs/heads/topic", b"refs/heads/../op"), "git refuses"),
        (lambda body: body.replace(b"refs/heads/topic", b"hefs/reads/topic"), "git refuses"),
        (lambda body: body.split(b"0000PACK")[0], "no end"),
        (lambda body: b"zzzz" + body[4:], "no length"),
    ],
    ids=["cut", "no pack", "a name that climbs", "no ref", "no flush", "no length"],
)
def test_a_push_that_git_would_not_send_is_refused(work: Work, book: ProviderBook, change, what: str) -> None:  # type: ignore[no-untyped-def]
    asked = work.pushed("origin", "topic")
    with pytest.raises(Unreadable, match=what):
        classify(replace(asked, body=change(asked.body)), book, SESSION)


def test_a_push_of_another_content_type_is_refused(work: Work, book: ProviderBook) -> None:
    asked = work.pushed("origin", "topic")
    with pytest.raises(Unreadable, match="content type"):
        classify(replace(asked, headers=()), book, SESSION)


def test_a_push_that_streams_is_refused(work: Work, book: ProviderBook) -> None:
    asked = work.pushed("origin", "topic")
    with pytest.raises(Unreadable, match="too large"):
        classify(replace(asked, body=None), book, SESSION)
