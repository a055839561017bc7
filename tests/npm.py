"""Programs by npm, once for all test processes, in the exact versions of a lock file."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
import sys
from pathlib import Path


def installed(pinned: Path, name: str) -> Path:
    """A folder with the node_modules of the lock file in `pinned`: beside the test dependencies, which git ignores and
    `make clean` removes. The packages' own scripts do not run."""
    folder = Path(sys.prefix) / name
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # test processes share the folder
        _bring_up(folder, pinned)
    return folder


def _bring_up(folder: Path, pinned: Path) -> None:
    lock, done = pinned / "package-lock.json", folder / "installed.json"
    if done.exists() and done.read_bytes() == lock.read_bytes():
        return
    for file in (pinned / "package.json", lock):
        shutil.copy(file, folder)
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"]
    made = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr[-2000:]
    shutil.copy(lock, done)
