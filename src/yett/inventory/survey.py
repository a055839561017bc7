"""The scan for people and pipelines: every source that was asked for, one outcome. Read-only, no daemon, no root."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from yett.inventory.echoes import MOST_FILES, echoes
from yett.inventory.engine import Detector, engine
from yett.inventory.finding import Finding
from yett.inventory.fingerprints import Fingerprints, temporary
from yett.inventory.gather import Gathering
from yett.inventory.git_life import GitStalled
from yett.inventory.git_places import refuse_strange
from yett.inventory.homes import home_files, machine_files, unread_keyrings
from yett.inventory.likely import severity_of
from yett.inventory.look import Look, Seen
from yett.inventory.outcome import Outcome, Unread
from yett.inventory.processes import process_environments
from yett.inventory.scan import room_files, rooms
from yett.inventory.severity import Severity
from yett.inventory.sources import git_folder, git_texts
from yett.inventory.tree import Counts, Tree
from yett.model.credential import Location

if TYPE_CHECKING:
    from yett.inventory.history.origins import Origin
    from yett.inventory.history.screening import HistoryOutcome, Spot


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to look at. `home`: the folder whose credential places are read, None for none; `environ` likewise.

    `state`: where to keep what history was looked at already; None looks at all of it.
    """

    targets: tuple[Path, ...] = ()
    home: Path | None = None
    environ: Mapping[str, str] | None = None
    processes: bool = False
    history: bool = True
    installed: bool = False
    workers: int = field(default_factory=lambda: os.cpu_count() or 1)
    state: Path | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """How far a scan is. `total` 0: nobody knows yet; `done` and `total` are bytes of history, else files."""

    stage: str
    done: int = 0
    total: int = 0
    bytes: int = 0


Progress = Callable[[Step], None]


def survey(wanted: Wanted, keys: Fingerprints | None = None, progress: Progress | None = None) -> Outcome:
    """Every finding, the worst first, then by path and line, and what could not be read. The same tree gives the same
    report, whichever worker was faster.
    """
    return _Survey(wanted, keys or temporary(), progress or _silent).outcome()


