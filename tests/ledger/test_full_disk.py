"""A full disk: refused, nothing hangs, and the log is good again when there is room."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("full_disk.py")
MOUNT = 'mount -t tmpfs -o size=4m tmpfs "$1" && exec "$2" "$3" "$1"'


def small_disk_commands(folder: Path) -> list[list[str]]:
    """A real full disk in a mount namespace of its own, as root or as a user mapped to it."""
    shell = ["sh", "-c", MOUNT, "sh", str(folder), sys.executable, str(SCRIPT)]
    return [["unshare", "--mount", *shell], ["unshare", "--user", "--map-root-user", "--mount", *shell]]


def run_on_a_small_disk(folder: Path) -> dict[str, object]:
    for command in small_disk_commands(folder):
        if subprocess.run([*command[: command.index("sh")], "true"], capture_output=True).returncode == 0:
            return run(command)
    return run([sys.executable, str(SCRIPT), str(folder)])


def run(command: list[str]) -> dict[str, object]:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("disk", ["small", "limited"])
def test_a_full_disk_refuses_and_heals(tmp_path: Path, disk: str) -> None:
    """`small` is a file system that runs out of blocks, `limited` one that refuses larger files (EFBIG)."""
    report = run_on_a_small_disk(tmp_path) if disk == "small" else run([sys.executable, str(SCRIPT), str(tmp_path)])
    assert report.pop("before") > 0
    for refusal in (report.pop("refusal"), report.pop("still_refused")):
        assert "disk" in str(refusal)
    assert report == {
        "checkpoint_is_of_what_is_durable": True,
        "after": 100,
        "refusal_after": "",
        "all_there": True,
        "state_agrees": True,
        "root_is_good": True,
    }
