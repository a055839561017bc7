"""Write one undo: files in chunks, each compressed, sealed and hashed; read back; then the manifest."""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import zstandard

from yett.broker.seal import Keys
from yett.model.canonical import Json
from yett.recovery.keep.budget import Budget
from yett.recovery.keep.errors import KeepError
from yett.recovery.keep.manifest import File, Manifest, UndoKey, encode
from yett.recovery.keep.opened import MAGIC, SALT_BYTES, Opened
from yett.recovery.keep.place import Blob, Draft, Place
from yett.recovery.keep.stream import Sealer

COMPRESSION_LEVEL = 1
MOST_FILES = 10_000


@dataclass(frozen=True, slots=True)
class Made:
    """An undo that counts: durable, read back, with its manifest. Sizes in bytes, times in nanoseconds."""

    id: str
    place: str
    task: str
    files: tuple[File, ...]
    size: int
    stored: int
    made: int
    expires: int


class Writing:
    """One file of an undo. Use it as a context manager."""

    def __init__(
        self,
        blob: Blob,
        head: bytes,
        key: bytes,
        count: Callable[[int], None],
        lock: threading.RLock,
        name: str,
    ) -> None:
        self._blob = blob
        self._count = count
        self._lock = lock
        self._compressor = zstandard.ZstdCompressor(level=COMPRESSION_LEVEL).compressobj()
        self._sealer = Sealer(key)
        self._hash = hashlib.sha256()
        self._name = name
        self.size = 0
        self.stored = 0
        self.closed = False
        self._store(head)

    def write(self, data: bytes) -> None:
        """Raises TooLarge, KeepFull, KeepError: the undo as a whole is then over."""
        with self._lock:
            if self.closed:
                raise KeepError(f"{self._name} is finished", "")
            self._hash.update(data)
            self.size += len(data)
            self._store(self._sealer.update(self._compressor.compress(data)))

    def close(self) -> None:
        with self._lock:
            if self.closed:
                return
            self.closed = True
            self._store(self._sealer.update(self._compressor.flush()) + self._sealer.finish())
            self._blob.finish()

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    def _store(self, data: bytes) -> None:
        if data:
            self._count(len(data))
            self.stored += len(data)
            self._blob.write(data)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if kind is None:
            self.close()


class Making:
    """An undo being made. Leaving it without `finish` removes it; so does any error on the way.

    Thread-safe: `abort` waits for a write that is under way, and what is written after it is refused.
    """

    def __init__(self, place: Place, keys: Keys, budget: Budget, undo: str, task: str, made: int, expires: int) -> None:
        self._place = place
        self._keys = keys
        self._budget = budget
        self._key = UndoKey.new(undo)
        self._files: dict[str, tuple[str, Writing]] = {}
        self._lock = threading.RLock()
        self._over = False
        self._finished = False
        self.id = undo
        self.task = task
        self.stored = 0
        self._made = made
        self._expires = expires
        self._draft: Draft = place.draft(undo, expires)

    def file(self, name: str) -> Writing:
        """Begin the file of that name: any text, once. One file is written at a time."""
        with self._lock:
            if self._over or name in self._files or len(self._files) == MOST_FILES:
                raise KeepError(f"undo {self.id} takes no further file {name!r}", "")
            if self._is_writing:
                raise KeepError(f"undo {self.id} takes one file at a time", "")
            blob, salt = f"{len(self._files):05d}", os.urandom(SALT_BYTES)
            key = self._key.of_file(salt, blob, name)
            writing = Writing(self._draft.blob(blob), MAGIC + salt, key, self._take, self._lock, name)
            self._files[name] = (blob, writing)
            return writing

    def read(self, name: str) -> Iterator[bytes]:
        """Read a finished file back before the undo is. Raises KeepError, Damaged.

        In a bucket this completes its upload: it is locked from then on, whether the undo is ever finished or not.
        """
        with self._lock:
            blob, writing = self._files.get(name, ("", None))
            if self._over or writing is None or not writing.closed:
                raise KeepError(f"undo {self.id} has no finished file {name!r}", "")
            file = _entry(name, blob, self._draft.reach(blob), writing)
        return self._opened((file,), {}).read(name)

    def finish(self, about: Mapping[str, Json]) -> Made:
        """Flush, read everything back, and let it count. `about` lies sealed in the manifest.

        Raises:
            KeepError: it could not be made durable, or did not read back. Nothing counts then.
        """
        with self._lock:
            if self._over or self._is_writing:
                raise KeepError(f"undo {self.id} is over, or has a file that is not finished", "")
            try:
                at = self._draft.settle()
                files = tuple(_entry(name, blob, at[blob], writing) for name, (blob, writing) in self._files.items())
                opened = self._opened(files, about)
                opened.check()
                self._draft.commit(encode(opened.manifest, self._key, self._keys))
            except BaseException:
                self.abort()
                raise
            self._over = self._finished = True
        size = sum(file.size for file in files)
        return Made(self.id, self._place.name, self.task, files, size, self.stored, self._made, self._expires)

    def abort(self) -> None:
        """Remove it, unless it counts already."""
        with self._lock:
            if self._over:
                return
            self._over = True
            for _, writing in self._files.values():
                writing.closed = True
            self._draft.abort()
            self._budget.give_back(self.task, self.stored)

    def withdraw(self) -> None:
        """Remove it also if it counts already, where the place lets it go; else it stays, unknown, until its time."""
        with self._lock:
            if not self._over:
                self.abort()
            elif self._finished:
                self._finished = False
                with contextlib.suppress(KeepError):
                    self._place.remove(self.id)
                self._budget.give_back(self.task, self.stored)

    @property
    def _is_writing(self) -> bool:
        return any(not writing.closed for _, writing in self._files.values())

    def _opened(self, files: tuple[File, ...], about: Mapping[str, Json]) -> Opened:
        return Opened(self._place, Manifest(self.id, self._made, self._expires, about, files), self._key)

    def _take(self, count: int) -> None:
        self._budget.take(self.task, self.stored, count)
        self.stored += count

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.abort()


def _entry(name: str, blob: str, at: str, writing: Writing) -> File:
    return File(name, blob, at, writing.size, writing.stored, writing.sha256)
