"""A secret that comes home in a commit is one that the next scan finds: no session sees in clear what this one hid."""

from __future__ import annotations

import os
import random
import string
import subprocess
from pathlib import Path

import pytest

from yett.inventory import tree
from yett.inventory.engine import engine
from yett.sandbox.mirror import known
from yett.sandbox.mirror.known import UNKNOWN, hides_committed
from yett.sandbox.mirror.masks import Masks
from yett.sandbox.mirror.mirror import Mirror

SECRET = "".join(random.Random(11).choices(string.ascii_letters + string.digits, k=24)).encode()
MASK = b"yett_ph_knowntest000000000000000"
NAMED = b"SERVICE_API_KEY=%s\n"


def run(folder: Path, *words: str, feed: bytes | None = None, **more: str) -> str:
    clean = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    who = {
        "GIT_AUTHOR_NAME": "a",
        "GIT_AUTHOR_EMAIL": "a@b.c",
        "GIT_COMMITTER_NAME": "a",
        "GIT_COMMITTER_EMAIL": "a@b.c",
    }
    env = clean | who | {"GIT_CONFIG_GLOBAL": "/dev/null"} | more
    done = subprocess.run(["git", *words], cwd=folder, env=env, capture_output=True, input=feed, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode(errors="replace")


class Agent:
    """A work tree as a sandboxed agent has it, in front of a masked mirror."""

    def __init__(self, folder: Path) -> None:
        self.real, self.inside = folder / "real", folder / "inside"
        run(folder, "init", "-q", "-b", "main", str(self.real))
        (self.real / "settings.txt").write_bytes(NAMED % SECRET + b"PORT=8080\n")
        (self.real / "notes.txt").write_bytes(b"called %s once\n" % SECRET)
        run(self.real, "add", "-A")
        run(self.real, "commit", "-qm", "start")
        self.start = run(self.real, "rev-parse", "main")
        self.mirror = Mirror(self.real, folder / "state", Masks({SECRET: MASK}), "s-1")
        self.mirror.make()
        self.inside.mkdir()
        self.git("checkout", "-qf", "main")

    def git(self, *words: str, feed: bytes | None = None) -> str:
        paths = ("--git-dir", str(self.mirror.gitdir), "--work-tree", str(self.inside))
        view = str(self.mirror.view / "objects")
        return run(self.inside, *paths, *words, feed=feed, GIT_ALTERNATE_OBJECT_DIRECTORIES=view)

    def commit(self, path: str, text: bytes) -> str:
        (self.inside / path).parent.mkdir(parents=True, exist_ok=True)
        (self.inside / path).write_bytes(text)
        self.git("add", "-Af")
        self.git("commit", "-qm", f"change {path}")
        return self.git("rev-parse", "--short=12", "HEAD").strip()

    def objects(self) -> str:
        return run(self.real, "cat-file", "--batch-all-objects", "--batch-check")

    def push(self, *refs: str) -> None:
        old = run(self.mirror.view, "rev-parse", "refs/local/heads/main").strip()
        rows = [(f"refs/heads/{ref}", "0" * 40, self.git("rev-parse", ref).strip()) for ref in refs]
        wanted = "".join(f"{new}\n" for _, _, new in rows) + f"^{old}\n"
        pack = subprocess.run(
            ["git", "--git-dir", str(self.mirror.gitdir), "pack-objects", "--revs", "--stdout", "-q", "--thin"],
            input=wanted.encode(), capture_output=True, check=True,
            env=os.environ | {"GIT_ALTERNATE_OBJECT_DIRECTORIES": str(self.mirror.view / "objects")},
        ).stdout  # fmt: skip
        self.mirror.push(rows, pack, lambda _: None, lambda _: None)


@pytest.fixture
def agent(tmp_path: Path) -> Agent:
    return Agent(tmp_path)


HIDDEN = [
    ("settings.txt", b"note: %s\n" % MASK),
    ("settings.txt", b"x=%s\n" % MASK),
    ("settings.txt", b"%s\n" % MASK),
    ("settings.txt", b"SERVICE_API_KEY=example-%s\n" % MASK),
    ("settings.txt", b"SERVICE_API_KEY='' # was %s\n" % MASK),
    ("settings.txt", b"SERVICE_API_KEY=%s%s\n" % (MASK, b"0" * 9)),
    ("settings.txt", b"\0" + NAMED % MASK),
]
STILL_KNOWN = [
    ("settings.txt", NAMED % MASK + b"PORT=9090\n"),
    ("settings.txt", b"# moved down\n\nexport SERVICE_API_KEY='%s'\n" % MASK),
    ("settings.txt", b"OTHER_SERVICE_TOKEN=%s\n" % MASK),
    ("settings.txt", b"PORT=8080\n"),
    ("notes.txt", b"called %s twice\n" % MASK),
]


@pytest.mark.parametrize(("path", "text"), HIDDEN)
def test_a_commit_that_would_hide_a_secret_does_not_come_home(agent: Agent, path: str, text: bytes) -> None:
    before, commit = agent.objects(), agent.commit(path, text)
    (said,) = [line for line in agent.mirror.bring_home() if line.startswith("main")]
    assert said.startswith(f"main: not brought home. {commit} {path}: {UNKNOWN} (leave the file")
    assert run(agent.real, "rev-parse", "main") == agent.start
    assert agent.objects() == before, "not as an object that nothing reaches either"


@pytest.mark.parametrize(("path", "text"), STILL_KNOWN)
def test_what_the_next_scan_finds_comes_home(agent: Agent, path: str, text: bytes) -> None:
    agent.commit(path, text)
    agent.mirror.bring_home()
    assert run(agent.real, "show", f"main:{path}").encode() == text.replace(MASK, SECRET)


def test_a_push_that_would_hide_a_secret_leaves_nothing_outside(agent: Agent) -> None:
    agent.git("switch", "-qc", "good")
    agent.commit("app.py", b"print(1)\n")
    agent.git("switch", "-qc", "bad")
    agent.commit("clean.py", b"print(2)\n")
    commit, before = agent.commit(*HIDDEN[0]), agent.objects()
    with pytest.raises(Exception, match=f"{commit} settings.txt: {UNKNOWN}"):
        agent.push("good", "bad")
    assert agent.objects() == before
    agent.push("good")
    assert "print(1)" in run(agent.real, "cat-file", "-p", f"{agent.mirror.made[-1]}:app.py")


def test_a_clean_commit_below_a_refused_one_comes_home_with_its_own_branch(agent: Agent) -> None:
    agent.git("switch", "-qc", "b-clean")
    agent.commit("settings.txt", NAMED % MASK + b"PORT=1\n")
    agent.git("switch", "-qc", "a-bad")
    agent.commit(*HIDDEN[0])
    said = agent.mirror.bring_home()
    assert any(line.startswith("a-bad: not brought home") for line in said)
    assert run(agent.real, "show", "b-clean:settings.txt").encode() == NAMED % SECRET + b"PORT=1\n"


def test_hiding_in_one_commit_and_mending_in_the_next_is_refused_for_the_first(agent: Agent) -> None:
    first = agent.commit(*HIDDEN[0])
    agent.commit("settings.txt", NAMED % MASK)
    assert first in agent.mirror.bring_home()[0]


@pytest.mark.parametrize("place", ["node_modules/x/settings.txt", "a/__pycache__/settings.txt"])
def test_a_secret_does_not_move_to_where_no_scan_looks(agent: Agent, place: str) -> None:
    (agent.inside / place).parent.mkdir(parents=True)
    agent.git("mv", "settings.txt", place)
    agent.git("commit", "-qm", "move")
    assert f"{place}: {UNKNOWN}" in agent.mirror.bring_home()[0]


def test_a_renamed_file_and_a_merge_come_home(agent: Agent) -> None:
    agent.git("switch", "-qc", "side")
    agent.commit("app.py", b"print(1)\n")
    agent.git("switch", "-q", "main")
    agent.git("mv", "settings.txt", "config.txt")
    agent.git("commit", "-qm", "rename")
    agent.git("merge", "-q", "-m", "merge", "side")
    agent.mirror.bring_home()
    assert run(agent.real, "show", "main:config.txt").encode().startswith(NAMED % SECRET)
    assert run(agent.real, "show", "main:app.py") == "print(1)\n"


def test_a_file_that_git_wrote_inside_stays_masked_if_it_would_hide_its_secret(agent: Agent) -> None:
    """The commit is right and comes home; the file beside it, which the agent changed afterwards, is its own word."""
    agent.commit("settings.txt", NAMED % MASK + b"PORT=1\n")
    (agent.real / "settings.txt").write_bytes(b"note: %s\n" % MASK)
    said = agent.mirror.bring_home()
    assert any(line.startswith("settings.txt stays masked") for line in said)
    assert (agent.real / "settings.txt").read_bytes() == b"note: %s\n" % MASK


def test_only_what_holds_a_placeholder_is_scanned(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    looked = []
    real = known._values
    monkeypatch.setattr(known, "_values", lambda path, text: looked.append(path) or real(path, text))
    for number in range(20):
        agent.commit("app.py", b"print(%d)\n" % number)
    agent.commit("settings.txt", NAMED % MASK)
    agent.mirror.bring_home()
    assert looked == ["settings.txt"]


def test_a_file_that_comes_and_goes_is_scanned_once(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    looked = []
    real = known._values
    monkeypatch.setattr(known, "_values", lambda path, text: looked.append(path) or real(path, text))
    for number in range(6):
        agent.commit("settings.txt", NAMED % MASK + b"PORT=%d\n" % (number % 2))
    agent.mirror.bring_home()
    assert len(looked) == 3


@pytest.mark.parametrize("folder", sorted(known._PASSED_OVER))
def test_the_folders_that_no_scan_reads_are_those_of_the_scan(tmp_path: Path, folder: str) -> None:
    value, path = NAMED % SECRET, f"{folder}/notes.txt"
    (tmp_path / folder).mkdir()
    (tmp_path / path).write_bytes(value)
    assert not list(tree.Tree(engine(), lambda _: None, named=True).seen([str(tmp_path)]))
    assert hides_committed(path, [("notes.txt", value)], value, {SECRET})


def test_every_folder_that_a_scan_passes_over_is_known_here() -> None:
    assert (tree._SKIPPED | tree._INSTALLED) - {".git"} == known._PASSED_OVER
