"""What an HTTP/2-only client is told (RFC 9113): GOAWAY with HTTP_1_1_REQUIRED, and one line naming the switch."""

from __future__ import annotations

import struct

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

_LINE = (
    b"Yett speaks HTTP/1.1 only: use --http1.1 (curl), GODEBUG=http2client=0 (Go), or your client's HTTP/1.1 switch."
)
_SETTINGS, _GOAWAY, _HTTP_1_1_REQUIRED = 0x4, 0x7, 0xD


def http2_refusal() -> bytes:
    """An empty SETTINGS frame, then GOAWAY (RFC 9113, 3.4, 6.8)."""
    goodbye = struct.pack("!II", 0, _HTTP_1_1_REQUIRED) + _LINE
    return _frame(_SETTINGS, b"") + _frame(_GOAWAY, goodbye)


def _frame(kind: int, payload: bytes) -> bytes:
    return struct.pack("!I", len(payload))[1:] + struct.pack("!BBI", kind, 0, 0) + payload
