"""Pipes, devices and sockets where git expects files: git waits for ever at them, Yett says in seconds which it is."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from yett.inventory import git_life
from yett.inventory.git import GIT, environment, read_many
from yett.inventory.git_life import GitStalled, run
from yett.inventory.git_places import StrangeRepository, refuse_strange, refuse_strange_inside
from yett.inventory.history.asked import present
from yett.inventory.history.repositories import Repository
from yett.model.errors import YettError
from yett.sandbox.mirror.export import git_directory
from yett.sandbox.mirror.masks import Masks
from yett.sandbox.mirror.mirror import Mirror
from yett.sandbox.mirror.plumbing import GitFailed, Reader

PLACES = (
    "config", "HEAD", "packed-refs", "refs/heads/x", "refs/heads/main", "info/alternates", "objects/info/alternates",
    "objects/pack/x.pack", "objects/ab/cdef", "index", "logs/refs/stash", "info/exclude", "shallow", "commondir",
)  # fmt: skip
OBJECT = "ab" + "c" * 38


@pytest.fixture
def real(tmp_path: Path) -> Path:
    folder = tmp_path / "real"
    git(tmp_path, "init", "-q", "-b", "main", str(folder))
    (folder / "a.txt").write_text("one\n")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "one")
    return folder


@pytest.fixture(autouse=True)
def in_seconds(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(git_life, "PATIENCE", 1.0)
    began = time.monotonic()
    yield
    assert time.monotonic() - began < 15


def git(folder: Path, *words: str, **env: str) -> str:
    clean = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    who = ("-c", "user.name=A", "-c", "user.email=a@b.invalid")
    done = subprocess.run(["git", *who, *words], cwd=folder, env=clean | env, capture_output=True, check=True)
    return done.stdout.decode()


def planted(place: Path, kind: str = "pipe") -> Path:
    """One of what git waits at, in place of whatever was there."""
    place.parent.mkdir(parents=True, exist_ok=True)
    place.unlink(missing_ok=True)
    if kind == "pipe":
        os.mkfifo(place)
    elif kind == "device":
        place.symlink_to("/dev/zero")
    else:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(str(place))
    return place


def mirror(real: Path, folder: Path) -> Mirror:
    return Mirror(real, folder / "state", Masks({b"x" * 20: b"yett_ph_pipes0000000000000000000"}), "s-1")


@pytest.mark.parametrize("place", PLACES)
def test_a_pipe_in_a_repository_is_named_before_git_starts(real: Path, tmp_path: Path, place: str) -> None:
    pipe = planted(real / ".git" / place)
    with pytest.raises(StrangeRepository) as refused:
        mirror(real, tmp_path).make()
    assert refused.value.what.startswith(f"{pipe} is a pipe")
    assert "move it away" in refused.value.remedy


@pytest.mark.parametrize(("kind", "called"), [("device", "a device"), ("socket", "a socket")])
def test_so_is_a_device_and_a_socket(real: Path, kind: str, called: str) -> None:
    place = planted(real / ".git/packed-refs", kind)
    with pytest.raises(StrangeRepository, match=f"{place} is {called}"):
        refuse_strange(real)


def test_from_a_folder_below_a_work_tree_and_a_submodule_too(real: Path, tmp_path: Path) -> None:
    (real / "below").mkdir()
    git(real, "worktree", "add", "-q", str(tmp_path / "tree"))
    git(tmp_path, "init", "-q", "--bare", "lent.git")
    (real / ".git/objects/info/alternates").write_text(f"{tmp_path}/lent.git/objects\n")
    for folder in (real / "below", tmp_path / "tree", real / ".git", tmp_path / "lent.git"):
        refuse_strange(folder)
    planted(tmp_path / "lent.git/objects/pack/pack-1.idx")
    for folder in (real / "below", tmp_path / "tree", real / ".git", tmp_path / "lent.git"):
        with pytest.raises(StrangeRepository):
            refuse_strange(folder)


def test_no_repository_and_an_ordinary_one_are_not_refused(real: Path, tmp_path: Path) -> None:
    planted(real / ".git/fsmonitor--daemon.ipc", "socket")
    (real / ".git/objects/zz").symlink_to(real / ".git/objects")
    (real / ".git/gone").symlink_to("/nowhere")
    refuse_strange(real)
    refuse_strange(tmp_path)


def test_alternates_that_lead_to_each_other_and_everywhere_come_to_an_end(real: Path) -> None:
    stores = [real / f"o{number}" for number in range(30)]
    for store in stores:
        (store / "info").mkdir(parents=True)
        (store / "info/alternates").write_text("".join(f"{other}\n" for other in stores) + "/nowhere\n" * 10_000)
    (real / ".git/objects/info/alternates").write_text("".join(f"{store}\n" for store in stores))
    refuse_strange(real)


def test_what_an_agent_links_to_is_not_looked_at(real: Path) -> None:
    (real / ".git/everything").symlink_to("/")
    refuse_strange_inside(real / ".git")


def test_a_pipe_that_a_session_left_keeps_its_commits_inside_and_says_so(real: Path, tmp_path: Path) -> None:
    made = mirror(real, tmp_path)
    made.make()
    env = {"GIT_ALTERNATE_OBJECT_DIRECTORIES": str(made.view / "objects")}
    git(real, "--git-dir", str(made.gitdir), "commit", "-q", "--allow-empty", "-m", "inside", **env)
    pipe = planted(made.gitdir / "objects/info/x")
    with pytest.raises(StrangeRepository, match=f"{pipe} is a pipe"):
        made.bring_home()


def test_a_terminal_that_the_sandboxs_configuration_includes_ends_the_import(real: Path, tmp_path: Path) -> None:
    """Nothing strange lies in its folder; the git that packs in a sandbox of its own waits, and is ended."""
    made = mirror(real, tmp_path)
    made.make()
    env = {"GIT_ALTERNATE_OBJECT_DIRECTORIES": str(made.view / "objects")}
    git(real, "--git-dir", str(made.gitdir), "commit", "-q", "--allow-empty", "-m", "inside", **env)
    with (made.gitdir / "config").open("a") as config:
        config.write("[include]\n\tpath = /dev/ptmx\n")
    with pytest.raises(GitFailed, match="the session's commits could not be read"):
        made.bring_home()


def test_a_pipe_that_a_configuration_includes_ends_git(real: Path, tmp_path: Path) -> None:
    pipe = planted(tmp_path / "included")
    with (real / ".git/config").open("a") as config:
        config.write(f"[include]\n\tpath = {pipe}\n")
    with pytest.raises(GitStalled, match="git waits for ever in"):
        git_directory(real)
    with pytest.raises(GitStalled):
        list(read_many(real, [OBJECT]))
    with pytest.raises(GitStalled), Reader(real) as read:
        read(OBJECT)
    with pytest.raises(GitStalled):
        present(Repository(real / ".git", (real / ".git/objects",)), [OBJECT])


@pytest.mark.parametrize("place", ["objects/ab/" + "c" * 38, "objects/pack/pack-" + "d" * 40 + ".idx"])
def test_a_pipe_that_is_made_meanwhile_is_named_when_git_stalls(real: Path, place: str) -> None:
    pipe = planted(real / ".git" / place)
    (pipe.with_suffix(".pack")).write_bytes(b"PACK")
    with pytest.raises(StrangeRepository, match=f"{pipe} is a pipe"):
        list(read_many(real, [OBJECT]))


def test_no_git_is_left_behind(real: Path) -> None:
    pipe = planted(real / ".git/config")
    with pytest.raises(YettError):
        run([*GIT, "log"], cwd=real, env=environment())
    left = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has ended, or is somebody else's
            left += [process] if os.readlink(process / "cwd") == str(real) else []
    assert left == [], pipe


def test_a_git_that_works_or_waits_for_its_child_is_left_alone(tmp_path: Path) -> None:
    busy = ["sh", "-c", "python3 -c 'import time\nend = time.time() + 3\nwhile time.time() < end: pass'; echo done"]
    assert run(busy, cwd=tmp_path, env=os.environ).stdout == b"done\n"


def test_whoever_reads_slowly_does_not_end_git(real: Path) -> None:
    (real / "large").write_bytes(os.urandom(3 << 20))
    git(real, "add", ".")
    oids = [line.split()[1] for line in git(real, "ls-files", "-s").splitlines()]
    seen = 0
    for _ in read_many(real, oids * 3):
        seen += 1
        time.sleep(0.7)
    assert seen == 6


def test_what_git_says_and_how_it_ends_arrives(real: Path) -> None:
    done = run([*GIT, "hash-object", "--stdin"], cwd=real, env=environment(), stdin=b"x" * (1 << 20))
    assert (done.returncode, len(done.stdout)) == (0, 41)
    assert run([*GIT, "nonsense"], cwd=real, env=environment()).returncode != 0
