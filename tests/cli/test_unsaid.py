"""A file, a folder or a login that is named like a credential: no command of the scan says it out loud."""

from __future__ import annotations

import random
import string
from pathlib import Path

import pytest
from repositories import Repository, yett

_CHANCE = random.Random()


def signed() -> str:
    """A token of a form of its own."""
    return "glp" + "at-" + "".join(_CHANCE.choices(string.ascii_letters + string.digits, k=20))


def opaque() -> str:
    """One that only its place tells."""
    return "".join(_CHANCE.choices(string.ascii_letters + string.digits, k=40))


class Named:
    """A repository in whose names credentials stand."""

    def __init__(self, repository: Repository) -> None:
        self.form, self.folder, self.twice, self.login, self.own = signed(), signed(), opaque(), signed(), opaque()
        self.repository = repository
        repository.put(f"{self.folder}/{self.form}.env", f"SERVICE_API_KEY={self.own}\n")
        repository.put(f"{self.twice}.env", f"SERVICE_API_KEY={self.twice}\n")
        repository.put(".netrc", f"machine git.acme.io login {self.login} password {opaque()}\n")
        repository.git("add", "-A")

    @property
    def values(self) -> tuple[str, ...]:
        return self.form, self.folder, self.twice, self.login, self.own

    def said(self, *words: str, status: int = 1, folder: Path | None = None, feed: str = "", **environ: str) -> str:
        """Everything that the command says, in which no value may stand."""
        done = yett(folder or self.repository.top, *words, feed=feed, **environ)
        whole = done.stdout + done.stderr
        assert done.returncode == status, whole
        assert [value for value in self.values if value in whole] == []
        return whole


@pytest.fixture
def named(repository: Repository) -> Named:
    return Named(repository)


@pytest.mark.parametrize("words", [(), ("--json",), ("--no-baseline",)], ids=" ".join)
def test_the_hook_of_a_commit(named: Named, words: tuple[str, ...]) -> None:
    assert "[secret]" in named.said("scan", "--staged", *words)


@pytest.mark.parametrize("words", [(), ("--json",)], ids=" ".join)
def test_the_hook_of_a_push(named: Named, words: tuple[str, ...]) -> None:
    named.repository.git("commit", "-q", "--no-verify", "-m", "a change")
    head = named.repository.git("rev-parse", "HEAD").strip()
    line = f"refs/heads/main {head} refs/heads/main {'0' * 40}\n"
    assert "[secret]" in named.said("scan", "--pushed", *words, feed=line)


def test_an_error_of_a_hook(named: Named) -> None:
    named.repository.put(f"{named.form}.json", "{")
    assert "[secret]" in named.said("scan", "--staged", "--baseline", f"{named.form}.json", status=2)


def test_a_blob_that_is_missing(named: Named) -> None:
    oid = named.repository.git("rev-parse", f":{named.folder}/{named.form}.env").strip()
    (named.repository.top / ".git/objects" / oid[:2] / oid[2:]).unlink()
    assert "[secret]" in named.said("scan", "--staged", status=2)


@pytest.mark.parametrize(
    "words",
    [
        ("scan", "{}.gone"),
        ("scan", ".", "--since", "{}"),
        ("scan", ".", "--baseline", "{}.json"),
        ("scan", ".", "--output", "gone/{}.txt"),
        ("baseline", "add", "{}.gone", "--reason", "x"),
        ("baseline", "prune", "--baseline", "{}/no.json"),
    ],
    ids=" ".join,
)
def test_an_error_of_the_scan(named: Named, words: tuple[str, ...]) -> None:
    named.repository.put(f"{named.form}/no.json", "{")
    assert "[secret]" in named.said(*(word.format(named.form) for word in words))


def test_a_controlling_character_in_an_error_does_nothing(named: Named) -> None:
    assert "\x1b" not in named.said("scan", "a\x1b]0;b")


def test_a_review(named: Named) -> None:
    tree = named.repository.git("mktree").strip()
    base = named.repository.git("commit-tree", tree, "-m", "first").strip()
    named.repository.git("commit", "-q", "--no-verify", "-m", "a change")
    for form in ("table", "markdown", "github", "gitlab", "sarif", "json", "jsonl", "html"):
        said = named.said("scan", ".", "--since", base, "--format", form)
        assert "[secret]" in said or "%5Bsecret%5D" in said


def test_what_a_baseline_takes_over_and_lists(named: Named) -> None:
    """A list looks into no file: it knows what a form tells, and that alone."""
    named.repository.git("rm", "-qf", f"{named.twice}.env")
    assert "[secret]" in named.said("baseline", "add", "--reason", "x", "--severity", "low", status=0)
    assert "[secret]" in named.said("baseline", "list", status=0)
    assert "[secret]" in named.said("baseline", "list", "--json", status=0)
    named.repository.git("rm", "-rqf", ".")
    assert "[secret]" in named.said("baseline", "prune", "--dry-run", status=0)


def test_a_hook_that_is_installed(named: Named) -> None:
    folder = named.repository.top.parent / named.form
    Repository.made(folder)
    assert "[secret]" in named.said("install-git-hook", folder=folder, status=0)
    assert "[secret]" in named.said("install-git-hook", "--uninstall", folder=folder, status=0)
    assert "[secret]" in named.said("install-git-hook", "--uninstall", folder=folder, status=0)
