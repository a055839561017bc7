"""pg_dump and pg_restore as child processes: an archive out of a snapshot, and its parts as SQL."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from enum import Enum
from pathlib import Path

from psycopg.conninfo import make_conninfo

from yett.providers.postgres.binaries import binaries, major_version
from yett.providers.postgres.guard.effects import Unguardable
from yett.providers.postgres.guard.own import LOCK_TIMEOUT_MS, Connection

PIECE = 1 << 18
# pg_restore begins and ends its text with a line for psql that names a secret word (15.14, 18: CVE-2025-8714).
_RESTRICTED = re.compile(rb"^\\(un)?restrict [A-Za-z0-9]+$")

_ATTACHES = re.compile(rb"^\d+; \d+ \d+ (TABLE|INDEX) ATTACH ")
_VIEWS = re.compile(rb"^\d+; \d+ \d+ (VIEW|MATERIALIZED VIEW|ACL|COMMENT|DEFAULT) ")
_KEYS = re.compile(rb"^\d+; \d+ \d+ (CONSTRAINT|INDEX) ")
_REFERENCE = re.compile(rb"^\d+; \d+ (\d+) FK CONSTRAINT (\S+) (.*)$")
_BEFORE = "pre-data"
_SECTIONS = (_BEFORE, "post-data")
NOTHING: Mapping[int, str] = {}
_NEWER = b"SET transaction_timeout = 0;"
_NAME = rb'("(?:[^"]|"")+"|[^"\s.(]+)'
_COPY = re.compile(rb"^COPY " + _NAME + rb"\." + _NAME + rb" \(.*\) FROM stdin;\n$")


async def dump(own: Connection, snapshot: str, target: Path, selected: Sequence[str]) -> None:
    """Write an archive of what `selected` (options of pg_dump) names, as `snapshot` sees it.

    Raises:
        Unguardable: pg_dump failed or is older than the server. The password is in no message and no command line.
    """
    needed = own.info.server_version // 10000
    if major_version(binaries()) < needed:
        raise Unguardable(f"the server is PostgreSQL {needed}, and there is no pg_dump here that is as new")
    parameters = own.info.get_parameters() | {"dbname": own.info.dbname}
    for settled in ("options", "client_encoding", "application_name", "fallback_application_name"):
        parameters.pop(settled, None)
    await _run(
        "pg_dump",
        "--format=custom",
        "--compress=1",
        "--strict-names",
        f"--lock-wait-timeout={LOCK_TIMEOUT_MS}",
        f"--snapshot={snapshot}",
        f"--file={target}",
        f"--dbname={make_conninfo(**parameters)}",
        *selected,
        password=own.info.password,
    )


def of_table(schema: str, name: str) -> str:
    """The option of pg_dump for exactly this relation: in quotes, no character is a pattern."""
    quoted = ".".join('"' + part.replace('"', '""') + '"' for part in (schema, name))
    return f"--table={quoted}"


def without_table(schema: str, name: str) -> str:
    """The option for a relation that a schema is dumped without."""
    return of_table(schema, name).replace("--table=", "--exclude-table=", 1)


def of_schema(name: str) -> str:
    return '--schema="' + name.replace('"', '""') + '"'


class Part(Enum):
    """Of an archive's definitions."""

    BEFORE = "before the rows"
    VIEWS = "views, and what is said of all that comes before the rows"
    KEYS = "indexes, and what stands on them"
    ATTACHED = "partitions and their indexes become their parents'"
    BEHIND = "all else"


def in_order(*, views_apart: bool) -> list[frozenset[Part]]:
    """What is made before the rows, the views, and what is made behind the rows, step by step. `views_apart`: something
    has to be made before them that takes a table's row; else they stand where their archive has them."""
    tables, views = ({Part.BEFORE}, {Part.VIEWS}) if views_apart else ({Part.BEFORE, Part.VIEWS}, set[Part]())
    return [frozenset(parts) for parts in (tables, views, {Part.KEYS}, {Part.ATTACHED}, {Part.BEHIND})]


async def script(
    archive: Path, parts: Collection[Part], server_version: int, without: Mapping[int, str] = NOTHING
) -> bytes:
    """Some parts as SQL, in the archive's own order, `without` some foreign keys (oid and name), and without lines that
    only psql or a newer server understands.

    pg_dump attaches partitions before the rows. A parent that stands with its keys would give them to a partition then,
    beside which it cannot make its own: so they are attached once they have them, which makes those the parent's.
    """
    listed = await _listed(archive, parts, without)
    text = await _run("pg_restore", f"--use-list={listed}", "--file=-", str(archive), password="")
    lines = text.split(b"\n")
    marked = [number for number, line in enumerate(lines) if _RESTRICTED.match(line)]
    for number in (*marked[:1], *marked[-1:]):
        lines[number] = b""
    if server_version < 170000 and _NEWER in lines:
        lines.remove(_NEWER)
    return b"\n".join(lines)


