"""Messages that no client library sends, on a connection that one has opened."""

from __future__ import annotations

import os
import select
import struct
from typing import Any

import psycopg

SYNC = b"S\x00\x00\x00\x04"


def message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!I", 4 + len(body)) + body


def parse(name: str, sql: str) -> bytes:
    return message(b"P", name.encode() + b"\0" + sql.encode() + b"\0\0\0")


def bind(portal: str, name: str, *values: bytes, binary: bool = False) -> bytes:
    formats = struct.pack("!hh", 1, 1) if binary else struct.pack("!h", 0)
    bound = b"".join(struct.pack("!I", len(value)) + value for value in values)
    return message(
        b"B",
        portal.encode() + b"\0" + name.encode() + b"\0" + formats + struct.pack("!h", len(values)) + bound + b"\0\0",
    )


def execute(portal: str) -> bytes:
    return message(b"E", portal.encode() + b"\0\0\0\0\0")


def exchange(connection: psycopg.Connection[Any], messages: bytes, seconds: float = 15) -> bytes:
    """Send them past libpq; everything up to as many ReadyForQuery as there are Syncs and Queries, or the end."""
    descriptor = connection.pgconn.socket
    while messages:
        _, ready, _ = select.select([], [descriptor], [], seconds)
        assert ready
        messages = messages[os.write(descriptor, messages) :]
    answer = b""
    while not _is_ready(answer):
        ready, _, _ = select.select([descriptor], [], [], seconds)
        assert ready, answer
        piece = os.read(descriptor, 65536)
        if not piece:
            break
        answer += piece
    return answer


def _is_ready(answer: bytes) -> bool:
    return len(answer) >= 6 and answer[-6:-1] == b"Z\x00\x00\x00\x05"
