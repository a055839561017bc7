"""An ordinary working day under `yett run`, with the real daemon: a project, a person's HOME, and a way to run things.

Every workflow must come out as it would without Yett: same output, same exit status, nothing refused and nothing held.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from sandbox.conftest import Guarded

Run = Callable[..., "subprocess.CompletedProcess[str]"]


class Daemon(NamedTuple):
    """Where the daemon keeps its state: all that a run needs to know of it."""

    home: Path


@pytest.fixture(scope="session")
def daemon() -> Iterator[Daemon]:
    """One daemon for all of the day. Its state lies outside the HOME that a run composes."""
    with tempfile.TemporaryDirectory(prefix="yett-day-") as folder:
        home = Path(folder) / "state"
        words = [sys.executable, "-m", "yett.cli", "up", "--home", str(home), "--port", "0"]
        environment = {**os.environ, "HOME": folder, "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"}
        process = subprocess.Popen(words, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + 60
        while not (home / "operator.sock").exists():
            assert process.poll() is None, "the daemon ended"
            assert time.monotonic() < end, "the daemon did not start"
            time.sleep(0.05)
        yield Daemon(home)
        process.terminate()
        process.wait(30)


@pytest.fixture
def day(daemon: Daemon, tmp_path: Path) -> Guarded:
    """A project, and the person's own name in git."""
    for name in ("project", "person"):
        (tmp_path / name).mkdir()
    guarded = Guarded(daemon, tmp_path / "project", tmp_path / "person")
    (guarded.home / ".gitconfig").write_text(
        "[user]\n\tname = Ada\n\temail = ada@example.com\n[init]\n\tdefaultBranch = main\n"
    )
    return guarded


@pytest.fixture
def run_guarded(day: Guarded) -> Run:
    """Run one command of the day: it must succeed, with nothing held and nothing refused."""

    def run(argv: list[str], **keywords: Any) -> subprocess.CompletedProcess[str]:
        done = day.run(*argv, **{"timeout": 180, **keywords})
        assert done.returncode == 0, f"{argv} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
        # the summary of a run is silent unless something was held or refused
        assert " held, " not in done.stderr
        return done

    return run


@pytest.fixture
def script(run_guarded: Run) -> Callable[..., str]:
    """Run a bash script that stops at the first failure; its output."""

    def run(text: str, **keywords: Any) -> str:
        return run_guarded(["bash", "-euo", "pipefail", "-c", text], **keywords).stdout

    return run
