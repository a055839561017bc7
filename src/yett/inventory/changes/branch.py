"""What a branch brings, for a pipeline and a review: the credentials that commits and the work tree add to a revision.

Everything that HEAD reaches and the revision does not, commit by commit, so that one which a later commit took out
again is told too: it stays readable to whoever fetches the branch. What stood in the same file before, or at that
revision, is no news, whatever line it moves to. One that still stands in the work tree is told with its line there,
others with their commit.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from yett.inventory.changes.files import Change, blobs_at, commit_of, commits, is_shallow, of_commits, top_of, unsaved
from yett.inventory.engine import Detector, engine
from yett.inventory.fingerprints import Fingerprints, temporary
from yett.inventory.formats import format_of
from yett.inventory.gather import Gathering
from yett.inventory.git import read_many
from yett.inventory.likely import severity_of
from yett.inventory.look import Look, Seen
from yett.inventory.outcome import Outcome, Unread
from yett.inventory.scan import rooms
from yett.inventory.sources import read_text
from yett.inventory.unpack import HEAD as HEAD_OCTETS
from yett.inventory.unpack import is_container
from yett.model.credential import Location
from yett.model.errors import ConfigurationError


def brought(
    folder: Path, since: str, keys: Fingerprints | None = None, tell: Callable[[str], None] | None = None
) -> Outcome:
    """The findings that `folder` gained since that revision, the worst first. `tell` hears of each stage.

    Raises:
        ConfigurationError: no repository, or no such revision in it.
    """
    began = time.monotonic()
    top = top_of(folder)
    if top is None:
        raise ConfigurationError(f"{folder} is in no git repository", "leave out --since")
    base = commit_of(top, since)
    if not base:
        raise ConfigurationError(
            f"there is no revision {since} here",
            "name a commit, branch or tag; in a pipeline the checkout must hold history (fetch-depth: 0)",
        )
    say = tell or _silent
    say("commits since then")
    seen = _Brought(top, base, keys or temporary())
    if is_shallow(top):
        seen.tell(Unread(str(top), "a shallow clone: commits that are not here were not looked at"))
    below = _prefix(folder, top)
    ids = commits(top, "HEAD", f"^{base}")
    seen.committed([change for change in of_commits(top, ids) if change.path.startswith(below)], ids)
    say("files that are not committed")
    seen.unsaved([change for change in unsaved(top) if change.path.startswith(below)])
    return seen.outcome(str(folder), time.monotonic() - began)


@dataclass(frozen=True, slots=True)
class _Suspect:
    change: Change
    seen: tuple[Seen, ...]
    spans: tuple[bytes, ...]
    """The text of each, as it stands in the blob."""


class _Brought:
    """One such scan, while it runs."""

    def __init__(self, top: Path, base: str, keys: Fingerprints) -> None:
        self._top = top
        self._base = base
        self._detector: Detector = engine()
        self._look = Look(self._detector)
        self._gathering = Gathering(self._detector, rooms(), keys)
        self._gathering.roots = (f"{top}/",)
        self._unread: dict[Unread, None] = {}
        self._blobs = self._read = 0

    def committed(self, changes: list[Change], ids: Iterable[str]) -> None:
        """Every version of a file that the commits made, and their messages."""
        by_blob = _by(changes, lambda change: (change.after,))
        suspects = []
        for oid, kind, content in read_many(self._top, [*by_blob, *ids]):
            self._blobs += 1
            self._read += len(content)
            if kind == "commit":
                self._message(oid, content)
            for change in by_blob.get(oid, ()):
                if is_container(change.path, content[:HEAD_OCTETS]):
                    self._container(change)
                else:
                    suspects += self._suspect(change, content)
        self._judge(suspects)

    def unsaved(self, changes: list[Change]) -> None:
        """The files as they lie on the disk."""
        suspects = []
        for change in changes:
            found = tuple(self._look.file(str(self._top / change.path), self.tell))
            if found:
                suspects.append(_Suspect(change, found, ()))
        self._judge(suspects)

    def outcome(self, target: str, seconds: float) -> Outcome:
        findings = sorted(self._gathering.findings.values(), key=lambda each: (-each.severity, each.where))
        unread = tuple(self._unread)
        read = self._read + self._look.bytes
        return Outcome(tuple(findings), unread, (target,), self._look.files, self._blobs, read, seconds)

    def tell(self, unread: Unread) -> None:
        self._unread[unread] = None

    def _suspect(self, change: Change, content: bytes) -> list[_Suspect]:
        found = self._look.text(change.path, content, "file", self._unheard, format_of(change.path))
        if not found:
            return []
        return [_Suspect(change, tuple(found), tuple(content[one.hit.start : one.hit.end] for one in found))]

    def _judge(self, suspects: list[_Suspect]) -> None:
        """Record those that were not there before."""
        changed = list(dict.fromkeys(each.change for each in suspects))
        at_base = blobs_at(self._top, self._base, (change.path for change in changed))
        by_blob = _by(changed, lambda change: (*change.before, *at_base.get(change.path, ())))
        old: dict[Change, set[bytes]] = {}
        for oid, _, content in read_many(self._top, by_blob):
            for change in by_blob.get(oid, ()):
                text = self._look.text(change.path, content, "file", self._unheard, format_of(change.path))
                old.setdefault(change, set()).update(one.value for one in text)
        for suspect in suspects:
            known = old.get(suspect.change, set())
            for number, one in enumerate(suspect.seen):
                if one.value not in known:
                    self._record(suspect, number, one)

    def _record(self, suspect: _Suspect, number: int, one: Seen) -> None:
        change = suspect.change
        if not change.after:
            self._gathering.add(one)
            return
        line = self._line_now(change.path, suspect.spans[number])
        path = str(self._top / change.path)
        if line:
            self._gathering.add(replace(one, path=path, line=line))
            return
        at = Location("history", change.path, one.line, change.commit, change.after, one.hit.start, one.hit.end)
        self._gathering.put(one.hit, one.value, at, 0.0, severity_of(change.path, one.hit, one.value))

    def _line_now(self, path: str, span: bytes) -> int:
        """Where that text stands in the file on the disk, 0 if nowhere."""
        content = read_text(str(self._top / path))
        at = content.find(span) if content and span else -1
        return content.count(b"\n", 0, at) + 1 if content and at >= 0 else 0

    def _message(self, oid: str, content: bytes) -> None:
        for one in self._look.text("", content, "history", self._unheard):
            at = Location("history", "", one.line, oid, oid, one.hit.start, one.hit.end)
            self._gathering.put(one.hit, one.value, at, 0.0, severity_of("", one.hit, one.value))

    def _container(self, change: Change) -> None:
        """An archive, opened where it lies; of one that a later commit changed again, only the last is there."""
        path = str(self._top / change.path)
        if not os.path.isfile(path):
            self.tell(Unread(f"git {change.commit[:10]} ({change.path})", "an archive that is gone: not opened"))
            return
        for one in self._look.file(path, self.tell):
            self._gathering.add(one)

    def _unheard(self, _unread: Unread) -> None:
        """A file that its parser cannot read was screened all the same."""


def _by(changes: Iterable[Change], oids: Callable[[Change], Iterable[str]]) -> Mapping[str, list[Change]]:
    found: dict[str, list[Change]] = {}
    for change in changes:
        for oid in oids(change):
            found.setdefault(oid, []).append(change)
    return found


def _prefix(folder: Path, top: Path) -> str:
    """Of a folder or a file below the top, as git names paths."""
    below = os.path.relpath(os.path.realpath(folder), os.path.realpath(top))
    if below == ".":
        return ""
    return f"{below}/" if folder.is_dir() else below


def _silent(_stage: str) -> None:
    """Nobody wants to know."""
