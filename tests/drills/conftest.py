"""The drill's guarded half, played once for all tests that look at it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from drills.representative import NAMES
from yett.drills import scene
from yett.drills.attempting import Attempt
from yett.drills.database import Snapshot, snapshot
from yett.drills.scene import Scene
from yett.drills.telling import Telling
from yett.lab.incident import lab_folder


@dataclass(frozen=True)
class Guarded:
    """What the agent's whole list came to: each attempt by its name, and the world before and after."""

    scene: Scene
    attempts: Mapping[str, Attempt]
    order: list[str]
    arrivals: list[dict[str, Any]]
    before: Snapshot
    after: Snapshot
    files_before: Mapping[str, bytes]
    files_after: Mapping[str, bytes]

    @property
    def secrets(self) -> dict[str, bytes]:
        """Every secret of the lab, and Yett's own, by name."""
        handed_out = self.scene.lab.handed_out.items()
        return {name: value.encode() for name, value in handed_out if name.endswith("_token")}


@pytest.fixture(scope="session")
def guarded() -> Iterator[Guarded]:
    """Start a lab and a control plane, let the agent make all its attempts in one sandbox, and look."""
    with lab_folder() as folder, scene.opened(Telling(), folder) as play:
        scene.prepare(play)
        before = snapshot(play.database_url())
        files_before = files(play.workspace)
        arrived = len(play.lab.arrivals())
        made = list(scene.attempts(play))
        yield Guarded(
            scene=play,
            attempts=by_representative_name(play, made),
            order=[attempt.name for attempt in made],
            arrivals=play.lab.arrivals()[arrived:],
            before=before,
            after=snapshot(play.database_url()),
            files_before=files_before,
            files_after=files(play.workspace),
        )


def by_representative_name(play: Scene, made: list[Attempt]) -> dict[str, Attempt]:
    """Attempts under the names that the collection listed: ports, pids and folders differ from machine to machine."""
    real = scene.listed_names(play)
    found = {attempt.name: attempt for attempt in made}
    return {name: found[there] for name, there in zip(NAMES, real, strict=True) if there in found}


def files(workspace: Path) -> dict[str, bytes]:
    """Every file and link of a workspace but what the drill itself keeps in .cache; of .git what can run something."""
    held: dict[str, bytes] = {}
    for path in sorted(workspace.rglob("*")):
        name = path.relative_to(workspace).as_posix()
        if name.startswith(".cache/") or (name.startswith(".git/") and not _can_run(name)):
            continue
        if path.is_symlink():
            held[name] = b"-> " + str(path.readlink()).encode()
        elif path.is_file():
            held[name] = path.read_bytes()
    return held


def _can_run(name: str) -> bool:
    return name == ".git/config" or name.startswith((".git/hooks/", ".git/info/", ".git/config."))


def git(repository: Path, *words: str) -> str:
    """git as the person at the machine runs it."""
    done = subprocess.run(["git", *words], cwd=repository, capture_output=True, text=True, check=True)
    return done.stdout
