"""Bytes that are read forward, piece by piece: slices of a file, and what comes out of a decompressor."""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable
from typing import BinaryIO, Protocol

from yett.inventory.unpack.budget import MB, Broken, Budget

CHUNK = 1 << 16
MEMORY = 128 * MB
"""A dictionary may be that large: xz -9 and zstd --long=27 need less. A header that asks for more is refused."""

MOST_STREAMS = 20_000
"""One behind the other. Each costs a copy of what is read ahead, so millions of empty ones would take hours."""


class Bytes(Protocol):
    """`read` gives at most `size` bytes, maybe fewer, none at the end. Raises Broken or Exhausted."""

    def read(self, size: int, /) -> bytes: ...


class Decoder(Protocol):
    """As in bz2 and lzma."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1, /) -> bytes: ...


class Deflate:
    """zlib in the shape of the other decoders. `window` as zlib has it: 31 for gzip, -15 for a zip's bare stream."""

    def __init__(self, window: int) -> None:
        self._inflate = zlib.decompressobj(window)

    @property
    def eof(self) -> bool:
        return self._inflate.eof

    @property
    def needs_input(self) -> bool:
        return not self._inflate.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._inflate.unused_data

    def decompress(self, data: bytes, max_length: int = -1, /) -> bytes:
        return self._inflate.decompress(self._inflate.unconsumed_tail + data, max_length)


class Inflated:
    """What a decoder makes of a source. `again` starts a stream that follows the first: gzip, bzip2 and xz allow it."""

    def __init__(self, source: Bytes, new: Callable[[], Decoder], again: bytes = b"", first: bytes = b"") -> None:
        self._source = source
        self._new = new
        self._again = again
        self._decoder = new()
        self._pending = first
        self._streams = 1

    def read(self, size: int, /) -> bytes:
        while True:
            if self._decoder.eof and not self._restarted():
                return b""
            data, self._pending = self._pending, b""
            if not data and self._decoder.needs_input:
                data = self._source.read(CHUNK)
            try:
                out = self._decoder.decompress(data, size)
            except (OSError, EOFError, ValueError, MemoryError, lzma.LZMAError, zlib.error) as error:
                raise Broken("its compressed data is broken") from error
            if out:
                return out
            if not data and not self._decoder.eof and self._decoder.needs_input:
                raise Broken("its compressed data is cut off")

    def _restarted(self) -> bool:
        rest = self._decoder.unused_data
        while self._again and len(rest) < len(self._again) and (more := self._source.read(CHUNK)):
            rest += more
        if not self._again or not rest.startswith(self._again):
            return False
        self._streams += 1
        if self._streams > MOST_STREAMS:
            raise Broken(f"holds more than {MOST_STREAMS} compressed streams: the rest was not read")
        self._decoder = self._new()
        self._pending = rest
        return True


class Part:
    """A part of a file, or all of it. Parts of one file may be read in turns."""

    def __init__(self, file: BinaryIO, start: int, size: int) -> None:
        self._file = file
        self._at = start
        self._end = start + size

    def read(self, size: int, /) -> bytes:
        wanted = min(size, self._end - self._at)
        if wanted <= 0:
            return b""
        try:
            self._file.seek(self._at)
            data = self._file.read(wanted)
        except (OSError, ValueError, OverflowError) as error:
            raise Broken("cannot be read") from error
        self._at += len(data)
        return data

    def skip(self, size: int) -> None:
        """Move on without reading."""
        self._at += size


class Counted:
    """A stream whose bytes are paid for."""

    def __init__(self, source: Bytes, budget: Budget) -> None:
        self._source = source
        self._budget = budget

    def read(self, size: int, /) -> bytes:
        data = self._source.read(size)
        self._budget.spend(len(data))
        return data

    def skip(self, size: int) -> bool:
        """Move on without reading, for nothing. False: only reading helps."""
        if isinstance(self._source, Part):
            self._source.skip(size)
            return True
        return False


class Joined:
    """Bytes that were read already, then the stream that they came from."""

    def __init__(self, first: bytes, source: Bytes) -> None:
        self._first = first
        self._source = source

    def read(self, size: int, /) -> bytes:
        if not self._first:
            return self._source.read(size)
        data, self._first = self._first[:size], self._first[size:]
        return data


def exactly(stream: Bytes, size: int) -> bytes:
    """That many bytes, fewer only at the end."""
    data = stream.read(size)
    while len(data) < size and (more := stream.read(size - len(data))):
        data += more
    return data


def decompressed(stream: Bytes, head: bytes) -> Bytes:
    """What a gzip, bzip2, xz, lzma or zstd stream holds. `head` are its first bytes, which `stream` still gives."""
    if head.startswith(b"\x1f\x8b"):
        return Inflated(stream, lambda: Deflate(31), b"\x1f\x8b")
    if head.startswith(b"BZh"):
        return Inflated(stream, bz2.BZ2Decompressor, b"BZh")
    if head.startswith(b"\xfd7zXZ\0"):
        return Inflated(stream, lambda: lzma.LZMADecompressor(memlimit=MEMORY), b"\xfd7zXZ\0")
    return zstd(stream)


class _Zstd:
    """zstandard's reader, with this package's errors."""

    def __init__(self, stream: Bytes) -> None:
        try:
            import zstandard  # only where there is such an archive: a scan before a commit must start at once
        except ImportError as error:
            raise Broken("compressed with zstd, which this Python cannot read") from error
        self._error = zstandard.ZstdError
        decompressor = zstandard.ZstdDecompressor(max_window_size=MEMORY)
        self._reader = decompressor.stream_reader(stream, read_across_frames=True)  # type: ignore[arg-type]  # only read()

    def read(self, size: int, /) -> bytes:
        try:
            return self._reader.read(size)
        except (self._error, MemoryError) as error:
            raise Broken("its compressed data is broken") from error


def zstd(stream: Bytes) -> Bytes:
    """Raises Broken: the library is not there."""
    return _Zstd(stream)
