"""Only what is new: since a revision, and what a push would send."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from inventory.history.made import repository, run
from inventory.history.standin import StandIn, token
from yett.inventory.history import HistoryOutcome, repositories, scan_history, scan_objects, to_be_pushed
from yett.model.errors import ConfigurationError

ZERO = "0" * 40


@pytest.fixture
def secrets() -> list[str]:
    dice = random.Random(1)
    return [token(dice) for _ in range(4)]


@pytest.fixture
def folder(tmp_path: Path, secrets: list[str]) -> Path:
    versions = [{"a": f"x {secret} y".encode()} for secret in secrets]
    return repository(tmp_path / "r", versions, ["one", "two", "three", f"four {secrets[3]}"])


def _values(outcome: HistoryOutcome) -> set[str]:
    return {spot.value.decode() for each in outcome.found for spot in each.spots}


def test_since_a_revision(folder: Path, engine: StandIn, secrets: list[str]) -> None:
    assert _values(scan_history(folder, engine, since="HEAD~2")) == set(secrets[2:])
    assert _values(scan_history(folder, engine, since="HEAD")) == set()


def test_many_new_objects_are_read_from_the_pack(
    folder: Path, engine: StandIn, secrets: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("yett.inventory.history.scan._MANY", 0)
    monkeypatch.setattr("yett.inventory.history.packs._FEW", 0)
    (folder / "loose").write_text("nothing")
    run(folder, "add", "loose")
    run(folder, "commit", "-qm", "five")
    assert _values(scan_history(folder, engine, since="HEAD~3")) == set(secrets[2:])


@pytest.mark.parametrize("revision", ["nowhere", "--all", "-", "HEAD~99"])
def test_a_revision_that_is_none(folder: Path, engine: StandIn, revision: str) -> None:
    with pytest.raises(ConfigurationError):
        scan_history(folder, engine, since=revision)


def _pushed(folder: Path, engine: StandIn, *lines: str) -> set[str]:
    found = to_be_pushed(repositories(folder)[0], "origin", lines)
    return _values(scan_objects(folder, engine, found))


def test_a_push_to_a_branch(folder: Path, engine: StandIn, secrets: list[str]) -> None:
    head, before = run(folder, "rev-parse", "HEAD", "HEAD~1").split()
    assert _pushed(folder, engine, f"refs/heads/main {head} refs/heads/main {before}") == {secrets[3]}


def test_a_push_of_a_new_branch(folder: Path, engine: StandIn, secrets: list[str]) -> None:
    head = run(folder, "rev-parse", "HEAD").strip()
    assert _pushed(folder, engine, f"refs/heads/main {head} refs/heads/main {ZERO}") == set(secrets)
    run(folder, "update-ref", "refs/remotes/origin/main", "HEAD~1")
    assert _pushed(folder, engine, f"refs/heads/main {head} refs/heads/new {ZERO}") == {secrets[3]}


def test_a_push_that_deletes_and_lines_that_are_none(folder: Path, engine: StandIn) -> None:
    head = run(folder, "rev-parse", "HEAD").strip()
    assert _pushed(folder, engine, f"(delete) {ZERO} refs/heads/main {head}", "", "some words") == set()


def test_a_remote_that_has_what_is_not_here(folder: Path, engine: StandIn, secrets: list[str]) -> None:
    head = run(folder, "rev-parse", "HEAD").strip()
    assert _pushed(folder, engine, f"refs/heads/main {head} refs/heads/main {'1' * 40}") == set(secrets)
