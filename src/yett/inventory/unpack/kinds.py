"""What a file is, by its first bytes: names lie, and half of the zip files of this world are not called so."""

from __future__ import annotations

import re
from enum import Enum

HEAD = 512
"""So many first bytes are enough: a tar's first header."""

Kind = Enum("Kind", "ZIP TAR STREAM DEB DATABASE NOTEBOOK SEVEN_ZIP RAR RPM")

_MAGIC: tuple[tuple[bytes, Kind], ...] = (
    (b"PK\x03\x04", Kind.ZIP),
    (b"PK\x05\x06", Kind.ZIP),
    (b"PK\x07\x08PK\x03\x04", Kind.ZIP),
    (b"\x1f\x8b\x08", Kind.STREAM),
    (b"\xfd7zXZ\0", Kind.STREAM),
    (b"\x28\xb5\x2f\xfd", Kind.STREAM),
    (b"SQLite format 3\0", Kind.DATABASE),
    (b"7z\xbc\xaf\x27\x1c", Kind.SEVEN_ZIP),
    (b"Rar!\x1a\x07", Kind.RAR),
    (b"\xed\xab\xee\xdb", Kind.RPM),
    (b"!<arch>\ndebian-binary", Kind.DEB),
)
_BZIP2 = re.compile(rb"BZh[1-9](?:1AY&SY|\x17rE8P\x90)")
_SKIPPABLE_FRAME = re.compile(rb"[\x50-\x5f]\x2a\x4d\x18", re.DOTALL)
_FIRST_BYTES = frozenset(magic[0] for magic, _ in _MAGIC) | {ord("B"), *range(0x50, 0x60)}


def is_container(name: str, head: bytes) -> bool:
    """Whether `texts_of` has anything to say about a file with this name and these first HEAD bytes."""
    return kind_of(name, head) is not None


def kind_of(name: str, head: bytes) -> Kind | None:
    """None: a plain file."""
    if not head:
        return None
    if head[0] in _FIRST_BYTES:
        for magic, kind in _MAGIC:
            if head.startswith(magic):
                return kind
        if _BZIP2.match(head) or _SKIPPABLE_FRAME.match(head):
            return Kind.STREAM
    if head[257:262] == b"ustar":
        return Kind.TAR
    if name.endswith(".tar") and has_checksum(head[:HEAD]):
        return Kind.TAR
    return Kind.NOTEBOOK if name.endswith(".ipynb") and head.lstrip()[:1] == b"{" else None


def has_checksum(header: bytes) -> bool:
    """Whether these 512 bytes are a tar header (POSIX ustar: the sum of its bytes, the sum's own field as blanks)."""
    if len(header) < 512:
        return False
    said = header[148:156].strip(b" \0")
    if not said or any(digit not in b"01234567" for digit in said):
        return False
    return int(said, 8) in (sum(header) - sum(header[148:156]) + 8 * 32, _signed(header))


def _signed(header: bytes) -> int:
    """Some old tars added signed characters."""
    body = header[:148] + b" " * 8 + header[156:]
    return sum(body) - 256 * sum(1 for byte in body if byte > 127)
