"""Read an undo: all of it is checked before any of it is used, and again while it is used."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import IO, cast

import zstandard

from yett.model.canonical import Json
from yett.recovery.keep.errors import Damaged
from yett.recovery.keep.manifest import File, Manifest, UndoKey
from yett.recovery.keep.place import Place
from yett.recovery.keep.stream import Unsealer

MAGIC = b"yettundo\x01"
SALT_BYTES = 16
PIECE_BYTES = 1024 * 1024
"""The most that leaves the decompressor at once: a small file may hold gigabytes of zeros."""


class Opened:
    """An undo with its manifest and its key. From `Keep.open` it is checked."""

    def __init__(self, place: Place, manifest: Manifest, key: UndoKey) -> None:
        self._place = place
        self._key = key
        self.manifest = manifest
        self._files = {file.name: file for file in manifest.files}

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._files)

    @property
    def about(self) -> Mapping[str, Json]:
        return self.manifest.about

    def check(self) -> int:
        """Read every file to its end; how many bytes they hold. Raises Damaged."""
        return sum(len(piece) for name in self._files for piece in self.read(name))

    def read(self, name: str) -> Iterator[bytes]:
        """The file's bytes, in pieces of at most a mebibyte.

        Raises:
            Damaged: what lies there is not what was written. Raised before the piece that is wrong, and at the end if
                something is missing: whoever restores does so in one transaction.
        """
        file = self._files.get(name)
        if file is None:
            raise Damaged(f"undo {self.manifest.undo} has no file {name!r}", "yett undo show names what it holds")
        try:
            yield from self._plain(file)
        except (Damaged, zstandard.ZstdError) as error:
            raise Damaged(
                f"undo {self.manifest.undo}, {name}: {error}", "do not restore from it: use another undo"
            ) from None

    def _plain(self, file: File) -> Iterator[bytes]:
        sealed = _Sealed(self._place.read(self.manifest.undo, file.blob, file.at))
        if sealed.head(len(MAGIC)) != MAGIC:
            raise Damaged("it does not begin like a file of an undo")
        sealed.unseal_with(self._key.of_file(sealed.head(SALT_BYTES), file.blob, file.name))
        reader = zstandard.ZstdDecompressor().stream_reader(cast(IO[bytes], sealed))
        size, seen = 0, hashlib.sha256()
        while piece := reader.read(PIECE_BYTES):
            size += len(piece)
            if size > file.size:
                raise Damaged("it is longer than what was written")
            seen.update(piece)
            yield piece
        if sealed.read(1) or sealed.stored != file.stored or size != file.size or seen.hexdigest() != file.sha256:
            raise Damaged("it is not what was written")


class _Sealed:
    """The blob as a file that the decompressor reads from: authenticated bytes only."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._raw = b""
        self._plain = b""
        self._unsealer: Unsealer | None = None
        self._ended = False
        self.stored = 0

    def head(self, count: int) -> bytes:
        """The next bytes as they lie there, before anything is unsealed."""
        while len(self._raw) < count:
            try:
                self._raw += self._next()
            except StopIteration:
                raise Damaged("it is cut off") from None
        head, self._raw = self._raw[:count], self._raw[count:]
        return head

    def unseal_with(self, key: bytes) -> None:
        self._unsealer = Unsealer(key)
        self._plain = self._unsealer.update(self._raw)
        self._raw = b""

    def read(self, size: int = -1) -> bytes:
        assert self._unsealer is not None
        while not self._plain and not self._ended:
            try:
                self._plain = self._unsealer.update(self._next())
            except StopIteration:
                self._ended = True
                self._plain = self._unsealer.finish()
        taken = self._plain if size < 0 else self._plain[:size]
        self._plain = self._plain[len(taken) :]
        return taken

    def _next(self) -> bytes:
        piece = next(self._pieces)
        self.stored += len(piece)
        return piece
