"""Write one undo: files in chunks, each compressed, sealed and hashed; read back; then the manifest."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
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
    """One file of an undo. Use it as a context manager; not from two threads at once."""

    def __init__(self, blob: Blob, head: bytes, key: bytes, count: Callable[[int], None], name: str) -> None:
        self._blob = blob
        self._count = count
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
        if self.closed:
            raise KeepError(f"{self._name} is finished", "")
        self._hash.update(data)
        self.size += len(data)
        self._store(self._sealer.update(self._compressor.compress(data)))

    def close(self) -> None:
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
    """An undo being made. Leaving it without `finish` removes it; so does any error on the way."""

    def __init__(self, place: Place, keys: Keys, budget: Budget, undo: str, task: str, made: int, expires: int) -> None:
        self._place = place
        self._keys = keys
        self._budget = budget
        self._key = UndoKey.new(undo)
        self._files: dict[str, tuple[str, Writing]] = {}
        self._over = False
        self.id = undo
        self.task = task
        self.stored = 0
        self._made = made
        self._expires = expires
        self._draft: Draft = place.draft(undo, expires)

    def file(self, name: str) -> Writing:
        """Begin the file of that name: any text, once. One file is written at a time."""
        if self._over or name in self._files or len(self._files) == MOST_FILES:
            raise KeepError(f"undo {self.id} takes no further file {name!r}", "")
        if any(not writing.closed for _, writing in self._files.values()):
            raise KeepError(f"undo {self.id} takes one file at a time", "")
        blob, salt = f"{len(self._files):05d}", os.urandom(SALT_BYTES)
        key = self._key.of_file(salt, blob, name)
        writing = Writing(self._draft.blob(blob), MAGIC + salt, key, self._take, name)
        self._files[name] = (blob, writing)
        return writing

    def finish(self, about: Mapping[str, Json]) -> Made:
        """Flush, read everything back, and let it count. `about` lies sealed in the manifest.

        Raises:
            KeepError: it could not be made durable, or did not read back. Nothing counts then.
        """
        if self._over or any(not writing.closed for _, writing in self._files.values()):
            raise KeepError(f"undo {self.id} is over, or has a file that is not finished", "")
        try:
            at = self._draft.settle()
            files = tuple(
                File(name, blob, at[blob], writing.size, writing.stored, writing.sha256)
                for name, (blob, writing) in self._files.items()
            )
            manifest = Manifest(self.id, self._made, self._expires, about, files)
            Opened(self._place, manifest, self._key).check()
            self._draft.commit(encode(manifest, self._key, self._keys))
        except BaseException:
            self.abort()
            raise
        self._over = True
        size = sum(file.size for file in files)
        return Made(self.id, self._place.name, self.task, files, size, self.stored, self._made, self._expires)

    def abort(self) -> None:
        """Remove it, unless it counts already."""
        if self._over:
            return
        self._over = True
        self._draft.abort()
        self._budget.give_back(self.task, self.stored)

    def _take(self, count: int) -> None:
        self._budget.take(self.task, self.stored, count)
        self.stored += count

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.abort()
