"""Real agent clients inside real sandboxes, against the lab's scripted model: by npm, once, in exact versions."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.npm import installed

from agents.person import Person
from yett.drills import scene
from yett.drills.telling import Telling
from yett.lab.incident import lab_folder


@pytest.fixture(scope="session")
def claude_folder() -> Path:
    """The folder that holds the program `claude`."""
    modules = installed(Path(__file__).parent / "clients", "agents") / "node_modules/@anthropic-ai"
    found = sorted(modules.glob("claude-code-*/claude"))
    assert found, "this platform has no build of the client"
    return found[0].parent


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
