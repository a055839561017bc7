"""WebSocket frames from the agent (RFC 6455, 5): unmasked, watched for known secrets, sent on as they came. No I/O.

The upgrade itself was decided on as an unknown operation; extensions are not negotiated, so a payload is what it says.
"""

from __future__ import annotations

import struct

from yett.gateway.floors import Filter
from yett.gateway.http.framing import Malformed

MAX_FRAME = 16 << 20
_MASKED = 0x80
_RESERVED = 0x70


class Frames:
    """The agent's side of a connection that has switched protocols."""

    __slots__ = ("_held", "_left", "_mask", "_offset", "_watch")

    def __init__(self, watch: Filter) -> None:
        self._watch = watch
        self._held = b""
        self._left = 0
        self._mask = b""
        self._offset = 0

    def more(self, payload: bytes) -> bytes:
        """Look into the frames in `payload` and give it back. Raises CredentialRefused, Malformed."""
        at = 0
        while at < len(payload) or self._held:
            if self._left:
                piece = payload[at : at + self._left]
                at += len(piece)
                self._see(piece)
                if self._left:
                    break
                continue
            at = self._header(payload, at)
            if at < 0:
                break
        return payload

    def end(self) -> bytes:
        """Nothing is held back: a secret that spans frames was seen when its last byte came."""
        return b""

    def _see(self, piece: bytes) -> None:
        """Unmask: one XOR of two large integers."""
        size = len(piece)
        shift = self._offset % 4
        key = (self._mask[shift:] + self._mask[:shift]) * (size // 4 + 1)
        plain = int.from_bytes(piece, "big") ^ int.from_bytes(key[:size], "big")
        self._offset += size
        self._left -= size
        self._watch.feed(plain.to_bytes(size, "big"))

    def _header(self, payload: bytes, at: int) -> int:
        """Read a frame's header from the held bytes and `payload`; -1 if it is not complete."""
        known = self._held + payload[at : at + 14]
        size = header_size(known)
        if size < 0 or len(known) < size:
            self._held = known
            return -1
        taken = at + size - len(self._held)
        self._held = b""
        self._left = payload_size(known)
        self._mask = known[size - 4 : size]
        self._offset = 0
        return taken


def header_size(known: bytes) -> int:
    """How long the frame's header is, -1 if two bytes are not there yet. Raises Malformed."""
    if len(known) < 2:
        return -1
    if known[0] & _RESERVED or not known[1] & _MASKED:
        raise Malformed("A WebSocket frame is not masked, or uses an extension")
    return 6 + {126: 2, 127: 8}.get(known[1] & 0x7F, 0)


def payload_size(header: bytes) -> int:
    """The payload's length. Raises Malformed: a frame is too large."""
    short = header[1] & 0x7F
    size = short
    if short == 126:
        (size,) = struct.unpack("!H", header[2:4])
    elif short == 127:
        (size,) = struct.unpack("!Q", header[2:10])
    if size > MAX_FRAME:
        raise Malformed("A WebSocket frame is too large")
    return size
