"""A repository that was made to hold up whoever looks into it, or to speak to their terminal."""

from __future__ import annotations

import os
import random
import subprocess
import time
from pathlib import Path

import pytest

from yett.inventory import git_life
from yett.inventory.engine import engine
from yett.inventory.history.loose import read_loose
from yett.inventory.history.repositories import repositories
from yett.inventory.history.scan import scan_history
from yett.inventory.survey import Wanted, survey


@pytest.fixture
def made(tmp_path: Path) -> Path:
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    git = ["git", "-c", "user.name=A", "-c", "user.email=a@b.invalid", "-C", str(workspace)]
    (workspace / "a.txt").write_text("one\n")
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "one"]):
        subprocess.run([*git, *words], check=True)
    return workspace


def test_alternates_that_lead_to_each_other_are_followed_once(made: Path) -> None:
    stores = [made / f"o{number}" for number in range(30)]
    for store in stores:
        (store / "info").mkdir(parents=True)
        (store / "info/alternates").write_text("".join(f"{other}\n" for other in stores))
    (made / ".git/objects/info/alternates").write_text("".join(f"{store}\n" for store in stores))
    began = time.monotonic()
    assert len(repositories(made)[0].stores) == 31
    assert time.monotonic() - began < 5


def test_there_is_an_end_to_alternates(made: Path) -> None:
    (made / ".git/objects/info/alternates").write_text("".join(f"/nowhere/{number}\n" for number in range(100_000)))
    assert len(repositories(made)[0].stores) <= 101


@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_alternates_that_are_no_file_are_not_read(made: Path, kind: str) -> None:
    place = made / ".git/objects/info/alternates"
    os.mkfifo(place) if kind == "pipe" else os.symlink("/dev/zero", place)
    assert len(repositories(made)[0].stores) == 1


def test_an_object_that_is_a_pipe_is_none(made: Path) -> None:
    store = made / ".git/objects"
    (store / "ab").mkdir(exist_ok=True)
    os.mkfifo(store / "ab" / ("c" * 38))
    with pytest.raises(OSError, match="no regular file"):
        read_loose(store, "ab" + "c" * 38, 1 << 20)


def test_what_git_says_of_a_repository_does_not_reach_the_terminal(
    made: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (made / ".git/objects/info/alternates").write_text("/nowhere/\N{RIGHT-TO-LEFT OVERRIDE}evil\n")
    oid = subprocess.run(["git", "-C", str(made), "rev-parse", "HEAD:a.txt"], capture_output=True, check=True).stdout
    scan_history(made, engine(), workers=1)
    from yett.inventory.git import read_many

    assert len(list(read_many(made, [oid.decode().strip()]))) == 1
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("place", ["config", "HEAD", "packed-refs", "refs/heads/x", "objects/info/alternates"])
def test_a_pipe_costs_the_history_and_nothing_else(made: Path, place: str) -> None:
    """Passed over in silence it would look like a clean repository."""
    pipe = made / ".git" / place
    pipe.unlink(missing_ok=True)
    os.mkfifo(pipe)
    (made / "settings.txt").write_text(
        "SERVICE_API_KEY=" + "".join(random.Random(5).choices("abcdefgh23456789XYZ", k=24))
    )
    began = time.monotonic()
    outcome = survey(Wanted((made,)))
    assert time.monotonic() - began < 10
    assert [each.why for each in outcome.unread if str(pipe) in each.why]
    assert len(outcome.findings) == 1


def test_a_pipe_that_a_configuration_includes_ends_the_history_of_a_scan(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(git_life, "PATIENCE", 1.0)
    os.mkfifo(tmp_path / "included")
    with (made / ".git/config").open("a") as config:
        config.write(f"[include]\n\tpath = {tmp_path}/included\n")
    began = time.monotonic()
    outcome = survey(Wanted((made,)))
    assert time.monotonic() - began < 10
    assert [each for each in outcome.unread if "waits for ever" in each.why]
