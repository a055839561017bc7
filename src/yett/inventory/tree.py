"""Files below folders, looked at by as many workers as there are processors."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import chain, islice

from yett.inventory.engine import Detector
from yett.inventory.formats import format_of
from yett.inventory.look import Look, Seen
from yett.inventory.outcome import Unread
from yett.inventory.pool import Batch, Pool, batches

_SKIPPED = frozenset({".git", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis", ".tox"})
_MEDIA = frozenset(
    {"avi", "bmp", "eot", "gif", "ico", "icns", "jpeg", "jpg", "mkv", "mov", "mp3", "mp4", "ogg", "otf", "png", "psd"}
    | {"ttf", "tif", "tiff", "wav", "webm", "webp", "woff", "woff2", "pyc", "flac"}
)
_INSTALLED = frozenset({"node_modules", "site-packages"})
_BESIDE_LIB = frozenset({"bin", "include", "lib64", "share", "Include", "Scripts"})
_OF_ENVIRONMENTS = _BESIDE_LIB | {"lib", "Lib"}
_HEAD = 8192
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
    """One scan of folders. `installed`: read installed packages too; `named`: of all that is passed over, at least the
    files whose name says that credentials are kept there, for anyone can move a folder into node_modules.
    """

    detector: Detector
    tell: Callable[[Unread], None]
    installed: bool = False
    workers: int = 1
    progress: Progress | None = None
    counts: Counts = field(default_factory=Counts)
    named: bool = False

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
        format_of("")  # loads every parser, here and not in each worker
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
        waiting = [(root, False)]
        while waiting:
            folder, passed_over = waiting.pop()
            try:
                with os.scandir(folder) as entries:
                    listed = list(entries)
            except FileNotFoundError:
                continue
            except OSError as error:
                self.tell(Unread(folder, error.strerror or "cannot be listed"))
                continue
            environment = any(entry.name == "pyvenv.cfg" for entry in listed)
            for entry in listed:
                if entry.is_dir(follow_symlinks=False):
                    if is_repository(entry):
                        continue
                    if passed_over or self._wanted(entry, environment):
                        waiting.append((entry.path, passed_over))
                    elif self.named:
                        waiting.append((entry.path, True))
                elif entry.is_file(follow_symlinks=False) and self._is_wanted_file(entry, passed_over):
                    yield entry.path

    def _is_wanted_file(self, entry: os.DirEntry[str], passed_over: bool) -> bool:
        if passed_over and format_of(entry.path) is None:
            return False
        return entry.name.rpartition(".")[2].lower() not in _MEDIA or _is_text(entry.path)

    def _wanted(self, entry: os.DirEntry[str], environment: bool) -> bool:
        if entry.name in _SKIPPED:
            return entry.name == ".git"
        if self.installed or not _is_installed(entry, environment):
            return True
        self.counts.installed += entry.name not in _BESIDE_LIB
        return False


def _apart(roots: Iterable[str]) -> tuple[list[str], list[str]]:
    """(folders, files)"""
    both = [*roots]
    return [root for root in both if os.path.isdir(root)], [root for root in both if not os.path.isdir(root)]


def is_repository(entry: os.DirEntry[str]) -> bool:
    """Whether it is git's own folder, and not only called so."""
    return entry.name == ".git" and os.path.exists(os.path.join(entry.path, "HEAD"))


def _is_installed(entry: os.DirEntry[str], environment: bool) -> bool:
    """Other people's packages, put there by an installer: their test keys are nobody's.

    Of a virtual environment only what venv puts there: its mark, pyvenv.cfg, is made in any folder in no time.
    """
    return entry.name in _INSTALLED or (environment and entry.name in _OF_ENVIRONMENTS)


def _is_text(path: str) -> bool:
    """Whether a file that is called a picture is none: all of these kinds have a NUL near their start."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        head = os.read(descriptor, _HEAD)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return bool(head) and b"\0" not in head


def _looked(look: Look, batch: Batch) -> Answer:
    look.files = look.bytes = 0
    unread: list[Unread] = []
    found = [seen for name in batch for seen in look.file(name, unread.append)]
    return found, unread, look.files, look.bytes


def _crashed(name: str) -> Answer:
    return [], [Unread(name, "reading it ended the worker; it was left out")], 0, 0
