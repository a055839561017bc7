"""How many of the credentials that lie there are found, and how much else."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from bench.leaky.layout import Truth

from yett.inventory.finding import Finding
from yett.inventory.severity import Severity
from yett.inventory.survey import Wanted, survey

Spot = tuple[str, str]
"""A path below the folder, and a value."""


@dataclass
class Score:
    """`extra`: found, and no credential."""

    truth: int = 0
    missed: list[Spot] = field(default_factory=list)
    found: int = 0
    extra: list[Spot] = field(default_factory=list)

    @property
    def recall(self) -> float:
        return 1 - len(self.missed) / self.truth

    @property
    def extra_share(self) -> float:
        return len(self.extra) / self.found if self.found else 0.0

    def add(self, other: Score) -> None:
        self.truth += other.truth
        self.found += other.found
        self.missed += other.missed
        self.extra += other.extra


def score_home(folder: Path, truth: Truth, spare: Truth) -> Score:
    """What `yett scan --home` finds."""
    return _score(folder, truth, spare, survey(Wanted(home=folder, environ={}, history=False)).findings)


def score_tree(folder: Path, truth: Truth, spare: Truth) -> Score:
    """What `yett scan FOLDER` shows at its usual severity."""
    return _score(folder, truth, spare, survey(Wanted(targets=(folder,), history=False, workers=1)).findings)


def _score(folder: Path, truth: Truth, spare: Truth, findings: Iterable[Finding]) -> Score:
    real = {(path, value.strip()) for path, value in truth}
    allowed = {(path, value.strip()) for path, value in spare}
    spots = {
        (_file_of(at.path, folder), _plain(finding.value.reveal()))
        for finding in findings
        if finding.severity >= Severity.MEDIUM
        for at in finding.credential.locations
    }
    return Score(len(real), sorted(real - spots), len(spots), sorted(spots - real - allowed))


def _file_of(path: str, folder: Path) -> str:
    """Below the folder; of an archive, a notebook or a database the file itself."""
    return path.removeprefix(f"{folder.resolve()}/").partition("!/")[0]


def _plain(value: bytes) -> str:
    """Of a key in JSON the key."""
    text = value.decode("utf-8", "replace").strip()
    return text.replace("\\n", "\n").strip() if text.startswith("-----BEGIN") else text
