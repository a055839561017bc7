"""Content codings (RFC 9110, 8.4.1): decode what must be read, never more than was asked for."""

from __future__ import annotations

import zlib
from typing import Protocol

import brotli  # type: ignore[import-untyped]  # the wheel has no stubs
import zstandard

from yett.gateway.http.framing import Malformed


class TooLarge(Malformed):
    """The body is over the cap: a bomb, or more than the gate reads."""


class Decoder(Protocol):
    """One coding, fed in pieces. Raises Malformed; a piece that grows beyond `limit` bytes raises TooLarge."""

    def feed(self, data: bytes, limit: int) -> bytes: ...

    @property
    def finished(self) -> bool: ...


class _Zlib:
    def __init__(self, window: int) -> None:
        self._decompress = zlib.decompressobj(window)

    def feed(self, data: bytes, limit: int) -> bytes:
        try:
            out = self._decompress.decompress(data, limit + 1)
        except zlib.error as error:
            raise Malformed("The body is not in its content coding") from error
        if len(out) > limit or self._decompress.unconsumed_tail:
            raise TooLarge("The decoded body is too large")
        if self._decompress.unused_data:
            raise Malformed("Something follows the encoded body")
        return out

    @property
    def finished(self) -> bool:
        return self._decompress.eof


class _Brotli:
    def __init__(self) -> None:
        self._decompress = brotli.Decompressor()

    def feed(self, data: bytes, limit: int) -> bytes:
        try:
            out = self._decompress.process(data, output_buffer_limit=limit + 1)
        except brotli.error as error:
            raise Malformed("The body is not in its content coding") from error
        if len(out) > limit or not self._decompress.can_accept_more_data():
            raise TooLarge("The decoded body is too large")
        return bytes(out)

    @property
    def finished(self) -> bool:
        return bool(self._decompress.is_finished())


class _Zstd:
    """The binding has no output limit, so input goes in small steps and the window is capped (RFC 8878, 3.1.1.1.2)."""

    def __init__(self) -> None:
        self._decompress = zstandard.ZstdDecompressor(max_window_size=8 << 20).decompressobj()

    def feed(self, data: bytes, limit: int) -> bytes:
        out, size = [], 0
        for at in range(0, len(data), 64):
            try:
                piece = self._decompress.decompress(data[at : at + 64])
            except zstandard.ZstdError as error:
                raise Malformed("The body is not in its content coding") from error
            size += len(piece)
            if size > limit:
                raise TooLarge("The decoded body is too large")
            out.append(piece)
        if self._decompress.unused_data:
            raise Malformed("Something follows the encoded body")
        return b"".join(out)

    @property
    def finished(self) -> bool:
        return bool(self._decompress.eof)


def decoder(coding: str) -> Decoder | None:
    """The decoder of a Content-Encoding value, None for identity. Raises Malformed: unknown, or more than one."""
    match coding.strip().lower():
        case "" | "identity":
            return None
        case "gzip" | "x-gzip":
            return _Zlib(16 + zlib.MAX_WBITS)
        case "deflate":
            return _Zlib(zlib.MAX_WBITS)
        case "br":
            return _Brotli()
        case "zstd":
            return _Zstd()
    raise Malformed("The content coding is not gzip, deflate, br or zstd", "Send the body without a content coding.")


def decode(coding: str, body: bytes, limit: int) -> bytes:
    """Decode a whole body. Raises Malformed: truncated, followed by more, or not in the coding; TooLarge."""
    decompress = decoder(coding)
    if decompress is None:
        return body
    out = decompress.feed(body, limit)
    if not decompress.finished:
        raise Malformed("The encoded body ends early")
    return out