class _Survey:
    """One scan, while it runs."""

    def __init__(self, wanted: Wanted, keys: Fingerprints, progress: Progress) -> None:
        self._wanted = wanted
        self._progress = progress
        self._detector: Detector = engine()
        self._gathering = Gathering(self._detector, rooms, keys)
        folders = (target if target.is_dir() else target.parent for target in wanted.targets)
        self._gathering.roots = tuple(f"{folder}/" for folder in folders)
        self._unread: dict[Unread, None] = {}
        self._files = self._blobs = self._read = 0

    def outcome(self) -> Outcome:
        began = time.monotonic()
        self._environment()
        self._home()
        self._trees()
        if self._wanted.history:
            self._history()
        findings = tuple(_placed(finding) for finding in self._gathering.findings.values())
        return Outcome(
            tuple(sorted(findings, key=lambda each: each.rank)),
            tuple(self._unread),
            tuple(map(str, self._wanted.targets)),
            self._files,
            self._blobs,
            self._read,
            time.monotonic() - began,
        )

    def _tell(self, unread: Unread) -> None:
        self._unread[unread] = None

    def _environment(self) -> None:
        if self._wanted.environ is not None:
            self._gathering.variables(self._wanted.environ)
        if self._wanted.processes:
            self._progress(Step("variables of running processes"))
            for label, variables in process_environments(self._tell):
                named = {name: value.decode("utf-8", "surrogateescape") for name, value in variables.items()}
                self._gathering.variables(named, of=label)

    def _home(self) -> None:
        home = self._wanted.home
        if home is None:
            return
        self._progress(Step("credential places of the home"))
        room_files(self._gathering, rooms(), home)
        environ = self._wanted.environ or {}
        look = Look(self._detector)
        for path, kind in (*home_files(home, environ, self._tell), *machine_files(self._tell)):
            self._look_at(look.file(path, self._tell, "transcript" if kind == "transcript" else "file"))
        for each in unread_keyrings(home, environ):
            self._tell(each)
        self._files += look.files
        self._read += look.bytes

    def _trees(self) -> None:
        unread: list[Unread] = []
        tree = Tree(self._detector, unread.append, self._wanted.installed, self._wanted.workers, self._files_so_far)
        roots = [*map(str, self._wanted.targets)]
        self._look_at(sorted(tree.seen(roots), key=_place))
        for each in sorted(unread, key=lambda each: (each.what, each.why)):
            self._tell(each)
        if tree.counts.files <= MOST_FILES:
            again = Tree(self._detector, _unheard, self._wanted.installed)
            self._look_at([*echoes(again.files(roots), self._by_place())])
        self._files += tree.counts.files
        self._read += tree.counts.bytes
        if tree.counts.installed:
            count = tree.counts.installed
            folders = "1 folder" if count == 1 else f"{count} folders"
            self._tell(Unread(f"{folders} of installed packages", "not looked into; --installed does"))

    def _by_place(self) -> dict[bytes, Finding]:
        """Of those in files and the home, what the engine would not know again elsewhere."""
        found = self._gathering.findings.items()
        return {value: each for value, each in found if not each.credential.provider and each.severity > Severity.LOW}

    def _files_so_far(self, counts: Counts) -> None:
        self._progress(Step("files", counts.files, counts.listed, counts.bytes))

    def _history(self) -> None:
        seen: set[Path] = set()
        for target in self._wanted.targets:
            try:
                refuse_strange(target)
                repository = git_folder(target) if target.is_dir() else None
                if repository is not None and repository not in seen:
                    seen.add(repository)
                    self._repository(target, repository)
            except GitStalled as error:
                self._tell(Unread(f"git history of {target}", f"{error.what}; {error.remedy}"))

    def _repository(self, target: Path, repository: Path) -> None:
        look = Look(self._detector)
        for path, content in git_texts(repository):
            for seen in look.text(path, content, "client-config", self._tell):
                self._gathering.add(seen)
        self._objects(target)

    def _objects(self, target: Path) -> None:
        """What git keeps; each find with the commit that brought it."""
        from yett.inventory.history.scan import scan_history  # only where history is wanted: it takes a moment to load

        def told(done: int, total: int) -> None:
            self._progress(Step("git history", done, total, done))

        wanted = self._wanted
        outcome = scan_history(target, self._detector, state=wanted.state, workers=wanted.workers, progress=told)
        self._blobs += outcome.blobs
        self._read += outcome.read
        for unread in outcome.unread:
            self._tell(unread)
        self._record(target, outcome)

    def _record(self, target: Path, outcome: HistoryOutcome) -> None:
        from yett.inventory.history.origins import Origin, attribute
        from yett.inventory.history.repositories import repositories
        from yett.inventory.history.screening import Found
        from yett.inventory.named_past import named_past

        folder = repositories(target)[0].folder
        extra = tuple(Found(oid, "blob", spots, folder) for oid, _, spots in named_past(target))
        origins = attribute((*outcome.found, *extra), target) if outcome.found or extra else {}
        rows = [
            (origin, found.oid, spot)
            for found in (*outcome.found, *extra)
            for spot in found.spots
            for origin in origins.get(found.oid, ()) or (Origin(""),)
        ]
        # the oldest commit is the first place; what no commit holds comes last
        rows.sort(key=lambda row: (not row[0].at, row[0].at, row[0].path, row[1], row[2].hit.start, row[2].hit.end))
        for origin, oid, spot in rows:
            self._put(oid, spot, origin)

    def _put(self, oid: str, spot: Spot, origin: Origin) -> None:
        start, end = spot.hit.start, spot.hit.end
        at = Location("history", origin.path, spot.line, origin.commit, oid, start, end)
        severity = severity_of(origin.path, spot.hit, spot.value)
        self._gathering.put(spot.hit, spot.value, at, origin.at, severity, owner=origin.author)

    def _look_at(self, found: Iterable[Seen]) -> None:
        for seen in found:
            self._gathering.add(seen)


_AGENTS = (".claude", ".codex", ".cursor", ".gemini", ".continue", ".codeium", ".copilot", ".kiro", ".aider", ".goose")


def _place(seen: Seen) -> tuple[str, int, int, str, str, str]:
    """The order of workers' answers says nothing, and the first place of a value names the finding."""
    hit = seen.hit
    return seen.path, hit.start, hit.end, hit.kind, hit.title, seen.source


def _placed(finding: Finding) -> Finding:
    """With the files of agents called what they are to people."""
    locations = tuple(_renamed(location) for location in finding.credential.locations)
    return replace(finding, credential=replace(finding.credential, locations=locations))


def _renamed(location: Location) -> Location:
    parts = location.path.split("/")
    if location.source == "file" and (parts[-1] in (".mcp.json", ".claude.json") or not set(_AGENTS).isdisjoint(parts)):
        return replace(location, source="client-config")
    return location


def _unheard(_unread: Unread) -> None:
    """It was told once already."""


def _silent(_step: Step) -> None:
    """Nobody wants to know."""
