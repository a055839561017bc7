"""A workspace with a remote of its own, its masked mirror, and the git that Yett runs for it outside the sandbox."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from yett.checkpoint.pipeline import Checkpoint
from yett.checkpoint.record import Pass
from yett.daemon.remotes import Remotes
from yett.gateway.floors import OwnAnswer
from yett.model.http import HttpRequest
from yett.model.identity import Principal, Session, Task
from yett.model.operation import Attempt
from yett.sandbox.mirror.masks import Masks
from yett.sandbox.mirror.mirror import Mirror

SECRET = b"9d3f6a10-1111-4222-8333-abcdefabcdef"
MASK = b"yett_ph_attacks00000000000000000"
HOST, PLACE = "git.example.com", "/ada/app.git"


def git(folder: Path, *words: str, stdin: bytes | None = None, **extra: str) -> str:
    """git as a person runs it, with nobody's own configuration."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    names = {"NAME": "a", "EMAIL": "a@example.com"}
    clean |= {f"GIT_{who}_{key}": value for who in ("AUTHOR", "COMMITTER") for key, value in names.items()}
    clean |= {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_ALLOW_PROTOCOL": "file", **extra}
    done = subprocess.run(["git", *words], cwd=folder, env=clean, input=stdin, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode(errors="replace")


@dataclass
class Judging:
    """The checkpoint's place: what was put to it, and what it says. The real one is attacked in tests/laws."""

    attempts: list[Attempt] = field(default_factory=list)
    says: Callable[[Attempt], None] = lambda attempt: None

    async def pass_(self, attempt: Attempt) -> Pass:
        self.attempts.append(attempt)
        self.says(attempt)
        return Pass(attempt, -1, "", frozenset())

    async def finish(self, granted: Pass, outcome: str, status: int) -> None:
        """Nothing is recorded here."""


@dataclass
class Workspace:
    """What the tests hold in their hands: the person's repository, its remote, and what serves the agent."""

    real: Path
    remote: Path
    mirror: Mirror
    session: Session
    checkpoint: Judging
    settings: dict[str, str]

    def remotes(self) -> Remotes:
        return Remotes(self.session, self.mirror, cast(Checkpoint, self.checkpoint), self.settings)

    async def ask(self, remotes: Remotes, method: str, path: str, query: str = "", body: bytes = b"") -> OwnAnswer:
        """One request of the agent's git, as the gate hands it over."""
        service = path.rpartition("/")[2]
        headers = (("content-type", f"application/x-{service}-request"),) if body else ()
        request = HttpRequest(method, "https", HOST, 443, PLACE + path, query, headers, body)
        answering = remotes.answering(request)
        assert answering is not None
        return await answering(request)

    async def fetch(self) -> OwnAnswer:
        return await self.ask(self.remotes(), "GET", "/info/refs", "service=git-upload-pack")


def made_workspace(tmp_path: Path) -> Workspace:
    remote, real = tmp_path / "remote.git", tmp_path / "real"
    git(tmp_path, "init", "-q", "--bare", "-b", "main", str(remote))
    git(tmp_path, "init", "-q", "-b", "main", str(real))
    (real / "app.env").write_bytes(b"TOKEN=" + SECRET + b"\n")
    git(real, "add", "-A")
    git(real, "commit", "-qm", "start")
    git(real, "remote", "add", "origin", f"https://{HOST}{PLACE}")
    settings = {f"url.{remote}.insteadOf": f"https://{HOST}{PLACE}"}
    git(real, "-c", f"url.{remote}.insteadOf=https://{HOST}{PLACE}", "push", "-q", "-u", "origin", "main")
    mirror = Mirror(real, tmp_path / "state", Masks({SECRET: MASK}), "s-1")
    mirror.make()
    task = Task("t-1", "attack", "staging", False, 0.0, 4e9)
    session = Session("s-1", Principal("scripted.ada", "ada", "scripted"), task, str(real))
    return Workspace(real, remote, mirror, session, Judging(), settings)
