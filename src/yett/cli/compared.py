"""What the repository's baseline says of a scan. It filters reports and exit statuses, and nothing else (law 9)."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from yett.inventory.changes.files import top_of
from yett.model.errors import ConfigurationError

if TYPE_CHECKING:
    from yett.inventory.baseline import Applied
    from yett.inventory.history import LeakRate
    from yett.inventory.outcome import Outcome

ELSEWHERE = ("/", "~/", "$")
"""How a baseline begins the name of a place outside the repository: a scan of the repository says nothing of it."""


@dataclass(frozen=True, slots=True)
class Compared:
    """`outcome` with the accepted findings marked; `by_baseline`: there was one."""

    outcome: Outcome
    remarks: tuple[str, ...] = ()
    by_baseline: bool = False
    rates: tuple[LeakRate, ...] = ()


def root_of(target: Path) -> Path:
    """The top of the repository that a target lies in, under the name that the person gave; else the folder itself."""
    named = Path(os.path.abspath(target))
    folder = named if named.is_dir() else named.parent
    top = top_of(folder) if folder.is_dir() else None
    if top is None:
        return folder
    below = Path(os.path.relpath(os.path.realpath(folder), os.path.realpath(top))).parts
    if not below:
        return folder
    return folder.parents[len(below) - 1] if folder.parts[-len(below) :] == below else top


def baseline_path(root: Path, named: Path | None) -> Path:
    from yett.inventory.baseline.baseline import USUAL

    return named if named is not None else root / USUAL


def compared(outcome: Outcome, root: Path, named: Path | None, *, whole: bool, reach: bool) -> Compared:
    """`whole`: everything below the root was scanned with its history. `reach`: home and variables were, too.

    Raises:
        ConfigurationError: the named baseline is not there, or it is none.
    """
    from yett.inventory.baseline import Baseline

    path = baseline_path(root, named)
    if not path.exists():
        if named is not None:
            raise ConfigurationError(f"{path} does not exist", "make one: yett baseline create")
        return Compared(outcome)
    applied = Baseline.load(path, root).apply(outcome.findings)
    if not reach:
        applied = within(applied)
    return Compared(replace(outcome, findings=applied.findings), applied.remarks(whole=whole), True)


def within(applied: Applied) -> Applied:
    """Without calling entries stale whose place was not scanned."""
    return replace(applied, stale=tuple(each for each in applied.stale if not each.path.startswith(ELSEWHERE)))
