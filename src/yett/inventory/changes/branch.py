"""What a branch brings, for a pipeline and a review: the credentials that commits and the work tree add to a revision.

Everything that HEAD reaches and the revision does not, commit by commit, so that one which a later commit took out
again is told too: it stays readable to whoever fetches the branch. What stood in the same file before, or at that
revision, is no news, whatever line it moves to. One that still stands in the work tree is told with its line there,
others with their commit.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from yett.inventory.changes.files import Change, blobs_at, commit_of, commits, is_shallow, of_commits, top_of, unsaved
from yett.inventory.changes.versions import ARCHIVE, Spot, is_archive, spots_in
from yett.inventory.engine import Detector, engine
from yett.inventory.fingerprints import Fingerprints, temporary
from yett.inventory.gather import Gathering
from yett.inventory.git import read_many
from yett.inventory.likely import severity_of
from yett.inventory.look import Look
from yett.inventory.outcome import Outcome, Unread
from yett.inventory.scan import rooms
from yett.model.credential import Location
from yett.model.errors import ConfigurationError

_MOST_COMPARED = 64 << 20
"""Bytes of a file on the disk that is compared with a version of it."""


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
    """A version of a file in which something stands. `is_now`: the file on the disk is that version."""

    change: Change
    spots: tuple[Spot, ...]
    is_now: bool = False


class _Brought:
    """One such scan, while it runs."""

    def __init__(self, top: Path, base: str, keys: Fingerprints) -> None:
        self._top = top
        self._base = base
        self._detector: Detector = engine()
        self._look = Look(self._detector)
        self._gathering = Gathering(self._detector, rooms, keys)
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
                suspects += self._suspect(change, content)
        self._judge(suspects)

    def unsaved(self, changes: list[Change]) -> None:
        """The files as they lie on the disk."""
        suspects = []
        for change in changes:
            found = tuple(Spot(seen, b"") for seen in self._look.file(str(self._top / change.path), self.tell))
            if found:
                suspects.append(_Suspect(change, found))
        self._judge(suspects)

    def outcome(self, target: str, seconds: float) -> Outcome:
        findings = sorted(self._gathering.findings.values(), key=lambda each: each.rank)
        unread = tuple(self._unread)
        read = self._read + self._look.bytes
        return Outcome(tuple(findings), unread, (target,), self._look.files, self._blobs, read, seconds)

    def tell(self, unread: Unread) -> None:
        self._unread[unread] = None

    def _suspect(self, change: Change, content: bytes) -> list[_Suspect]:
        is_now = is_archive(change.path, content) and self._on_disk(change.path) == content

        def tell(unread: Unread) -> None:
            what = f"{self._top}/{unread.what}" if is_now else f"git {change.commit[:10]} ({unread.what})"
            self.tell(Unread(what, unread.why))

        spots = spots_in(self._look, change.path, content, tell)
        return [_Suspect(change, tuple(spots), is_now)] if spots else []

    def _judge(self, suspects: list[_Suspect]) -> None:
        """Record those that were not there before."""
        changed = list(dict.fromkeys(each.change for each in suspects))
        at_base = blobs_at(self._top, self._base, (change.path for change in changed))
        by_blob = _by(changed, lambda change: (*change.before, *at_base.get(change.path, ())))
        old: dict[Change, set[bytes]] = {}
        for oid, _, content in read_many(self._top, by_blob):
            for change in by_blob.get(oid, ()):
                spots = spots_in(self._look, change.path, content, _unheard)
                old.setdefault(change, set()).update(spot.seen.value for spot in spots)
        for suspect in suspects:
            known = old.get(suspect.change, set())
            for spot in suspect.spots:
                if spot.seen.value not in known:
                    self._record(suspect, spot)

    def _record(self, suspect: _Suspect, spot: Spot) -> None:
        change, one = suspect.change, spot.seen
        if not change.after:
            self._gathering.add(one)
            return
        if suspect.is_now and one.source == ARCHIVE:
            self._gathering.add(replace(one, path=f"{self._top}/{one.path}"))
            return
        if line := self._line_now(change.path, spot.raw):
            self._gathering.add(replace(one, path=str(self._top / change.path), line=line))
            return
        at = Location("history", one.path, one.line, change.commit, change.after, one.hit.start, one.hit.end)
        self._gathering.put(one.hit, one.value, at, 0.0, severity_of(one.path, one.hit, one.value))

    def _line_now(self, path: str, raw: bytes) -> int:
        """Where these bytes stand in the file on the disk, 0 if nowhere."""
        content = self._on_disk(path) if raw else b""
        at = content.find(raw) if raw else -1
        return content.count(b"\n", 0, at) + 1 if at >= 0 else 0

    def _on_disk(self, path: str) -> bytes:
        """b"" where there is no such regular file, or one that is larger than what is compared."""
        try:
            descriptor = os.open(self._top / path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return b""
        try:
            about = os.fstat(descriptor)
            if not stat.S_ISREG(about.st_mode) or about.st_size > _MOST_COMPARED:
                return b""
            with open(descriptor, "rb", closefd=False) as file:
                return file.read()
        except OSError:
            return b""
        finally:
            os.close(descriptor)

    def _message(self, oid: str, content: bytes) -> None:
        for one in self._look.text("", content, "history", _unheard):
            at = Location("history", "", one.line, oid, oid, one.hit.start, one.hit.end)
            self._gathering.put(one.hit, one.value, at, 0.0, severity_of("", one.hit, one.value))


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


def _unheard(_unread: Unread) -> None:
    """It is told of the version that is new, or said nothing."""
