"""One trial: a copy of the source, the blow, the tests."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tools.sabotage.sabotages import ROOT, Sabotage

DEADLINE_S = 90
"""Of one blow's tests."""
GREEN, RED = 0, 1
"""pytest's exit status: all passed, some failed. Anything else means that the tests did not run."""


@dataclass(frozen=True, slots=True)
class Result:
    """`caught`: the tests went red. `told` names the first of them, or says what happened instead."""

    sabotage: Sabotage
    caught: bool
    seconds: float
    told: str


def attempt(source: Path, sabotage: Sabotage) -> Result:
    """Run its tests against a broken copy of `source`."""
    began = time.monotonic()
    with copy_of(source) as broken:
        path = broken / "yett" / sabotage.file
        path.write_text(sabotage.applied(path.read_text()))
        status, said = run_tests(broken, [sabotage.path, "-k", sabotage.words])
    told = {GREEN: "SURVIVED: the tests stay green", RED: _first_red(said)}.get(status, f"did not run: {said[-300:]}")
    return Result(sabotage, status == RED, time.monotonic() - began, told)


@contextmanager
def copy_of(source: Path) -> Iterator[Path]:
    """A copy of a source folder; times are kept, so that what was compiled still fits."""
    with tempfile.TemporaryDirectory(prefix="sabotage-") as folder:
        copied = Path(folder) / "src"
        shutil.copytree(source, copied)
        yield copied


def run_tests(source: Path, arguments: Sequence[str], seconds: int = DEADLINE_S) -> tuple[int, str]:
    """pytest's status and output with `source` before everything else."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "--tb=line", *arguments]
    environ = {**os.environ, "PYTHONPATH": str(source), "YETT_ALL_TESTS": "1"}
    try:
        done = subprocess.run(
            command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired:
        return -1, "it took too long"
    return done.returncode, done.stdout + done.stderr


def is_in_front(source: Path) -> bool:
    """Whether the copy is what tests import."""
    command = [sys.executable, "-c", "import yett; print(yett.__file__)"]
    environ = {**os.environ, "PYTHONPATH": str(source)}
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    return done.stdout.startswith(str(source))


def _first_red(said: str) -> str:
    red = [line for line in said.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return red[0].split(" - ")[0].partition("::")[2] if red else "red"
