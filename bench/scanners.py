"""Scanners as their users start them: a command line each, measured as a whole process with all that it starts."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
from bench.corpus import cache

PEERS = {
    "kingfisher": "kingfisher-bin==2.14.0",
    "detect-secrets": "detect-secrets==1.5.0",
    "credsweeper": "credsweeper==1.19.5",
}
YETT = Path(sys.executable).parent / "yett"


@dataclass(frozen=True)
class Run:
    """One run. `processor`: seconds of all processors, which other work on the machine changes less than `seconds`.
    `peak_mb`: of all its processes together, pages that they share counted once for each.
    """

    seconds: float
    processor: float
    peak_mb: float
    output: str


def installed(peer: str) -> Path | None:
    """Its program, in an environment of its own; None where it cannot be installed."""
    folder = cache() / "peers" / PEERS[peer].partition("==")[0]
    program = folder / "bin" / peer
    if not program.exists():
        print(f"  installing {PEERS[peer]}", file=sys.stderr, flush=True)
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        done = subprocess.run([str(folder / "bin" / "pip"), "install", "-qq", PEERS[peer]], check=False)
        if done.returncode:
            return None
    return program


def run(words: Sequence[str | Path], folder: Path | None = None, watch: bool = True, **variables: str) -> Run:
    """Whatever its exit status: scanners end with one of their own if they find something."""
    peak = [0.0]
    begun, used = time.perf_counter(), _used()
    process = subprocess.Popen(
        list(map(str, words)),
        cwd=folder,
        env={name: value for name, value in {**os.environ, **variables}.items() if name != "PYTHONDONTWRITEBYTECODE"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    done = threading.Event()
    watcher = threading.Thread(target=_watch, args=(process.pid, done, peak)) if watch else None
    if watcher:
        watcher.start()
    output, _ = process.communicate()
    seconds = time.perf_counter() - begun
    done.set()
    if watcher:
        watcher.join()
    return Run(seconds, _used() - used, peak[0], output.decode("utf-8", "replace"))


def _used() -> float:
    """Processor time of every process that was started here and has ended."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return children.ru_utime + children.ru_stime


def _watch(pid: int, done: threading.Event, peak: list[float]) -> None:
    while not done.wait(0.05):
        total = 0
        try:
            root = psutil.Process(pid)
            for process in (root, *root.children(recursive=True)):
                total += process.memory_info().rss
        except psutil.Error:
            continue
        peak[0] = max(peak[0], total / 1e6)


def yett_tree(folder: Path) -> Run:
    return run([YETT, "scan", folder, "--installed", "--no-history", "--no-baseline", "--json"])


def yett_history(folder: Path) -> Run:
    return run([YETT, "scan", folder, "--again", "--no-baseline", "--json"])


def kingfisher(program: Path, folder: Path, *words: str) -> Run:
    return run([program, "scan", folder, "--no-validate", "-j", "2", "--format", "json", "-q", *words])


def kingfisher_count(output: str) -> int:
    """Distinct values."""
    found = json.loads(output[output.index("{") :])["findings"]
    return len({each["finding"]["snippet"] for each in found}) if found else 0
