"""Debian packages: an ar archive of three members, two of which are tars (deb(5))."""

from __future__ import annotations

from collections.abc import Iterator

from yett.inventory.unpack.budget import Broken
from yett.inventory.unpack.member import Member
from yett.inventory.unpack.streams import Bytes, exactly

_MAGIC = 8
_HEADER = 60


def deb_members(stream: Bytes) -> Iterator[Member]:
    """control.tar.* and data.tar.*, as parts of the package.

    Raises:
        Broken: the package ends in the middle.
    """
    exactly(stream, _MAGIC)
    while len(header := exactly(stream, _HEADER)) == _HEADER:
        digits = header[48:58].strip()
        if header[58:] != b"`\n" or not digits.isdigit():
            raise Broken("a header of the package is broken: the rest was not read")
        size = int(digits)
        body = _Body(stream, size)
        yield Member(header[:16].decode("ascii", "replace").strip().rstrip("/"), body, part=True)
        body.drain()
        exactly(stream, size % 2)


class _Body:
    def __init__(self, stream: Bytes, size: int) -> None:
        self._stream = stream
        self._left = size

    def read(self, size: int, /) -> bytes:
        data = self._stream.read(min(size, self._left)) if self._left else b""
        self._left -= len(data)
        return data

    def drain(self) -> None:
        while self.read(1 << 16):
            pass
