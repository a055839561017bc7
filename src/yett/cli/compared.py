"""What the repository's baseline says of a scan. It filters reports and exit statuses, and nothing else (law 9)."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from yett.model.errors import ConfigurationError

if TYPE_CHECKING:
    from yett.inventory.baseline import Applied, Baseline
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
    top = _top_of(folder) if folder.is_dir() else None
    if top is None:
        return folder
    below = Path(os.path.relpath(os.path.realpath(folder), os.path.realpath(top))).parts
    if not below:
        return folder
    return folder.parents[len(below) - 1] if folder.parts[-len(below) :] == below else top


def _top_of(folder: Path) -> Path | None:
    """None too where git would wait for ever: whoever looks through the history says so."""
    from yett.inventory.changes.files import top_of
    from yett.inventory.git_life import GitStalled
    from yett.inventory.git_places import refuse_strange

    try:
        refuse_strange(folder)
        return top_of(folder)
    except GitStalled:
        return None


def baseline_path(root: Path, named: Path | None) -> Path:
    from yett.inventory.baseline.baseline import USUAL

    return named if named is not None else root / USUAL


def compared(
    outcome: Outcome, root: Path, named: Path | None, *, whole: bool, reach: bool, since: str = ""
) -> Compared:
    """`whole`: everything below the root was scanned with its history. `reach`: home and variables were, too.

    `since`: the baseline of that revision counts. A branch must not accept what it brings: its reader decides.

    Raises:
        ConfigurationError: the named baseline is not there, or it is none.
    """
    from yett.inventory.baseline import Baseline

    path = baseline_path(root, named)
    if not path.exists():
        if named is not None:
            raise ConfigurationError(f"{path} does not exist", "make one: yett baseline create")
        return Compared(outcome)
    known = Baseline.load(path, root)
    own = 0
    if since and named is None:
        known, own = _reviewed(known, root, since)
    applied = known.apply(outcome.findings)
    if not reach:
        applied = within(applied)
    remarks = (*_own_words(own), *applied.remarks(whole=whole))
    return Compared(replace(outcome, findings=applied.findings), remarks, True)


def _reviewed(known: Baseline, root: Path, since: str) -> tuple[Baseline, int]:
    """The baseline without what the branch added to it, and how much that is."""
    old = at_revision(known, root, since)
    entries = tuple(each for each in known.entries if each in old.entries)
    allows = tuple(each for each in known.allows if each in old.allows)
    own = len(known.entries) + len(known.allows) - len(entries) - len(allows)
    return replace(known, entries=entries, allows=allows), own


def _own_words(own: int) -> tuple[str, ...]:
    if not own:
        return ()
    entries = "1 entry is" if own == 1 else f"{own} entries are"
    return (f"{entries} new on this branch and count once it is merged; --accept-new takes them as they are",)


def at_revision(known: Baseline, root: Path, revision: str) -> Baseline:
    """The baseline as it was: empty where that revision had none."""
    from yett.inventory.baseline import Baseline, storage
    from yett.inventory.changes.files import blobs_at, commit_of, git

    path = os.path.relpath(known.path, root)
    found = blobs_at(root, commit_of(root, revision), [path]).get(path)
    if not found:
        return Baseline(known.path, known.root)
    contents = storage.parsed(known.path, git(root, "cat-file", "blob", found[0]))
    return Baseline(known.path, known.root, contents.entries, contents.allows)


def within(applied: Applied) -> Applied:
    """Without calling entries stale whose place was not scanned."""
    return replace(applied, stale=tuple(each for each in applied.stale if not each.path.startswith(ELSEWHERE)))
