"""Where undos lie, as protocols: named blobs of one undo, then its manifest. A place knows nothing of their content."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol

MOST_MANIFEST_BYTES = 32 * 1024 * 1024
"""What is larger is none of ours, and is not read into memory."""


class Blob(Protocol):
    """One file being written."""

    def write(self, data: bytes) -> None: ...

    def finish(self) -> None:
        """Nothing more comes; flushed to the place's own disks when `Draft.settle` returns."""
        ...


class Draft(Protocol):
    """One undo being written. Nothing of it counts before `commit` returns."""

    def blob(self, name: str) -> Blob:
        """Begin a file that does not exist yet; one at a time."""
        ...

    def reach(self, name: str) -> str:
        """Make one finished blob readable before the rest; where it lies."""
        ...

    def settle(self) -> Mapping[str, str]:
        """Make every blob durable. Answers with where each lies, "" where its name says so."""
        ...

    def commit(self, manifest: bytes) -> None:
        """Put the manifest in place, atomically and durably."""
        ...

    def abort(self) -> None:
        """Remove what can be removed. Never raises for what cannot: it does not count."""
        ...


class Place(Protocol):
    """Raises KeepError wherever it cannot be used, KeepFull where there is no room."""

    @property
    def name(self) -> str:
        """For people and for the table: `folder:/home/ada/.local/state/yett/keep`, `s3:bucket/prefix`."""
        ...

    @property
    def gaps(self) -> tuple[str, ...]:
        """Sentences: what this place does not protect from."""
        ...

    def draft(self, undo: str, until_ns: int) -> Draft:
        """Begin an undo that is kept until then (nanoseconds since the epoch)."""
        ...

    def manifests(self, undo: str) -> Iterator[bytes]:
        """Each manifest that lies there under this id, the oldest first; none if there is no such undo. What is
        larger than a manifest can be is left out."""
        ...

    def read(self, undo: str, name: str, at: str) -> Iterator[bytes]:
        """The bytes of a blob, in pieces. Raises Damaged: it is not there."""
        ...

    def undos(self) -> Iterator[str]:
        """Ids of the undos that have a manifest."""
        ...

    def extend(self, undo: str, until_ns: int) -> None:
        """Keep it longer, where the place itself would let it go."""
        ...

    def remove(self, undo: str) -> None:
        """Its manifest first. Not an error if it is gone already."""
        ...

    def sweep(self) -> int:
        """Remove what a writer that died has left; how many undos. Never one that is being written."""
        ...
