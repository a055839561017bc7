"""Zip archives by their own directory (PKWARE APPNOTE 6.3): read piece by piece, so that a lie in it costs nothing.

The standard library's reader takes the whole directory into memory, and lets bzip2 and LZMA members unpack without a
bound on one step.
"""

from __future__ import annotations

import bz2
import lzma
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from yett.inventory.unpack.budget import Broken, Budget
from yett.inventory.unpack.member import Member
from yett.inventory.unpack.streams import MEMORY, Bytes, Counted, Deflate, Inflated, Joined, Part, decompressed, exactly

_END = struct.Struct("<4s4H2LH")
_END64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR = struct.Struct("<4sLQL")
_ENTRY = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_FULL = 0xFFFFFFFF
_ENCRYPTED = 1 | 1 << 6 | 1 << 13
_UTF8 = 1 << 11


@dataclass(frozen=True, slots=True)
class _Entry:
    name: str
    method: int
    encrypted: bool
    packed: int
    size: int
    at: int


class Encrypted(Broken):
    """A member that only a password opens."""


def zip_members(file: BinaryIO, budget: Budget) -> Iterator[Member]:
    """Every file in the archive. A member that cannot be opened says so when it is read.

    Raises:
        Broken: there is no directory, or it ends in the middle.
    """
    for entry in _entries(file):
        if not entry.name.endswith("/"):
            yield Member(entry.name, _Opened(file, entry, budget))


class _Opened:
    """A member that is opened when the first byte is asked for."""

    def __init__(self, file: BinaryIO, entry: _Entry, budget: Budget) -> None:
        self._file = file
        self._entry = entry
        self._budget = budget
        self._stream: Bytes | None = None

    def read(self, size: int, /) -> bytes:
        if self._stream is None:
            self._stream = Counted(_plain(self._file, self._entry), self._budget)
        return self._stream.read(size)


def _plain(file: BinaryIO, entry: _Entry) -> Bytes:
    if entry.encrypted:
        raise Encrypted("encrypted")
    header = exactly(Part(file, entry.at, _LOCAL.size), _LOCAL.size)
    if len(header) < _LOCAL.size or not header.startswith(b"PK\x03\x04"):
        raise Broken("it is not where the archive's directory says")
    *_, name, extra = _LOCAL.unpack(header)
    packed = Part(file, entry.at + _LOCAL.size + name + extra, entry.packed)
    match entry.method:
        case 0:
            return packed
        case 8:
            return Inflated(packed, lambda: Deflate(-15))
        case 12:
            return Inflated(packed, bz2.BZ2Decompressor)
        case 14:
            return _lzma(packed, entry.size)
        case 93 | 95:
            head = exactly(packed, 8)
            return decompressed(Joined(head, packed), head)
    raise Broken(f"compressed by method {entry.method}, which is not read here")


def _lzma(packed: Part, size: int) -> Bytes:
    """APPNOTE 5.8.8: version, size of the properties, properties. With a size behind them they are a .lzma header."""
    head = exactly(packed, 9)
    if head[2:4] != b"\x05\x00" or len(head) < 9:
        raise Broken("its compressed data is broken")
    start = head[4:] + struct.pack("<Q", size)
    return Inflated(packed, lambda: lzma.LZMADecompressor(lzma.FORMAT_ALONE, memlimit=MEMORY), first=start)


def _entries(file: BinaryIO) -> Iterator[_Entry]:
    start, size, prefix = _directory(file)
    directory = Part(file, start, size)
    while len(fixed := exactly(directory, _ENTRY.size)) == _ENTRY.size:
        magic, _, _, flags, method, _, _, _, packed, plain, named, extra, comment, _, _, _, at = _ENTRY.unpack(fixed)
        if magic != b"PK\x01\x02":
            raise Broken("the archive's directory is broken")
        raw, more = exactly(directory, named), exactly(directory, extra)
        directory.skip(comment)
        plain, packed, at = _large(more, plain, packed, at)
        name = raw.decode("utf-8" if flags & _UTF8 else "cp437", "replace")
        yield _Entry(name, method, bool(flags & _ENCRYPTED) or method == 99, packed, plain, at + prefix)
    if fixed:
        raise Broken("the archive's directory is cut off")


def _large(extra: bytes, *fields: int) -> list[int]:
    """Fields that do not fit into 32 bits stand in the extra field 1, in this order (APPNOTE 4.5.3)."""
    wide = b""
    at = 0
    while at + 4 <= len(extra):
        kind, size = struct.unpack_from("<HH", extra, at)
        if kind == 1:
            wide = extra[at + 4 : at + 4 + size]
        at += 4 + size
    found = []
    for field in fields:
        if field == _FULL and len(wide) >= 8:
            field, wide = int.from_bytes(wide[:8], "little"), wide[8:]
        found.append(field)
    return found


def _directory(file: BinaryIO) -> tuple[int, int, int]:
    """(start, size, bytes before the archive): a program that unpacks itself stands before it."""
    end = file.seek(0, 2)
    tail_at = max(0, end - _END.size - 65535)
    tail = exactly(Part(file, tail_at, end - tail_at), end - tail_at)
    found = tail.rfind(b"PK\x05\x06")
    if found < 0 or len(tail) - found < _END.size:
        raise Broken("the archive's directory is missing: it is cut off")
    _, _, _, _, _, size, offset, _ = _END.unpack_from(tail, found)
    at = tail_at + found
    if _FULL in (size, offset):
        at, size, offset = _directory64(file, at, size, offset)
    start = at - size
    if start < 0 or offset > start:
        raise Broken("the archive's directory is broken")
    return start, size, start - offset


def _directory64(file: BinaryIO, at: int, size: int, offset: int) -> tuple[int, int, int]:
    located = at - _LOCATOR.size
    locator = exactly(Part(file, located, _LOCATOR.size), _LOCATOR.size) if located >= 0 else b""
    if len(locator) < _LOCATOR.size or not locator.startswith(b"PK\x06\x07"):
        return at, size, offset
    record_at = located - _END64.size
    record = exactly(Part(file, record_at, _END64.size), _END64.size) if record_at >= 0 else b""
    if len(record) < _END64.size or not record.startswith(b"PK\x06\x06"):
        raise Broken("the archive's directory is broken")
    *_, size, offset = _END64.unpack(record)
    return record_at, size, offset
