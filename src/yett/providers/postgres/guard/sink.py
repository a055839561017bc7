"""Where an undo is written to, and read from again."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from yett.model.errors import YettError

CHUNK = 1 << 20


class Writing(Protocol):
    """One file that is being written."""

    async def write(self, data: bytes) -> None: ...


class Sink(Protocol):
    """Takes the files of one undo. A name is letters, digits, `.`, `-` and `_`, and is used once."""

    def file(self, name: str) -> AbstractAsyncContextManager[Writing]:
        """Open a file; leaving the block without an error returns once it is durable."""
        ...


@runtime_checkable
class Source(Protocol):
    """Gives the files of one undo back."""

    def read(self, name: str) -> AsyncIterator[bytes]:
        """The file's bytes, in pieces of any size. Raises YettError if it cannot be read."""
        ...


@dataclass(frozen=True, slots=True)
class DirectorySink:
    """A plain folder as Sink and Source: the files are flushed by fsync, and so is the folder."""

    folder: Path

    @contextlib.asynccontextmanager
    async def file(self, name: str) -> AsyncIterator[Writing]:
        descriptor = os.open(self.folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            yield _File(descriptor)
            await asyncio.to_thread(os.fsync, descriptor)
        finally:
            os.close(descriptor)
        await asyncio.to_thread(_flush_folder, self.folder)

    async def read(self, name: str) -> AsyncIterator[bytes]:
        try:
            with (self.folder / name).open("rb") as file:
                while chunk := await asyncio.to_thread(file.read, CHUNK):
                    yield chunk
        except OSError as error:
            raise YettError(f"the undo's file {name} cannot be read: {error.strerror}") from None


@dataclass(frozen=True, slots=True)
class _File:
    descriptor: int

    async def write(self, data: bytes) -> None:
        await asyncio.to_thread(_write_all, self.descriptor, data)


def _write_all(descriptor: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
