"""Real agent clients inside real sandboxes, against the lab's scripted model: by npm, once, in exact versions."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from agents.person import Person
from yett.drills import scene
from yett.drills.telling import Telling
from yett.lab.incident import lab_folder

PINNED = Path(__file__).parent / "clients"
INSTALLED = Path(sys.prefix) / "agents"
"""Beside the test dependencies: what git ignores and `make clean` removes."""


@pytest.fixture(scope="session")
def claude_folder() -> Path:
    """The folder that holds the program `claude`."""
    INSTALLED.mkdir(exist_ok=True)
    with (INSTALLED / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # test processes share the folder
        _install()
    found = sorted((INSTALLED / "node_modules/@anthropic-ai").glob("claude-code-*/claude"))
    assert found, "this platform has no build of the client"
    return found[0].parent


def _install() -> None:
    """Bring the folder up to the lock file. The packages' own scripts do not run: they only copy the program."""
    lock, done = PINNED / "package-lock.json", INSTALLED / "installed.json"
    if done.exists() and done.read_bytes() == lock.read_bytes():
        return
    for file in (PINNED / "package.json", lock):
        shutil.copy(file, INSTALLED)
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"]
    made = subprocess.run(command, cwd=INSTALLED, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr[-2000:]
    shutil.copy(lock, done)


@pytest.fixture(scope="module")
def person(claude_folder: Path) -> Iterator[Person]:
    """The client lies where its own installer puts it: the program in ~/.local/share, a link to it in ~/.local/bin."""
    with lab_folder() as folder, scene.opened(Telling(), folder) as play:
        scene.prepare(play)
        home = folder / "person"
        (home / ".local/bin").mkdir(parents=True)
        (home / ".local/share").mkdir()
        (home / ".local/share/claude").symlink_to(claude_folder)
        (home / ".local/bin/claude").symlink_to("../share/claude/claude")
        path = f"{home}/.local/bin{os.pathsep}{os.environ['PATH']}"
        yield Person(play, home, {"HOME": str(home), "PATH": path})
