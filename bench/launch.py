"""What starting a guarded command costs: `yett run -- true` with a warm control plane, beside its parts. One table.

    python bench/launch.py [--runs 40]

The commands take turns, so that whatever else the machine does falls on all of them alike.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from sandbox.control_plane import ControlPlane

BUBBLEWRAP = ["bwrap", "--unshare-user", "--unshare-pid", "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev"]
TARGET_MS = 60.0


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--runs", type=int, default=40)
    runs = arguments.parse_args().runs
    with tempfile.TemporaryDirectory(prefix="yett-bench-") as name:
        folder = Path(name)
        commands = prepared(folder)
        times = measure(commands, folder, runs)
    print(f"{'':<34}{'p50 ms':>10}{'p95 ms':>10}{'target':>10}")
    for label, taken in times.items():
        target = f"{TARGET_MS:.0f}" if label.startswith("yett") and "masks" not in label else ""
        print(f"{label:<34}{statistics.median(taken):>10.1f}{percentile(taken, 0.95):>10.1f}{target:>10}")


def prepared(folder: Path) -> dict[str, tuple[list[str], Path, Path]]:
    """Label to (command, workspace, state directory)."""
    yett = [str(Path(sys.executable).with_name("yett")), "run", "--", "true"]
    python = os.path.realpath(sys.executable)
    return {
        "true": (["true"], folder, folder),
        "bubblewrap, least": ([*BUBBLEWRAP, "true"], folder, folder),
        "python -ISB -c pass": ([python, "-ISB", "-c", "pass"], folder, folder),
        "yett run -- true": (yett, workspace(folder / "plain"), plane(folder / "one").home),
        "yett run -- true, 20 masks, git": (yett, masked(folder), folder / "two"),
    }


def workspace(path: Path) -> Path:
    path.mkdir()
    return path


def plane(home: Path) -> ControlPlane:
    return ControlPlane(home)


def masked(folder: Path) -> Path:
    """A repository in which 20 files hold a secret."""
    place = workspace(folder / "masked")
    subprocess.run(["git", "init", "-q"], cwd=place, check=True)
    control = plane(folder / "two")
    for number in range(20):
        real, copy = place / f".env.{number}", folder / f"copy{number}"
        real.write_text("secret")
        copy.write_text("placeholder")
        control.masks.append({"path": str(real), "masked": str(copy)})
    return place


def measure(commands: dict[str, tuple[list[str], Path, Path]], folder: Path, runs: int) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {label: [] for label in commands}
    (folder / "home").mkdir()
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    for turn in range(runs + 1):
        for label, (command, place, state) in commands.items():
            environment = {**kept, "HOME": str(folder / "home"), "YETT_HOME": str(state)}
            start = time.perf_counter()
            subprocess.run(command, cwd=place, env=environment, check=True, stdin=subprocess.DEVNULL)
            if turn:  # the first fills caches
                times[label].append((time.perf_counter() - start) * 1000)
    return times


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


if __name__ == "__main__":
    main()
