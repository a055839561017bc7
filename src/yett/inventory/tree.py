"""Files below folders, looked at by as many workers as there are processors."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import chain, islice

from yett.inventory.engine import Detector
from yett.inventory.look import Look, Seen
from yett.inventory.outcome import Unread
from yett.inventory.pool import Batch, Pool, batches

_SKIPPED = frozenset({".git", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis", ".tox"})
_MEDIA = frozenset(
    {"avi", "bmp", "eot", "gif", "ico", "icns", "jpeg", "jpg", "mkv", "mov", "mp3", "mp4", "ogg", "otf", "png", "psd"}
    | {"ttf", "tif", "tiff", "wav", "webm", "webp", "woff", "woff2", "pyc", "flac"}
)
ALONE = 1500
"""Files that one process reads faster than further ones start."""


@dataclass
class Counts:
    """What was looked at so far."""

    files: int = 0
    bytes: int = 0
    listed: int = 0
    """Files that there are, once all folders are listed; 0 before."""
    installed: int = 0
    """Folders of installed packages that were passed over."""


Answer = tuple[list[Seen], list[Unread], int, int]
Progress = Callable[[Counts], None]


@dataclass
class Tree:
    """One scan of folders. `installed`: read installed packages too."""

    detector: Detector
    tell: Callable[[Unread], None]
    installed: bool = False
    workers: int = 1
    progress: Progress | None = None
    counts: Counts = field(default_factory=Counts)

    def seen(self, roots: Iterable[str]) -> Iterator[Seen]:
        """Everything in the files of these folders; of a file, in itself, also through a link."""
        folders, single = _apart(roots)
        look = Look(self.detector)
        for name in single:
            for seen in look.file(os.path.realpath(name), self.tell):
                yield replace(seen, path=name)
        names = self.files(folders)
        first = list(islice(names, ALONE))
        if self.workers < 2 or len(first) < ALONE:
            yield from self._alone(look, chain(first, names))
            return
        pool = Pool(lambda batch: _looked(look, batch), _crashed, self.workers)
        for found, unread, files, size in pool.answers(batches(chain(first, names))):
            self.counts.files += files
            self.counts.bytes += size
            for each in unread:
                self.tell(each)
            yield from found
            if self.progress is not None:
                self.progress(self.counts)

    def _alone(self, look: Look, names: Iterable[str]) -> Iterator[Seen]:
        for name in names:
            yield from look.file(name, self.tell)
        self.counts.files += look.files
        self.counts.bytes += look.bytes

    def files(self, roots: Iterable[str]) -> Iterator[str]:
        """The paths below folders that are looked at, without looking."""
        listed = 0
        for root in roots:
            for path in self._below(root):
                listed += 1
                yield path
        self.counts.listed = listed

    def _below(self, root: str) -> Iterator[str]:
        """Regular files below a folder. Links are not followed, so there are no cycles."""
        waiting = [root]
        while waiting:
            folder = waiting.pop()
            try:
                with os.scandir(folder) as entries:
                    listed = list(entries)
            except FileNotFoundError:
                continue
            except OSError as error:
                self.tell(Unread(folder, error.strerror or "cannot be listed"))
                continue
            for entry in listed:
                if entry.is_dir(follow_symlinks=False):
                    if self._wanted(entry):
                        waiting.append(entry.path)
                elif entry.is_file(follow_symlinks=False) and entry.name.rpartition(".")[2].lower() not in _MEDIA:
                    yield entry.path

    def _wanted(self, entry: os.DirEntry[str]) -> bool:
        if entry.name in _SKIPPED:
            return False
        if self.installed or not _is_installed(entry):
            return True
        self.counts.installed += 1
        return False


def _apart(roots: Iterable[str]) -> tuple[list[str], list[str]]:
    """(folders, files)"""
    both = [*roots]
    return [root for root in both if os.path.isdir(root)], [root for root in both if not os.path.isdir(root)]


def _is_installed(entry: os.DirEntry[str]) -> bool:
    """Other people's packages, put there by an installer: their test keys are nobody's."""
    return entry.name in ("node_modules", "site-packages") or os.path.exists(os.path.join(entry.path, "pyvenv.cfg"))


def _looked(look: Look, batch: Batch) -> Answer:
    look.files = look.bytes = 0
    unread: list[Unread] = []
    found = [seen for name in batch for seen in look.file(name, unread.append)]
    return found, unread, look.files, look.bytes


def _crashed(name: str) -> Answer:
    return [], [Unread(name, "reading it ended the worker; it was left out")], 0, 0
