"""Content codings of request bodies (RFC 9110, 8.4.1), decoded up to a size: a bomb is refused, not unpacked."""

from __future__ import annotations

import zlib

import brotli  # type: ignore[import-untyped]  # the wheel has no stubs
import zstandard

from yett.model.errors import Unreadable
from yett.model.http import HttpRequest

MAX_DECODED = 32 << 20
_ZSTD_WINDOW = 8 << 20
_ZSTD_STEP = 64
"""Bytes fed to zstd at once: its binding has no output limit, so the input is what bounds a step."""


def payload(request: HttpRequest, limit: int = MAX_DECODED) -> bytes:
    """The request's body without its content coding.

    Raises:
        Unreadable: it streams, is larger than `limit`, or is not in the coding that it names.
    """
    if request.body is None:
        raise Unreadable("The body is too large to read", "Send a smaller one.")
    coding = single(request, "content-encoding").strip().lower()
    plain = coding in ("", "identity") or not request.body
    data = request.body if plain else _decode(coding, request.body, limit)
    if len(data) > limit:
        raise Unreadable(f"The body is larger than {limit} bytes", "Send a smaller one.")
    return data


def single(request: HttpRequest, name: str) -> str:
    """The one value of a header, "" if absent. Raises Unreadable: it occurs twice."""
    try:
        return request.header(name) or ""
    except ValueError as error:
        raise Unreadable(f"The {error}", "Send it once.") from None


def _decode(coding: str, data: bytes, limit: int) -> bytes:
    try:
        match coding:
            case "gzip" | "x-gzip":
                return _inflate(data, 16 + zlib.MAX_WBITS, limit)
            case "deflate":
                return _inflate(data, zlib.MAX_WBITS, limit)
            case "br":
                return _brotli(data, limit)
            case "zstd":
                return _zstd(data, limit)
    except (zlib.error, brotli.error, zstandard.ZstdError, ValueError):
        raise Unreadable(f"The body is not whole {coding}", "Send it without a content coding.") from None
    raise Unreadable("The content coding is not gzip, deflate, br or zstd", "Send the body without a content coding.")


def _inflate(data: bytes, window: int, limit: int) -> bytes:
    machine = zlib.decompressobj(window)
    out = machine.decompress(data, limit + 1)
    if len(out) <= limit and (not machine.eof or machine.unused_data):
        raise ValueError("it ends early, or something follows")
    return out


def _brotli(data: bytes, limit: int) -> bytes:
    machine = brotli.Decompressor()
    out = bytes(machine.process(data, output_buffer_limit=limit + 1))
    if len(out) <= limit and not machine.is_finished():
        raise ValueError("it ends early, or something follows")
    return out


def _zstd(data: bytes, limit: int) -> bytes:
    machine = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW).decompressobj()
    pieces, size = [], 0
    for at in range(0, len(data), _ZSTD_STEP):
        pieces.append(machine.decompress(data[at : at + _ZSTD_STEP]))
        size += len(pieces[-1])
        if size > limit:
            return b"".join(pieces)
    if not machine.eof or machine.unused_data:
        raise ValueError("it ends early, or something follows")
    return b"".join(pieces)
