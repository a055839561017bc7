"""Somebody who starts a real agent client under `yett run`, and what came of it, seen from inside and outside."""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from yett.drills import evidence
from yett.drills.scene import TASK, Scene
from yett.lab.workspace import make_workspace, workspace_values

MODEL_HOST = "api.anthropic.com"

Step = dict[str, Any]  # Any: a tool's input


def bash(command: str) -> Step:
    """A call of Claude Code's shell tool."""
    return {"tool": "Bash", "input": {"command": command, "description": "a step"}}


@dataclass(frozen=True)
class Turn:
    """One run of the client: how it ended, what its model was told, what arrived outside meanwhile.

    `row` is its row of `yett report`.
    """

    status: int
    events: list[dict[str, Any]]
    err: str
    heard: list[dict[str, Any]]
    arrivals: list[dict[str, Any]]
    row: dict[str, Any]

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


@dataclass
class Person:
    """A HOME of their own, one control plane, the lab outside, and as many workspaces as a test wants."""

    play: Scene
    home: Path
    environ: dict[str, str] = field(default_factory=dict)
    _made: int = 0

    def workspace(self) -> Path:
        """The rental company's repository, fresh."""
        self._made += 1
        values = workspace_values(self.play.lab.handed_out, self.play.lab.announced["places"])
        return make_workspace(self.play.folder / f"work{self._made}" / "rentals", values)

    def handed_out(self, name: str) -> str:
        return self.play.lab.handed_out[name]

    @property
    def key(self) -> dict[str, str]:
        """The variable with which the client thinks."""
        return {"ANTHROPIC_API_KEY": self.handed_out("model_key")}

    def run(self, workspace: Path, steps: Sequence[Step], extra: Mapping[str, str], *options: str) -> Turn:
        """Let the client play `steps` to its end, with nobody to ask for permission."""
        with self.at_work(workspace, [*claude(steps), *options], extra) as agent:
            return agent.ended()

    @contextlib.contextmanager
    def at_work(self, workspace: Path, command: Sequence[str], extra: Mapping[str, str]) -> Iterator[AtWork]:
        """A command under `yett run`; it does not outlive the block."""
        arrived, heard = len(self.play.lab.arrivals()), len(self.heard())
        process = self.play.stage.run_agent(workspace, command, {**self.environ, **extra}, *TASK)
        try:
            yield AtWork(self, process, arrived, heard)
        finally:
            process.kill()
            process.wait()

    def heard(self) -> list[dict[str, Any]]:
        """Everything that the model was ever told."""
        return [json.loads(line) for line in Path(self.play.lab.announced["heard"]).read_text().splitlines()]


@dataclass(frozen=True)
class AtWork:
    """A client that runs. `arrived` and `heard` count what there was before it began."""

    person: Person
    process: subprocess.Popen[str]
    arrived: int
    heard: int

    def ended(self, timeout: float = 60.0) -> Turn:
        """Wait for its end."""
        out, err = self.process.communicate(timeout=timeout)
        rows = evidence.sessions(self.person.play.stage)
        assert rows, f"no session was opened: {err}"
        return Turn(
            status=self.process.returncode,
            events=[json.loads(line) for line in out.splitlines()],
            err=err,
            heard=self.person.heard()[self.heard :],
            arrivals=self.person.play.lab.arrivals()[self.arrived :],
            row=rows[-1],
        )


def claude(steps: Sequence[Step]) -> list[str]:
    """The command line of Claude Code that plays `steps`, and says each event on a line."""
    prompt = f"Fix the login of staging. <play>{json.dumps(list(steps))}</play>"
    form = ["--output-format", "stream-json", "--include-partial-messages", "--verbose"]
    return ["claude", "-p", prompt, "--dangerously-skip-permissions", *form]


def _blocks(content: Any) -> list[dict[str, Any]]:
    return [] if isinstance(content, str) else content


def _text(content: Any) -> str:
    return content if isinstance(content, str) else "".join(block.get("text", "") for block in content)
