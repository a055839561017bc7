"""The masked mirror, with real git: no secret inside, no placeholder outside, ordinary work whole."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from yett.inventory.history.made_inside import recorded
from yett.sandbox.mirror.masks import Masks
from yett.sandbox.mirror.mirror import Mirror, RefUpdate

SECRET = b"9d3f6a10-1111-4222-8333-abcdefabcdef"
MASK = b"yett_ph_mirrortest0000000000000"


def run(folder: Path, *arguments: str, env: dict[str, str] | None = None, stdin: bytes | None = None) -> str:
    clean = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    clean |= {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.com"}
    clean |= {"GIT_COMMITTER_NAME": "c", "GIT_COMMITTER_EMAIL": "c@example.com"} | (env or {})
    done = subprocess.run(["git", *arguments], cwd=folder, env=clean, capture_output=True, input=stdin, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode(errors="replace")


@dataclass
class World:
    """The real repository, its remote, the mirror, and a work tree as the agent has it."""

    real: Path
    remote: Path
    mirror: Mirror
    inside: Path

    def git(self, *arguments: str) -> str:
        """git as the agent runs it: its own `.git`, objects borrowed from the view."""
        env = {"GIT_ALTERNATE_OBJECT_DIRECTORIES": str(self.mirror.view / "objects")}
        paths = ("--git-dir", str(self.mirror.gitdir), "--work-tree", str(self.inside))
        return run(self.inside, *paths, *arguments, env=env)

    def outside(self, *arguments: str) -> str:
        return run(self.real, *arguments)


def every_object(repository: Path, env: dict[str, str] | None = None) -> bytes:
    return run(repository, "cat-file", "--batch-all-objects", "--batch", env=env).encode(errors="replace")


@pytest.fixture
def world(tmp_path: Path) -> World:
    remote, real, inside = tmp_path / "remote.git", tmp_path / "real", tmp_path / "inside"
    run(tmp_path, "init", "-q", "--bare", "-b", "main", str(remote))
    run(tmp_path, "init", "-q", "-b", "main", str(real))
    (real / "ops").mkdir()
    (real / "ops/domains.yaml").write_bytes(b"# domains\nrailway_token: " + SECRET + b"\n")
    (real / "app.py").write_text("print('one')\n")
    run(real, "add", "-A")
    run(real, "commit", "-qm", "start")
    (real / "old.env").write_bytes(b"RAILWAY_API_TOKEN=" + SECRET + b"\n")
    run(real, "add", "-A")
    run(real, "commit", "-qm", "add " + SECRET.decode())
    run(real, "rm", "-q", "old.env")
    run(real, "commit", "-qm", "remove it")
    run(real, "tag", "-am", "release with " + SECRET.decode(), "v1")
    run(real, "remote", "add", "origin", str(remote))
    run(real, "push", "-q", "-u", "origin", "main", "v1")
    mirror = Mirror(real, tmp_path / "state", Masks({SECRET: MASK}), "s-1")
    mirror.make()
    inside.mkdir()
    run(real, "checkout-index", "-a", f"--prefix={inside}/")
    masked = inside / "ops/domains.yaml"
    masked.write_bytes(masked.read_bytes().replace(SECRET, MASK))
    return World(real, remote, mirror, inside)


def test_no_object_inside_holds_the_secret(world: World) -> None:
    found = every_object(world.mirror.view) + (world.mirror.gitdir / "packed-refs").read_bytes()
    assert SECRET not in found
    assert MASK in found
    assert SECRET not in world.git("log", "-p", "--all").encode()


def test_a_folder_in_a_folder_without_end_is_masked(world: World, tmp_path: Path) -> None:
    deep = "d/" * 1500
    commit = b"commit refs/heads/main\ncommitter c <c@example.com> 1 +0000\ndata 0\nfrom refs/heads/main^0\n"
    stream = commit + f"M 644 inline {deep}f\n".encode() + b"data %d\nhere %s\n" % (len(SECRET) + 5, SECRET)
    run(world.real, "fast-import", "--quiet", stdin=stream)
    mirror = Mirror(world.real, tmp_path / "deep", Masks({SECRET: MASK}), "s-2")
    mirror.make()
    assert SECRET not in every_object(mirror.view)
    assert b"here " + MASK in every_object(mirror.view)
    assert sys.getrecursionlimit() < 3000  # it is the whole process', and parsers of C rely on it


def test_status_is_clean_and_the_history_is_whole(world: World) -> None:
    assert world.git("status", "--porcelain") == ""
    assert world.git("log", "--format=%s").splitlines()[0] == "remove it"
    assert len(world.git("log", "--format=%H", "--all").splitlines()) == 3
    world.git("fsck", "--strict")


def test_without_a_finding_every_id_is_the_real_one(world: World, tmp_path: Path) -> None:
    mirror = Mirror(world.real, tmp_path / "plain", Masks({}), "s-2")
    mirror.make()
    assert run(mirror.view, "rev-parse", "refs/heads/main") == world.outside("rev-parse", "main")


def test_without_a_finding_a_commit_comes_home_under_its_own_id(world: World, tmp_path: Path) -> None:
    mirror = Mirror(world.real, tmp_path / "plain", Masks({}), "s-2")
    mirror.make()
    plain = World(world.real, world.remote, mirror, world.inside)
    run(world.real, "checkout-index", "-a", "-f", f"--prefix={world.inside}/")
    (world.inside / "app.py").write_text("print('two')\n")
    plain.git("commit", "-qam", "two")
    made = plain.git("rev-parse", "HEAD")
    assert mirror.bring_home() == [f"main: now at {made[:12]}"]
    assert world.outside("rev-parse", "main") == made


def test_a_local_commit_comes_home_with_the_secret_in_its_place(world: World) -> None:
    (world.inside / "app.py").write_text("print('two')\n")
    (world.inside / "ops/domains.yaml").write_bytes(b"# our domains\nrailway_token: " + MASK + b"\n")
    world.git("commit", "-qam", "change both")
    said = world.mirror.bring_home()
    assert any(line.startswith("main: now at") for line in said)
    assert world.outside("show", "main:ops/domains.yaml").encode() == b"# our domains\nrailway_token: " + SECRET + b"\n"
    assert world.outside("log", "-1", "--format=%s%P").startswith("change both")
    assert MASK not in every_object(world.real)
    world.outside("fsck", "--strict")


def test_commits_that_were_made_inside_are_listed_and_carry_no_mark(world: World) -> None:
    (world.inside / "app.py").write_text("print('two')\n")
    world.git("commit", "-qam", "two")
    world.mirror.bring_home()
    made = world.outside("rev-parse", "main").strip()
    assert world.mirror.made == [made]
    assert recorded(world.real / ".git") == {made: "agent"}
    assert world.outside("log", "-1", "--format=%B").strip() == "two"


def test_a_copied_placeholder_is_refused_by_commit_and_path(world: World) -> None:
    (world.inside / "leak.txt").write_bytes(b"look: " + MASK + b"\n")
    world.git("add", "-A")
    world.git("commit", "-qm", "copy it")
    before = world.outside("rev-parse", "main")
    (said,) = world.mirror.bring_home()
    assert re.search(r"main: not brought home\. [0-9a-f]{12} leak\.txt: a masked value was copied", said)
    assert world.outside("rev-parse", "main") == before
    assert MASK not in every_object(world.real)


def test_a_doubled_placeholder_is_refused(world: World) -> None:
    (world.inside / "ops/domains.yaml").write_bytes(b"a: " + MASK + b"\nb: " + MASK + b"\n")
    world.git("commit", "-qam", "double it")
    (said,) = world.mirror.bring_home()
    assert "copied" in said


def test_a_raw_secret_is_refused(world: World) -> None:
    (world.inside / "found.txt").write_bytes(SECRET + b"\n")
    world.git("add", "-A")
    world.git("commit", "-qm", "raw")
    (said,) = world.mirror.bring_home()
    assert "found.txt: it holds a raw secret" in said


def test_one_refused_branch_does_not_cost_the_others(world: World) -> None:
    """What may not cross stays as a patch without secrets; the rest comes home."""
    world.git("switch", "-qc", "bad")
    (world.inside / "found.txt").write_bytes(SECRET + b"\n")
    world.git("add", "-A")
    world.git("commit", "-qm", "raw")
    world.git("switch", "-qc", "good", "main")
    (world.inside / "app.py").write_text("print('good')\n")
    world.git("commit", "-qam", "good work")
    said = world.mirror.bring_home()
    assert world.outside("log", "-1", "--format=%s", "good").strip() == "good work"
    refused = next(line for line in said if line.startswith("bad: not brought home"))
    patch = Path(refused.rpartition(" ")[2]).read_bytes()
    assert b"Subject: [PATCH] raw" in patch
    assert MASK in patch
    assert SECRET not in patch
    assert world.outside("for-each-ref", "refs/heads/bad") == ""


def test_what_is_only_staged_shows_as_a_change_and_takes_nothing_back(world: World) -> None:
    (world.inside / "app.py").write_text("print('two')\n")
    world.git("commit", "-qam", "committed inside")
    (world.inside / "new.py").write_text("print('new')\n")
    world.git("add", "new.py")
    world.mirror.bring_home()
    assert world.outside("diff", "--cached", "--name-status") == ""


def test_a_renamed_file_keeps_its_secret(world: World) -> None:
    world.git("mv", "ops/domains.yaml", "ops/names.yaml")
    world.git("commit", "-qm", "rename")
    world.mirror.bring_home()
    assert SECRET in world.outside("show", "main:ops/names.yaml").encode()


def test_a_placeholder_in_a_message_becomes_masked(world: World) -> None:
    world.git("commit", "-q", "--allow-empty", "-m", "uses " + MASK.decode())
    world.mirror.bring_home()
    assert world.outside("log", "-1", "--format=%s").strip() == "uses [masked]"


def test_a_rewritten_branch_keeps_what_was_before(world: World) -> None:
    before = world.outside("rev-parse", "main").strip()
    world.git("reset", "-q", "--hard", "HEAD~1")
    world.git("commit", "-q", "--allow-empty", "-m", "other way")
    world.mirror.bring_home()
    assert world.outside("rev-parse", "refs/yett/s-1/heads/main.before").strip() == before


def test_a_branch_that_moved_outside_is_not_moved(world: World) -> None:
    (world.inside / "app.py").write_text("print('two')\n")
    world.git("commit", "-qam", "inside")
    world.outside("commit", "-q", "--allow-empty", "-m", "outside")
    said = world.mirror.bring_home()
    assert said == ["main: it moved outside too; the session's commits are at refs/yett/s-1/heads/main"]
    assert world.outside("log", "-1", "--format=%s", "refs/yett/s-1/heads/main").strip() == "inside"


def test_what_the_session_left_in_its_configuration_runs_nowhere(world: World, tmp_path: Path) -> None:
    proof = tmp_path / "proof"
    planted = f"[core]\n\tfsmonitor = touch {proof}\n\thooksPath = {tmp_path}\n[alias]\n\tx = !touch {proof}\n"
    (world.inside / "app.py").write_text("print('two')\n")
    world.git("commit", "-qam", "inside")
    with (world.mirror.gitdir / "config").open("a") as config:
        config.write(planted)
    world.mirror.bring_home()
    assert not proof.exists()
    assert "fsmonitor" not in (world.real / ".git/config").read_text()


def test_a_push_is_described_decided_and_sent_in_real_ids(world: World) -> None:
    (world.inside / "app.py").write_text("print('three')\n")
    world.git("commit", "-qam", "three")
    old, new = world.git("rev-parse", "HEAD~1", "HEAD").split()
    pack = subprocess.run(
        ["git", "--git-dir", str(world.mirror.gitdir), "pack-objects", "--revs", "--stdout", "--thin", "-q"],
        input=f"{new}\n^{old}\n".encode(), capture_output=True, check=True,
        env=os.environ | {"GIT_ALTERNATE_OBJECT_DIRECTORIES": str(world.mirror.view / "objects")},
    ).stdout  # fmt: skip
    seen: list[RefUpdate] = []
    sent: list[tuple[str, str, str]] = []

    def send(rows: list[tuple[str, str, str]]) -> None:
        sent.extend(rows)
        run(world.real, "push", "-q", "origin", f"{rows[0][2]}:{rows[0][0]}")

    world.mirror.push([("refs/heads/main", old, new)], pack, seen.extend, send)
    assert seen == [RefUpdate("refs/heads/main", old, new, contains=True, workflow=False, triggers=False)]
    assert sent[0][1] == world.outside("rev-parse", "origin/main").strip() or sent[0][2] != new
    assert run(world.remote, "show", "main:app.py") == "print('three')\n"
    assert SECRET in run(world.remote, "show", "main:ops/domains.yaml").encode()


def test_a_push_that_is_refused_leaves_nothing(world: World) -> None:
    world.git("commit", "-q", "--allow-empty", "-m", "no")
    old, new = world.git("rev-parse", "HEAD~1", "HEAD").split()
    pack = subprocess.run(
        ["git", "--git-dir", str(world.mirror.gitdir), "pack-objects", "--revs", "--stdout", "-q"],
        input=f"{new}\n^{old}\n".encode(), capture_output=True, check=True,
        env=os.environ | {"GIT_ALTERNATE_OBJECT_DIRECTORIES": str(world.mirror.view / "objects")},
    ).stdout  # fmt: skip

    def refuse(_: list[RefUpdate]) -> None:
        raise PermissionError("held")

    with pytest.raises(PermissionError):
        world.mirror.push([("refs/heads/main", old, new)], pack, refuse, lambda _: None)
    assert run(world.mirror.view, "rev-parse", "refs/heads/main").strip() == old


def test_a_force_push_and_workflow_files_are_seen(world: World) -> None:
    (world.inside / ".github/workflows").mkdir(parents=True)
    (world.inside / ".github/workflows/ci.yml").write_text("on: push\n")
    world.git("add", "-A")
    world.git("commit", "-q", "--amend", "-m", "rewritten")
    old = run(world.mirror.view, "rev-parse", "refs/heads/main").strip()
    new = world.git("rev-parse", "HEAD").strip()
    pack = subprocess.run(
        ["git", "--git-dir", str(world.mirror.gitdir), "pack-objects", "--revs", "--stdout", "-q"],
        input=f"{new}\n^{old}\n".encode(), capture_output=True, check=True,
        env=os.environ | {"GIT_ALTERNATE_OBJECT_DIRECTORIES": str(world.mirror.view / "objects")},
    ).stdout  # fmt: skip
    seen: list[RefUpdate] = []

    def refuse(updates: list[RefUpdate]) -> None:
        seen.extend(updates)
        raise PermissionError

    with pytest.raises(PermissionError):
        world.mirror.push([("refs/heads/main", old, new)], pack, refuse, lambda _: None)
    assert seen == [RefUpdate("refs/heads/main", old, new, contains=False, workflow=True, triggers=False)]
