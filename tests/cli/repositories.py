"""A repository to commit in, tokens made at run time, and `yett` as a person starts it."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from yett.lab.samples import expand

_CHANCE = random.Random()
YETT = (sys.executable, "-m", "yett.cli")


def token() -> str:
    """A key of Railway's form, never the same."""
    return expand("RAILWAY_TOKEN=<[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}>\n", _CHANCE)


def yett(folder: Path, *words: str, feed: str = "", **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*YETT, *words], cwd=folder, env={**os.environ, **environ}, input=feed, capture_output=True, text=True,
        check=False,
    )  # fmt: skip


@dataclass(frozen=True)
class Repository:
    top: Path

    @classmethod
    def made(cls, top: Path) -> Repository:
        top.mkdir(parents=True)
        made = cls(top)
        made.git("init", "-q")
        return made

    def git(self, *words: str, folder: Path | None = None, status: int = 0) -> str:
        """What git says, on both outputs; it must end with `status`."""
        done = subprocess.run(
            ["git", *words], cwd=folder or self.top, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            check=False,
        )  # fmt: skip
        assert done.returncode == status, done.stdout
        return done.stdout

    def put(self, name: str, content: str) -> Path:
        path = self.top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        return path

    def commit(self, name: str, content: str, message: str = "a change", *flags: str) -> str:
        """Its id."""
        self.put(name, content)
        self.git("add", "-A")
        self.git("commit", "-q", "--no-verify", "-m", message, *flags)
        return self.git("rev-parse", "HEAD").strip()

    @property
    def commits(self) -> int:
        return int(self.git("rev-list", "--all", "--count") or 0)
