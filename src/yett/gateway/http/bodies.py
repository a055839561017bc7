"""Message bodies as state machines (RFC 9112, 6, 7.1): bytes in, payload out; once `done`, `rest` is what follows."""

from __future__ import annotations

import re
from typing import Protocol

from yett.gateway.http.framing import CHUNKED, UNTIL_CLOSE, Malformed, parse_trailer

MAX_LINE = 1024
MAX_TRAILERS = 8 * 1024

# Fifteen digits stay below 2^60; an extension is printable and dropped. No BWS before it: lenient parsers differ there.
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})(?:;[\t\x20-\x7e]*)?")


class Body(Protocol):
    """A body that arrives in pieces."""

    done: bool
    rest: bytes

    def feed(self, data: bytes) -> bytes: ...


class Sized:
    """A body of a known number of bytes."""

    __slots__ = ("_left", "done", "rest")

    def __init__(self, length: int) -> None:
        self._left = length
        self.done = length == 0
        self.rest = b""

    def feed(self, data: bytes) -> bytes:
        """Give the payload in `data`; what lies behind the end goes to `rest`."""
        size = len(data)
        if size < self._left:
            self._left -= size
            return data
        payload, self.rest = (data, b"") if size == self._left else (data[: self._left], data[self._left :])
        self._left = 0
        self.done = True
        return payload


class UntilClose:
    """A body that the end of the connection ends. `done` is set by the connection, not by bytes."""

    __slots__ = ("done", "rest")

    def __init__(self) -> None:
        self.done = False
        self.rest = b""

    def feed(self, data: bytes) -> bytes:
        """Everything is payload."""
        return data


class Chunked:
    """The chunked coding. Extensions are dropped, trailers checked and dropped. Raises Malformed."""

    __slots__ = ("_held", "_left", "_payload", "_step", "_trailers", "done", "rest")

    def __init__(self) -> None:
        self.done = False
        self.rest = b""
        self._held = b""
        self._left = 0
        self._trailers = 0
        self._payload: list[bytes] = []
        self._step = self._size

    def feed(self, data: bytes) -> bytes:
        """Give the payload that `data` completes."""
        buffer = self._held + data if self._held else data
        at = 0
        while not self.done:
            reached = self._step(buffer, at)
            if reached < 0:
                break
            at = reached
        if self.done:
            self.rest, self._held = buffer[at:], b""
        else:
            self._held = buffer[at:] if self._step != self._data else b""
        payload, self._payload = self._payload, []
        return payload[0] if len(payload) == 1 else b"".join(payload)

    def _size(self, buffer: bytes, at: int) -> int:
        end = _line_end(buffer, at)
        if end < 0:
            return -1
        match = _SIZE.fullmatch(buffer, at, end)
        if not match:
            raise Malformed("A chunk size is not a plain hexadecimal number")
        self._left = int(match[1], 16)
        self._step = self._data if self._left else self._trailer
        return end + 2

    def _data(self, buffer: bytes, at: int) -> int:
        piece = buffer[at : at + self._left]
        if piece:
            self._payload.append(piece)
            self._left -= len(piece)
        if self._left:
            return -1
        self._step = self._data_end
        return at + len(piece)

    def _data_end(self, buffer: bytes, at: int) -> int:
        ending = buffer[at : at + 2]
        if ending == b"\r\n":
            self._step = self._size
            return at + 2
        if not b"\r\n".startswith(ending):
            raise Malformed("A chunk is longer than its size")
        return -1

    def _trailer(self, buffer: bytes, at: int) -> int:
        end = _line_end(buffer, at)
        if end < 0:
            return -1
        self._trailers += end - at
        if self._trailers > MAX_TRAILERS:
            raise Malformed("The trailers are too long")
        if end == at:
            self.done = True
        else:
            parse_trailer(buffer[at:end])
        return end + 2


def body(length: int) -> Body:
    """The decoder for a framed length: a byte count, CHUNKED or UNTIL_CLOSE."""
    if length == CHUNKED:
        return Chunked()
    return UntilClose() if length == UNTIL_CLOSE else Sized(length)


def chunk(payload: bytes) -> bytes:
    """One chunk of our own; an empty payload gives nothing, because an empty chunk would end the body."""
    return b"%x\r\n%b\r\n" % (len(payload), payload) if payload else b""


LAST_CHUNK = b"0\r\n\r\n"


def _line_end(buffer: bytes, at: int) -> int:
    """Position of the CRLF that ends the line, -1 if it has not arrived."""
    end = buffer.find(b"\r\n", at, at + MAX_LINE)
    line_feed = buffer.find(b"\n", at, end if end >= 0 else at + MAX_LINE)
    if line_feed >= 0 or (end < 0 and len(buffer) - at >= MAX_LINE):
        raise Malformed("A line of the chunked coding does not end in CRLF")
    return end