async def _listed(archive: Path, parts: Collection[Part], without: Mapping[int, str]) -> Path:
    """A file beside the archive that names the parts' entries."""
    chosen: list[bytes] = []
    for section in _SECTIONS:
        entries = await _run("pg_restore", f"--section={section}", "--list", str(archive), password="")
        lines = entries.splitlines(keepends=True)
        left_out = [found for one in lines if (found := _REFERENCE.match(one)) and int(found[1]) in without]
        of_them = [_comment_on(found, without[int(found[1])]) for found in left_out]
        dropped = {found[0] for found in left_out}
        chosen += [
            one
            for one in lines
            if _part(one, section) in parts and one.rstrip() not in dropped and not any(each in one for each in of_them)
        ]
    path = archive.with_name(f"{archive.name}.listed")
    path.write_bytes(b"".join(chosen))
    return path


def _comment_on(reference: re.Match[bytes], name: str) -> bytes:
    """What stands in the entry of a foreign key's comment."""
    table = reference[3].rpartition(b" " + name.encode() + b" ")[0]
    return b" COMMENT " + reference[2] + b" CONSTRAINT " + name.encode() + b" ON " + table + b" "


def _part(entry: bytes, section: str) -> Part:
    if _ATTACHES.match(entry):
        return Part.ATTACHED
    if section == _BEFORE:
        return Part.VIEWS if _VIEWS.match(entry) else Part.BEFORE
    return Part.KEYS if _KEYS.match(entry) else Part.BEHIND


@contextlib.asynccontextmanager
async def data(archive: Path) -> AsyncIterator[AsyncIterator[bytes]]:
    """The data section of an archive, line by line."""
    process = await asyncio.create_subprocess_exec(
        binaries() / "pg_restore",
        "--section=data",
        "--file=-",
        str(archive),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=_environment(""),
    )
    if process.stdout is None:
        raise AssertionError("pg_restore was started with a pipe")
    try:
        yield _lines(process.stdout)
        if await process.wait():
            raise Unguardable("pg_restore cannot read the dump")
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


class Kind(Enum):
    """What a line of the data section is."""

    COPY = "a COPY statement, whose rows follow"
    ROW = "a row of it"
    END = "its end"
    SQL = "another statement"


async def read(lines: AsyncIterator[bytes]) -> AsyncIterator[tuple[Kind, bytes]]:
    """The data section's lines, each with what it is."""
    copying = False
    async for line in lines:
        if copying:
            copying = line != b"\\.\n"
            yield (Kind.ROW if copying else Kind.END), line
        elif _COPY.match(line):
            copying = True
            yield Kind.COPY, line
        elif line.strip() and not line.startswith(b"--") and not _RESTRICTED.match(line.rstrip()):
            yield Kind.SQL, line


def copied(statement: bytes) -> tuple[str, str]:
    """Schema and table that a COPY statement of an archive names."""
    found = _COPY.match(statement)
    if found is None:
        raise Unguardable("pg_restore wrote a COPY statement that cannot be read")
    schema, name = (part.decode() for part in found.groups())
    return _plain(schema), _plain(name)


def _plain(identifier: str) -> str:
    return identifier[1:-1].replace('""', '"') if identifier.startswith('"') else identifier


async def _lines(stream: asyncio.StreamReader) -> AsyncIterator[bytes]:
    rest = b""
    while piece := await stream.read(PIECE):
        *whole, rest = (rest + piece).split(b"\n")
        for line in whole:
            yield line + b"\n"
    if rest:
        yield rest


async def _run(program: str, *arguments: str, password: str) -> bytes:
    process = await asyncio.create_subprocess_exec(
        binaries() / program,
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=_environment(password),
    )
    try:
        said, failed = await process.communicate()
    except BaseException:
        process.kill()
        raise
    if process.returncode:
        words = failed.decode(errors="replace").strip()[-400:]
        raise Unguardable(f"{program} failed: {words.replace(password, '***') if password else words}")
    return said


def _environment(password: str) -> dict[str, str]:
    mine = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "PGCONNECT_TIMEOUT": "10", "PGOPTIONS": ""}
    return mine | {"PGPASSWORD": password} if password else mine
