"""Rows out of the server and into it, in PostgreSQL's binary COPY form (manual, COPY, "Binary Format").

Binary, because it is the stored value whatever DateStyle, IntervalStyle, extra_float_digits, bytea_output, TimeZone or
lc_monetary a session has.
"""

from __future__ import annotations

import contextlib
import hashlib
import struct
from collections.abc import AsyncGenerator, AsyncIterator, Iterable

import psycopg
from psycopg import sql
from psycopg.errors import error_from_result

from yett.model.errors import YettError
from yett.providers.postgres.guard.captured import Captured, File
from yett.providers.postgres.guard.effects import Unguardable
from yett.providers.postgres.guard.evaluated import with_the_databases_path
from yett.providers.postgres.guard.own import Connection, composed
from yett.providers.postgres.guard.sink import Sink, Source

HEADER = b"PGCOPY\n\xff\r\n\0" + struct.pack("!ii", 0, 0)
TRAILER = struct.pack("!h", -1)
PIECE = 1 << 18


class Outflow:
    """The result of one query on its way out. `rows` is the server's own count, once all pieces were taken."""

    def __init__(self, own: Connection, query: sql.Composable, limit: int) -> None:
        self._own = own
        self._statement = composed(sql.SQL("COPY ({}) TO STDOUT (FORMAT binary)").format(query))
        self._limit = limit
        self.rows = -1

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        """Of about 256 KiB. Raises Unguardable past the limit of bytes."""
        total, piece = 0, bytearray()
        async with self._own.cursor() as cursor, cursor.copy(self._statement) as copy:
            # The server sends a message a row. libpq hands over those that have arrived without a turn of the event
            # loop, several times faster than psycopg's own `read`; that one waits, and ends the COPY.
            data = bytes(await copy.read())
            while data:
                piece += data
                if len(piece) >= PIECE:
                    total += len(piece)
                    _within(total, self._limit)
                    yield bytes(piece)
                    piece = bytearray()
                data = b"" if data.endswith(TRAILER) else self._arrived()
                data = data or bytes(await copy.read())
            self.rows = cursor.rowcount
        yield bytes(piece)

    def _arrived(self) -> bytes:
        """The next row if it is here already, else nothing. Raises psycopg.Error if the server broke off."""
        size, data = self._own.pgconn.get_copy_data(1)
        if size < 0:
            failed = self._own.pgconn.get_result()
            while self._own.pgconn.get_result():
                pass
            raise error_from_result(failed) if failed else psycopg.OperationalError("the server broke off")
        return bytes(data)


async def keep(sink: Sink, name: str, pieces: AsyncGenerator[bytes, None]) -> File:
    """Write a file of the undo; durable when this returns."""
    digest, size = hashlib.sha256(), 0
    async with contextlib.aclosing(pieces), sink.file(name) as file:
        async for piece in pieces:
            digest.update(piece)
            size += len(piece)
            await file.write(piece)
    return File(name, size, digest.hexdigest())


async def checked(source: Source, file: File) -> AsyncIterator[bytes]:
    """Read a file of the undo; raises YettError at its end if it is not what was written."""
    digest, size = hashlib.sha256(), 0
    async for piece in source.read(file.name):
        digest.update(piece)
        size += len(piece)
        yield piece
    if (size, digest.hexdigest()) != (file.size, file.sha256):
        raise YettError(f"the undo's file {file.name} is not what was written: it was changed or cut off")


async def into(own: Connection, table: sql.Composable, pieces: AsyncIterator[bytes]) -> int:
    """Load binary COPY into `table` and answer how many rows; an error of `pieces` ends it without a row."""
    statement = sql.SQL("COPY {} FROM STDIN (FORMAT binary)").format(table)
    async with with_the_databases_path(own), own.cursor() as cursor:
        async with cursor.copy(statement) as copy:
            async for piece in pieces:
                await copy.write(piece)
        return cursor.rowcount


async def kept_into(own: Connection, table: sql.Composable, captured: Captured, name: str) -> int:
    """Load a file of an undo into `table`; raises YettError if it is not what was written."""
    if captured.source is None:
        raise YettError("the undo's files cannot be read from where they were written")
    file = next((file for file in captured.files if file.name == name), File(name, 0, ""))
    return await into(own, table, checked(captured.source, file))


async def from_records(records: Iterable[str]) -> AsyncGenerator[bytes, None]:
    """Binary COPY from records in hex as `record_send` gives them: a count of four bytes, and a type in each field."""
    piece = bytearray(HEADER)
    for record in records:
        data = bytes.fromhex(record)
        (fields,) = struct.unpack_from("!i", data)
        row, at = [struct.pack("!h", fields)], 4
        for _ in range(fields):
            (length,) = struct.unpack_from("!i", data, at + 4)
            end = at + 8 + max(length, 0)
            row.append(data[at + 4 : end])
            at = end
        piece += b"".join(row)
        if len(piece) >= PIECE:
            yield bytes(piece)
            piece = bytearray()
    yield bytes(piece) + TRAILER


async def single(data: bytes) -> AsyncGenerator[bytes, None]:
    """A file's bytes that are at hand."""
    yield data


def _within(total: int, limit: int) -> None:
    if total > limit:
        raise Unguardable(
            f"what it changes is more than {limit >> 20} MiB",
            "change less at a time, or have a snapshot of the whole database made first",
        )
