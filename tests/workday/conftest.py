"""An ordinary working day under `yett run`: a project, a person's HOME, and a way to run things guarded.

Every workflow must come out as it would without Yett: same output, same exit status, nothing refused, nothing held and
nothing said. The control plane here is the small one; `counts` are what it refused and held.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.conftest import Guarded
from sandbox.control_plane import ControlPlane

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def day(tmp_path: Path) -> Iterator[Guarded]:
    """A project with a git repository, and the person's own name in git."""
    plane = ControlPlane(tmp_path / "state")
    for name in ("project", "person"):
        (tmp_path / name).mkdir()
    guarded = Guarded(plane, tmp_path / "project", tmp_path / "person")
    (guarded.home / ".gitconfig").write_text(
        "[user]\n\tname = Ada\n\temail = ada@example.com\n[init]\n\tdefaultBranch = main\n"
    )
    yield guarded
    plane.stop()


@pytest.fixture
def run_guarded(day: Guarded) -> Run:
    """Run one command of the day: it must succeed, and Yett must have nothing to say about it."""

    def run(argv: list[str], **keywords: Any) -> subprocess.CompletedProcess[str]:
        done = day.run(*argv, **{"timeout": 180, **keywords})
        assert done.returncode == 0, f"{argv} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
        assert "yett:" not in done.stderr
        return done

    return run


@pytest.fixture
def script(run_guarded: Run) -> Callable[..., str]:
    """Run a bash script that stops at the first failure; its output."""

    def run(text: str, **keywords: Any) -> str:
        return run_guarded(["bash", "-euo", "pipefail", "-c", text], **keywords).stdout

    return run
