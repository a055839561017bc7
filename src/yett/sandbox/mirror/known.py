"""Whether a secret that goes out again will be known as one: what the next scan does not find, it leaves in clear."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath

from yett.inventory.engine import engine
from yett.inventory.formats import format_of
from yett.inventory.history.scan import LARGEST
from yett.inventory.look import Look
from yett.inventory.texts import is_binary

UNKNOWN = "a credential in it would not be known as one any more"
STAYS = "leave the file where it is, the name before its placeholder, and the placeholder as it stands"
"""What whoever edited it can do."""

_PASSED_OVER = frozenset(
    {"node_modules", "site-packages", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis"}
    | {".tox"}
)
"""Folders of which a scan of files reads only what is named as a place of credentials (`inventory/tree.py`)."""


def hides(path: str, before: bytes, after: bytes) -> bool:
    """Whether a value that a scan finds in a file stands in its new text, and is not found there."""
    known = {written for written in _values(path, before) if written in after}
    return bool(known) and bool(known - _values(path, after))


def hides_committed(path: str, before: Iterable[tuple[str, bytes]], after: bytes, secrets: set[bytes]) -> bool:
    """Whether one of these secrets is not found in a file of a commit, though it is in one of those before it.

    `before` are (path, text). What no place before it told is no worse off than it was.
    """
    lost = secrets - _committed(path, after)
    return bool(lost) and any(not lost.isdisjoint(_committed(*each)) for each in before)


def _values(path: str, text: bytes) -> set[bytes]:
    """What a scan finds, as it is written there."""
    found = Look(engine()).text(path, text, "file", lambda _unread: None, format_of(path))
    return {seen.encoded or seen.value for seen in found}


def _committed(path: str, text: bytes) -> set[bytes]:
    """What is found both in history and, once it is checked out, in the file."""
    return _values(path, text) if len(text) <= LARGEST and _is_read(path, text) else set()


def _is_read(path: str, text: bytes) -> bool:
    """Whether a scan of files opens it there: no pictures, and of others' packages little."""
    if is_binary(text) and format_of(path) is None:
        return False
    return _PASSED_OVER.isdisjoint(PurePosixPath(path).parts[:-1]) or format_of(path) is not None
