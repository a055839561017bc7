"""A workspace, a control plane, and `yett run` as a child process: what every test of the sandbox needs."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.control_plane import ControlPlane

YETT = str(Path(sys.executable).with_name("yett"))


class Guarded:
    """Runs commands under `yett run` in one workspace, with one HOME, against one control plane.

    Of `plane` a run needs `home` only, so the real daemon's will do.
    """

    def __init__(self, plane: Any, workspace: Path, home: Path) -> None:
        self.plane = plane
        self.workspace = workspace
        self.home = home
        self.environment = {**os.environ, "HOME": str(home), "YETT_HOME": str(plane.home), "TERM": "xterm"}

    def command(self, *command: str, options: tuple[str, ...] = ()) -> list[str]:
        return [YETT, "run", *options, "--", *command]

    def run(self, *command: str, options: tuple[str, ...] = (), **keywords: Any) -> subprocess.CompletedProcess[str]:
        """Run to the end; output as text."""
        given: dict[str, Any] = {
            "cwd": self.workspace,
            "env": self.environment,
            "capture_output": True,
            "text": True,
            "timeout": 60,
            **keywords,
        }
        return subprocess.run(self.command(*command, options=options), **given)

    def start(self, *command: str, **keywords: Any) -> subprocess.Popen[str]:
        given: dict[str, Any] = {
            "cwd": self.workspace,
            "env": self.environment,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            "text": True,
            **keywords,
        }
        return subprocess.Popen(self.command(*command), **given)

    def shell(self, script: str, **keywords: Any) -> subprocess.CompletedProcess[str]:
        return self.run("bash", "-c", script, **keywords)

    def python(self, script: str, **keywords: Any) -> subprocess.CompletedProcess[str]:
        return self.run("python3", "-c", script, **keywords)


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[ControlPlane]:
    started = ControlPlane(tmp_path / "state")
    yield started
    started.stop()


@pytest.fixture
def guarded(plane: ControlPlane, tmp_path: Path) -> Guarded:
    workspace = tmp_path / "project"
    workspace.mkdir()
    home = tmp_path / "person"
    home.mkdir()
    return Guarded(plane, workspace, home)
