"""A tree under inotify: a watch a folder, added as folders appear, and what its events mean for files."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from dataclasses import dataclass, field

from yett.inventory.watching.folders import inside, is_watched
from yett.inventory.watching.inotify import WRITES, Event, Inotify, Mask


class NoWatchLeft(Exception):
    """This user, or our share of what they may have, is used up."""


@dataclass
class Noticed:
    """What happened since the last read. `open` are files that are being written still, `lost` says that some is."""

    written: set[str] = field(default_factory=set)
    open: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)
    gone_folders: set[str] = field(default_factory=set)
    lost: bool = False


class Notified:
    """The watches of one tree. Raises OSError, NoWatchLeft: it cannot be watched so."""

    def __init__(self, root: str, share: int) -> None:
        self._root = root
        self._share = share
        self._inotify = Inotify()
        self._path_of: dict[int, str] = {}
        self._watch_of: dict[str, int] = {}
        try:
            for _ in self.added(root):
                pass
        except BaseException:
            self._inotify.close()
            raise

    @property
    def descriptor(self) -> int:
        return self._inotify.descriptor

    def __len__(self) -> int:
        return len(self._path_of)

    def read(self) -> Noticed:
        """Everything that waits in the queue. Raises NoWatchLeft."""
        noticed = Noticed()
        for event in self._inotify.read():
            self._take(event, noticed)
        return noticed

    def added(self, top: str) -> Iterator[str]:
        """Watch a folder and all below it; the files that lie there. First the watch, then the look: none is missed.

        A folder that is watched already is passed through: it may have moved here from elsewhere in the tree.
        """
        waiting = [top]
        while waiting:
            folder = waiting.pop()
            if not self._watch(folder):
                continue
            files, below = inside(folder)
            yield from files
            waiting += below

    def unseen(self) -> Iterator[str]:
        """Watch what no event told of: files in folders that were not watched yet. Raises OSError: the root is gone."""
        waiting = [self._root]
        while waiting:
            folder = waiting.pop()
            before = self._watch_of.get(folder)
            if not self._watch(folder):
                continue
            files, below = inside(folder)
            yield from () if before == self._watch_of[folder] else files
            waiting += below

    def close(self) -> None:
        self._inotify.close()

    def _watch(self, folder: str) -> bool:
        try:
            number = self._inotify.add(folder)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.ENOMEM):
                raise NoWatchLeft from None
            if folder == self._root:
                raise
            return False  # it went away, became a link, or is not ours to read: nor is it the agent's
        elsewhere, another = self._path_of.get(number), self._watch_of.get(folder)
        if elsewhere is not None and elsewhere != folder:
            self._watch_of.pop(elsewhere, None)
        if another is not None and another != number:
            self._path_of.pop(another, None)
            self._inotify.remove(another)
        self._path_of[number] = folder
        self._watch_of[folder] = number
        if len(self._path_of) > self._share:
            raise NoWatchLeft
        return True

    def _take(self, event: Event, noticed: Noticed) -> None:
        if event.mask & Mask.OVERFLOW:
            noticed.lost = True
            return
        folder = self._path_of.get(event.watch)
        if folder is None:
            return
        if event.mask & (Mask.IGNORED | Mask.UNMOUNT):
            self._forget(event.watch, folder)
            return
        if not event.name:
            if event.mask & (Mask.DELETE_SELF | Mask.MOVE_SELF) and folder == self._root:
                noticed.gone_folders.add(folder)
                self._unwatch(folder)
            return
        path = os.path.join(folder, event.name)
        if event.name == "HEAD" and event.mask & WRITES and os.path.basename(folder) == ".git":
            self._unwatch(folder)  # it was empty when it was made, and is a repository now
        elif event.mask & Mask.ISDIR:
            self._folder(path, event.mask, noticed)
        elif event.mask & (Mask.CLOSE_WRITE | Mask.MOVED_TO):
            noticed.written.add(path)
            noticed.open.discard(path)
            noticed.gone.discard(path)
        elif event.mask & WRITES:
            noticed.open.add(path)
            noticed.gone.discard(path)
        else:
            noticed.gone.add(path)
            noticed.written.discard(path)
            noticed.open.discard(path)

    def _folder(self, path: str, mask: Mask, noticed: Noticed) -> None:
        if mask & (Mask.CREATE | Mask.MOVED_TO):
            noticed.gone_folders.discard(path)
            if is_watched(path):
                noticed.written.update(self.added(path))
        elif mask & (Mask.MOVED_FROM | Mask.DELETE):
            noticed.gone_folders.add(path)
            self._unwatch(path)

    def _unwatch(self, top: str) -> None:
        """A folder that left the tree keeps its watches: without this, what happens elsewhere would count as here."""
        for path in [path for path in self._watch_of if path == top or path.startswith(top + "/")]:
            number = self._watch_of.pop(path)
            self._path_of.pop(number, None)
            self._inotify.remove(number)

    def _forget(self, number: int, path: str) -> None:
        self._path_of.pop(number, None)
        if self._watch_of.get(path) == number:
            del self._watch_of[path]
