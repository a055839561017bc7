"""Everything real but the platform: a lab, a control plane in a process of its own, and work under `yett run`."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from yett.daemon.settings import load_settings
from yett.drills import evidence, scene
from yett.drills.person import VirtualPerson
from yett.drills.scene import TASK, Scene
from yett.drills.telling import Telling
from yett.lab.git_remote import REPOSITORY, plain_environ
from yett.lab.incident import lab_folder
from yett.lab.workspace import make_workspace, workspace_values


@dataclass(frozen=True)
class Said:
    """How a guarded script ended."""

    status: int
    out: str
    err: str


class Desk:
    """A developer's machine: one control plane, the lab outside, and as many workspaces as a test wants."""

    def __init__(self, play: Scene) -> None:
        self.play = play
        self._made = 0
        self._named: dict[str, Path] = {}

    @property
    def token(self) -> str:
        """The secret that lies in the repository."""
        return self.play.lab.handed_out["account_token"]

    @property
    def owner(self) -> VirtualPerson:
        return self.play.people[0]

    @property
    def remote(self) -> Path:
        """The bare repository behind the lab's git host."""
        return Path(self.play.lab.announced["dir"]) / "git" / REPOSITORY

    @property
    def https(self) -> list[str]:
        """Options with which git outside reaches the lab's git host as a person with a password does."""
        settings = load_settings(self.play.stage.home).git
        return [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]

    def workspace(self) -> Path:
        """The rental company's repository, as it was when the lab started."""
        self._made += 1
        lab = self.play.lab
        known = workspace_values(lab.handed_out, lab.announced["places"])
        return make_workspace(self.play.folder / f"work{self._made}" / "rentals", known)

    def workspace_named(self, name: str) -> Path:
        """The same workspace for every run that names it."""
        if name not in self._named:
            self._named[name] = self.workspace()
        return self._named[name]

    def run(self, workspace: Path, script: str, *options: str, timeout: float = 60.0) -> Said:
        """Run a bash script in the workspace under `yett run`; it stops at the first failure."""
        command = ["bash", "-euo", "pipefail", "-c", script]
        agent = self.play.stage.run_agent(workspace, command, {}, *(options or TASK))
        try:
            out, err = agent.communicate(timeout=timeout)
        finally:
            agent.kill()
        return Said(agent.returncode, out, err)

    def last_session(self) -> dict[str, Any]:
        """The newest row of `yett report`."""
        return evidence.sessions(self.play.stage)[-1]

    def on_remote(self, *words: str) -> str:
        """Ask the remote's repository, as someone with a shell on that host could."""
        return git(self.remote, "-c", "safe.directory=*", *words)


@contextlib.contextmanager
def opened_desk() -> Iterator[Desk]:
    with lab_folder() as folder, scene.opened(Telling(), folder) as play:
        scene.prepare(play)
        yield Desk(play)


@pytest.fixture(scope="session")
def desk() -> Iterator[Desk]:
    with opened_desk() as one:
        yield one


def git(repository: Path, *words: str) -> str:
    """git without anybody's settings."""
    done = subprocess.run(
        ["git", *words], cwd=repository, env=plain_environ(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"git {' '.join(words)}: {done.stderr}"
    return done.stdout
