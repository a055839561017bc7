"""A real daemon as a process, with a store of the drill's realm and a first person enrolled at its page."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from yett.drills.person import VirtualPerson
from yett.drills.stage import COMMAND, Stage, started


@dataclass(frozen=True)
class Plane:
    """The daemon and its owner."""

    stage: Stage
    owner: VirtualPerson

    def starts(self, *words: str) -> subprocess.Popen[str]:
        """A command that waits for a signature."""
        return subprocess.Popen(
            [*COMMAND, *words],
            env=self.stage.environ(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
        )

    def signed(self, *words: str) -> str:
        """Run a command that asks for a signature, and give it."""
        process = self.starts(*words)
        assert process.stdout is not None
        said = process.stdout.readline()
        self.owner.sign(self.stage.act_of(said))
        rest = process.stdout.read()
        assert process.wait(30) == 0, rest
        return said + rest


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plane]:
    home = tmp_path_factory.mktemp("daemon") / "home"
    home.mkdir(mode=0o700)
    (home / "config.toml").write_text('realm = "drill"\n')
    with started(home) as stage:
        owner = VirtualPerson("Olga", stage.origin)
        owner.enrol_first(stage.code)
        yield Plane(stage, owner)
