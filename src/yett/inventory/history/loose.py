"""Loose objects: a file each, zlib around "<type> <size>", a NUL, and the content (gitformat, "loose objects")."""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Iterator
from pathlib import Path

from yett.inventory.history.delta import Broken
from yett.inventory.history.regular import regular

_FOLDER = re.compile(r"[0-9a-f]{2}")
_NAME = re.compile(r"[0-9a-f]{38}")
_HEADER = re.compile(rb"(blob|commit|tag|tree) (\d{1,15})\0")
_LONGEST_HEADER = 32
_SLACK = 1 << 20
"""What zlib adds to bytes that it cannot make smaller."""


class TooLarge(Exception):
    """Not read: `size` bytes."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.size = size


def loose_ids(store: Path) -> Iterator[str]:
    """Ids of the loose objects of one folder of objects."""
    try:
        folders = [entry for entry in os.scandir(store) if _FOLDER.fullmatch(entry.name)]
    except OSError:
        return
    for folder in folders:
        try:
            names = os.listdir(folder.path)
        except OSError:
            continue
        yield from (folder.name + name for name in names if _NAME.fullmatch(name))


def read_loose(store: Path, oid: str, largest: int) -> tuple[str, bytes]:
    """Its type and content; of a tree, nothing.

    Raises:
        OSError, zlib.error, Broken: not a whole object.
        TooLarge: its content has more bytes than `largest`.
    """
    packed = regular(store / oid[:2] / oid[2:], largest + _SLACK)
    stream = zlib.decompressobj()
    start = stream.decompress(packed, _LONGEST_HEADER)
    header = _HEADER.match(start)
    if header is None:
        raise Broken("not a loose object")
    kind, size = header[1].decode(), int(header[2])
    if kind == "tree":
        return kind, b""
    if size > largest:
        raise TooLarge(size)
    begun = start[header.end() :]
    missing = size - len(begun)
    content = begun + (stream.decompress(stream.unconsumed_tail, missing + 1) if missing > 0 else b"")
    if len(content) != size:
        raise Broken("a loose object of another size than it says")
    return kind, content
