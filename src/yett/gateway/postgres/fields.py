"""What stands in a client's messages, field by field, and how long one of each type may be. Bytes in, values out."""

from __future__ import annotations

from struct import error as StructError

from yett.gateway.postgres.limits import WireLimits
from yett.gateway.postgres.messages import (
    BIND,
    CLOSE,
    COPY_DATA,
    COPY_DONE,
    COPY_FAIL,
    DESCRIBE,
    EXECUTE,
    FLUSH,
    FUNCTION_CALL,
    INT,
    PARSE,
    QUERY,
    SHORT,
    SYNC,
    TERMINATE,
    Binary,
)
from yett.operations.sql.parameters import with_declared

STATEMENT = 0x53  # "S", against "P" for a portal
KNOWN = frozenset((BIND, CLOSE, DESCRIBE, EXECUTE, FUNCTION_CALL, FLUSH, PARSE, QUERY, SYNC, TERMINATE))
COPY = frozenset((COPY_DATA, COPY_DONE, COPY_FAIL))
EMPTY = frozenset((FLUSH, SYNC, TERMINATE))
_TEXTS = frozenset((QUERY, PARSE))
_LONG = frozenset((BIND, FUNCTION_CALL))
OWN_PREFIX = b"_yett"
_LONGEST_NAME = 63


class Malformed(Exception):
    """Bytes that are not this protocol, or too many of them: the session ends."""


def check_size(kind: int, size: int, limits: WireLimits) -> int:
    """A message's length as it may be. Raises Malformed: no such type, or no such length."""
    if kind in _TEXTS:
        most = limits.statement
    elif kind in _LONG:
        most = limits.message
    elif kind == COPY_DATA:
        most = 0x7FFFFFFF
    elif kind in EMPTY:
        most = 4
    elif kind in KNOWN or kind in COPY:
        most = limits.small
    else:
        raise Malformed("an unknown message")
    if size > most:
        raise Malformed(f"a message of {size} bytes where at most {most} are taken")
    if size < _LEAST.get(kind, 4):
        raise Malformed(f"a message whose length says {size} bytes")
    return size


_LEAST = {QUERY: 5, PARSE: 8, BIND: 12, DESCRIBE: 6, CLOSE: 6, EXECUTE: 9, FUNCTION_CALL: 4}


def parse_fields(data: bytes, start: int, end: int) -> tuple[bytes, bytes, tuple[int, ...]]:
    """A Parse: name, text as it is to be read, the types that it declares for its parameters (0: the server's choice).

    Its length must be exactly what its fields say. Raises Malformed.
    """
    zero = data.find(0, start, end)
    stop = data.find(0, zero + 1, end)
    if zero < 0 or stop < 0 or stop + 3 > end:
        raise Malformed("a Parse without its fields")
    count = SHORT.unpack_from(data, stop + 1)[0]
    if stop + 3 + 4 * count != end:
        raise Malformed("a Parse whose length does not fit its fields")
    types = tuple(INT.unpack_from(data, stop + 3 + 4 * n)[0] for n in range(count)) if count else ()
    sql = data[zero + 1 : stop]
    return data[start:zero], with_declared(sql, types) if types else sql, types


def query_text(message: bytes) -> bytes:
    """A Query's text: one string and nothing behind it. Raises Malformed."""
    if message[-1] or message.find(0, 5) != len(message) - 1:
        raise Malformed("a Query that is not one string")
    return message[5:-1]


def bind_fields(message: bytes) -> tuple[bytes, bytes, tuple[bytes | None, ...]]:
    """A Bind: portal, statement, parameters as they stand. Raises Malformed."""
    try:
        zero = message.index(0, 5)
        stop = message.index(0, zero + 1)
        pos = stop + 1
        (formats,) = SHORT.unpack_from(message, pos)
        binary = [SHORT.unpack_from(message, pos + 2 + 2 * n)[0] != 0 for n in range(formats)]
        pos += 2 + 2 * formats
        (count,) = SHORT.unpack_from(message, pos)
        pos += 2
        if formats not in (0, 1, count):
            raise Malformed("a Bind with another number of formats than parameters")
        if formats < 2:
            binary = (binary or [False]) * count
        values: list[bytes | None] = []
        for n in range(count):
            (size,) = INT.unpack_from(message, pos)
            pos += 4
            if size == 0xFFFFFFFF:
                values.append(None)
                continue
            if size > len(message) - pos:
                raise Malformed("a Bind whose parameter is longer than itself")
            value = message[pos : pos + size]
            values.append(Binary(value) if binary[n] else value)
            pos += size
        (results,) = SHORT.unpack_from(message, pos)
    except (ValueError, IndexError, StructError) as error:
        raise Malformed("a Bind that ends too early") from error
    if pos + 2 + 2 * results != len(message):
        raise Malformed("a Bind whose length does not fit its fields")
    return message[5:zero], message[zero + 1 : stop], tuple(values)


def may_be_named(name: bytes) -> bool:
    """Whether a client may give a statement or portal this name.

    The server tells names apart by their first 63 bytes in its own encoding (dynahash.c, NAMEDATALEN): two that are
    longer, or two characters that are one there, would be the same statement to it and two to the wire.
    """
    return len(name) <= _LONGEST_NAME and name.isascii() and name[:5] != OWN_PREFIX


def named(message: bytes) -> tuple[int, bytes]:
    """A Describe or Close: "S" or "P", and the name. Raises Malformed."""
    if message[5] not in (STATEMENT, 0x50) or message.find(0, 6) != len(message) - 1:
        raise Malformed("a Describe or Close that names nothing")
    return message[5], message[6:-1]


def executed(message: bytes) -> bytes:
    """An Execute's portal. Raises Malformed."""
    if message.find(0, 5) != len(message) - 5:
        raise Malformed("an Execute whose length does not fit its fields")
    return message[5:-5]
