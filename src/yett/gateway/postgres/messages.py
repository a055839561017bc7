"""The protocol's message types and numbers (PostgreSQL 18, 54.7 "Message Formats"; `src/include/libpq/protocol.h`)."""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct
from typing import Final, cast

HEAD: Final = cast("Callable[[bytes | bytearray, int], tuple[int, int]]", Struct(">BI").unpack_from)
"""A message's type and length. Its type is said for the compiled parser, which compares numbers that it knows to be."""
INT: Final = Struct(">I")
SHORT: Final = Struct(">H")

# What a client sends.
BIND: Final = 0x42  # B
CLOSE: Final = 0x43  # C
DESCRIBE: Final = 0x44  # D
EXECUTE: Final = 0x45  # E
FUNCTION_CALL: Final = 0x46  # F
FLUSH: Final = 0x48  # H
PARSE: Final = 0x50  # P
QUERY: Final = 0x51  # Q
SYNC: Final = 0x53  # S
TERMINATE: Final = 0x58  # X
PASSWORD: Final = 0x70  # p

# Both ways.
COPY_DATA: Final = 0x64  # d
COPY_DONE: Final = 0x63  # c
COPY_FAIL: Final = 0x66  # f

# What a server sends.
AUTHENTICATION: Final = 0x52  # R
BACKEND_KEY: Final = 0x4B  # K
BIND_COMPLETE: Final = 0x32  # 2
CLOSE_COMPLETE: Final = 0x33  # 3
COMMAND_COMPLETE: Final = 0x43  # C
COPY_BOTH: Final = 0x57  # W
COPY_IN: Final = 0x47  # G
DATA_ROW: Final = 0x44  # D
ERROR: Final = 0x45  # E
NEGOTIATE: Final = 0x76  # v
NOTICE: Final = 0x4E  # N
NOTIFICATION: Final = 0x41  # A
PARAMETER_STATUS: Final = 0x53  # S
PARSE_COMPLETE: Final = 0x31  # 1
READY: Final = 0x5A  # Z
ROW_DESCRIPTION: Final = 0x54  # T

IDLE: Final = 0x49  # I
IN_TRANSACTION: Final = 0x54  # T
FAILED: Final = 0x45  # E

PROTOCOL_3_0: Final = 3 << 16
PROTOCOL_3_2: Final = 3 << 16 | 2
CANCEL_REQUEST: Final = 80877102
SSL_REQUEST: Final = 80877103
GSSENC_REQUEST: Final = 80877104

FLUSH_MESSAGE: Final = b"H\0\0\0\4"
SYNC_MESSAGE: Final = b"S\0\0\0\4"
TERMINATE_MESSAGE: Final = b"X\0\0\0\4"


class Binary(bytes):
    """A parameter that is bound in its type's binary form: the same bytes mean another value as text."""


def message(kind: int, body: bytes) -> bytes:
    """A whole message: type, length (which counts itself), body."""
    return bytes((kind,)) + INT.pack(len(body) + 4) + body


def query(sql: bytes) -> bytes:
    return message(QUERY, sql + b"\0")
