"""Real agent clients inside real sandboxes, against the lab's scripted model: by npm, once, in exact versions."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from yett.drills import evidence, scene
from yett.drills.scene import TASK, Scene
from yett.drills.telling import Telling
from yett.lab.incident import lab_folder
from yett.lab.workspace import make_workspace, workspace_values

PINNED = Path(__file__).parent / "clients"
INSTALLED = Path(sys.prefix) / "agents"
"""Beside the test dependencies: what git ignores and `make clean` removes."""
MODEL_HOST = "api.anthropic.com"

Step = dict[str, Any]  # Any: a tool's input


def bash(command: str) -> Step:
    """A call of Claude Code's shell tool."""
    return {"tool": "Bash", "input": {"command": command, "description": "a step"}}


@pytest.fixture(scope="session")
def claude() -> Path:
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


@dataclass(frozen=True)
class Turn:
    """One run of the client: how it ended, what its model was told, what arrived outside meanwhile."""

    status: int
    events: list[dict[str, Any]]
    err: str
    heard: list[dict[str, Any]]
    arrivals: list[dict[str, Any]]
    row: dict[str, Any]
    """Of `yett report`."""

    @property
    def results(self) -> list[str]:
        """What the model was told that each tool call came to, in their order."""
        blocks = [block for message in self.heard[-1]["messages"] for block in _blocks(message["content"])]
        return [_text(block["content"]) for block in blocks if block["type"] == "tool_result"]

    @property
    def ending(self) -> dict[str, Any]:
        """The client's own account of the run."""
        return self.events[-1]

    @property
    def model_calls(self) -> list[dict[str, Any]]:
        """Arrivals at the model's host that asked the model something."""
        return [a for a in self.arrivals if a.get("host") == MODEL_HOST and a["path"] == "/v1/messages"]


def _blocks(content: Any) -> list[dict[str, Any]]:
    return [] if isinstance(content, str) else content


def _text(content: Any) -> str:
    return content if isinstance(content, str) else "".join(block.get("text", "") for block in content)


@dataclass
class Person:
    """Somebody with a client at a machine: a HOME of their own, one control plane, the lab outside."""

    play: Scene
    home: Path
    environ: dict[str, str] = field(default_factory=dict)
    _made: int = 0

    def workspace(self) -> Path:
        """The rental company's repository, fresh."""
        self._made += 1
        values = workspace_values(self.play.lab.handed_out, self.play.lab.announced["places"])
        return make_workspace(self.play.folder / f"work{self._made}" / "rentals", values)

    def run(self, workspace: Path, steps: Sequence[Step], extra: Mapping[str, str], *options: str) -> Turn:
        """Let the client play `steps` to its end, with nobody to ask for permission."""
        arrived, heard = len(self.play.lab.arrivals()), len(self._heard())
        prompt = f"Fix the login of staging. <play>{json.dumps(list(steps))}</play>"
        command = ["claude", "-p", prompt, "--dangerously-skip-permissions", *options]
        command += ["--output-format", "stream-json", "--include-partial-messages", "--verbose"]
        agent = self.play.stage.run_agent(workspace, command, {**self.environ, **extra}, *TASK)
        try:
            out, err = agent.communicate(timeout=60)
        finally:
            agent.kill()
        return Turn(
            status=agent.returncode,
            events=[json.loads(line) for line in out.splitlines()],
            err=err,
            heard=self._heard()[heard:],
            arrivals=self.play.lab.arrivals()[arrived:],
            row=evidence.sessions(self.play.stage)[-1],
        )

    def handed_out(self, name: str) -> str:
        return self.play.lab.handed_out[name]

    def _heard(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in Path(self.play.lab.announced["heard"]).read_text().splitlines()]


@pytest.fixture(scope="module")
def person(claude: Path) -> Iterator[Person]:
    """The client lies where its own installer puts it: the program in ~/.local/share, a link to it in ~/.local/bin."""
    with lab_folder() as folder, scene.opened(Telling(), folder) as play:
        scene.prepare(play)
        home = folder / "person"
        (home / ".local/bin").mkdir(parents=True)
        (home / ".local/share").mkdir()
        (home / ".local/share/claude").symlink_to(claude)
        (home / ".local/bin/claude").symlink_to("../share/claude/claude")
        path = f"{home}/.local/bin{os.pathsep}{os.environ['PATH']}"
        yield Person(play, home, {"HOME": str(home), "PATH": path})
