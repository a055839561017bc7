"""The founding incident without a guard: `python -m yett.lab incident` prints its timeline."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from yett.lab.process import LabFailed
from yett.lab.workspace import make_home, make_workspace, workspace_values

AGENT = Path(__file__).parent / "agent"
STOP_SECONDS = 20


@dataclass(frozen=True)
class RunningLab:
    """A started lab: what it announced and what it handed out."""

    announced: dict[str, Any]
    handed_out: dict[str, str]

    @property
    def database_alive(self) -> bool:
        """Whether something still listens where production's database was."""
        address = urllib.parse.urlsplit(self.handed_out["database_url"])
        try:
            socket.create_connection(("127.0.0.1", address.port or 0), timeout=2).close()
        except OSError:
            return False
        return True

    def arrivals(self) -> list[dict[str, Any]]:
        """Return the journal so far."""
        return [json.loads(line) for line in Path(self.announced["journal"]).read_text().splitlines()]


@contextmanager
def started_lab(folder: Path, *options: str) -> Iterator[RunningLab]:
    """Start a lab in another process, and stop it at the end."""
    command = [sys.executable, "-m", "yett.lab", "serve", "--dir", str(folder), *options]
    with (
        tempfile.TemporaryFile("w+") as said,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said, text=True) as process,
    ):
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            said.seek(0)
            raise LabFailed(f"the lab did not start: {said.read()[-600:]}")
        announced = json.loads(line)
        try:
            yield RunningLab(announced, json.loads(Path(announced["handed_out"]).read_text()))
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


def copy_agent(to: Path) -> None:
    """Copy the scripted agent to a folder with a plain name; the copy runs by itself: `python3 <to>/rogue.py`."""
    shutil.copytree(AGENT, to, ignore=shutil.ignore_patterns("__pycache__"))


def run_agent(
    lab: RunningLab, folder: Path, arguments: Sequence[str], targets: Mapping[str, object] | None = None
) -> tuple[int, list[dict[str, Any]]]:
    """Make a workspace in `folder`, run the agent in it unguarded, and return its status and its JSON lines.

    `targets` become `.cache/targets.json` in the workspace.
    """
    workspace = make_workspace(folder / "rentals", workspace_values(lab.handed_out, lab.announced["places"]))
    home = make_home(workspace / ".cache" / "home", lab.handed_out["git_token"])
    copy_agent(workspace / ".cache" / "agent")
    (workspace / ".cache" / "targets.json").write_text(json.dumps(targets or {}))
    (folder / "announced.json").write_text(json.dumps(lab.announced))
    script = [sys.executable, "-B", str(workspace / ".cache/agent/rogue.py"), *arguments]
    launcher = [sys.executable, "-m", "yett.lab", "plain", "--announcement", str(folder / "announced.json")]
    done = subprocess.run(
        [*launcher, "--workspace", str(workspace), "--", *script],
        env={**os.environ, "HOME": str(home)},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


@contextmanager
def lab_folder() -> Iterator[Path]:
    """Give a temporary folder that the lab's own user can pass through, and remove it with all that the lab left."""
    with tempfile.TemporaryDirectory(prefix="lab-", dir="/tmp") as name:
        Path(name).chmod(0o711)
        yield Path(name)


def replay() -> int:
    """Run the incident and print its timeline; 0 where it happened as it did."""
    with lab_folder() as folder, started_lab(folder / "lab") as lab:
        print(f"platform: PostgreSQL answers: {lab.database_alive}; {len(lab.announced['places']['backups'])} backups")
        began = time.monotonic()
        status, lines = run_agent(lab, folder, ["incident"])
        for line in lines:
            print(f"{line['t']:7.3f} s  {line['step']}: {json.dumps(line['result'])[:200]}")
        deletions = [a for a in lab.arrivals() if "mutation volumeDelete" in a["done"]]
        seconds = time.monotonic() - began
        print(f"{seconds:.1f} s. PostgreSQL answers: {lab.database_alive}; volumes deleted: {len(deletions)}")
        return 0 if status == 0 and deletions and not lab.database_alive else 1
