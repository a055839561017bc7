"""What a database holds, by PostgreSQL's own programs: the schema dump and the ordered COPY bytes of everything."""

from __future__ import annotations

import hashlib
import subprocess
from dataclasses import dataclass

import psycopg
from psycopg import sql

from yett.lab.postgres import find_binaries


@dataclass(frozen=True)
class Snapshot:
    """The schema as `pg_dump --schema-only` writes it, and a hash of each table's and sequence's content.

    `sequences` names what of the content is a sequence.
    """

    schema: str
    content: tuple[tuple[str, str], ...]
    sequences: frozenset[str] = frozenset()

    def difference(self, other: Snapshot) -> str:
        """Where the two differ, in one line; "" if they do not."""
        if self.schema != other.schema:
            return "the schema dumps differ"
        changed = sorted({name for name, _ in set(self.content) ^ set(other.content)})
        return f"content differs: {', '.join(changed)}" if changed else ""

    def rows_differ(self, other: Snapshot) -> str:
        """The same, leaving out how far sequences have counted: what they gave out is not given out again."""
        return _without_sequences(self).difference(_without_sequences(other))


def _without_sequences(whole: Snapshot) -> Snapshot:
    return Snapshot(whole.schema, tuple(one for one in whole.content if one[0] not in whole.sequences))


def snapshot(url: str) -> Snapshot:
    """Take it over the wire with the connection string, independently of how Yett looks at a database."""
    dumped = subprocess.run(
        [find_binaries() / "pg_dump", "--schema-only", "--no-comments", url], capture_output=True, text=True, check=True
    )
    # pg_dump 17.6 and later protect the dump with a random key in \\restrict lines.
    # What is granted to the role of a task comes and goes with it.
    kept = (
        line for line in dumped.stdout.splitlines() if not line.startswith(("--", "\\")) and " TO yett_" not in line
    )
    schema = "\n".join(line for line in kept if line)
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relkind::text, n.nspname, c.relname "
            "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE c.relkind IN ('r', 'S') AND n.nspname NOT IN ('pg_catalog', 'information_schema') "
            "AND n.nspname !~ '^pg_toast' ORDER BY 1, 2, 3"
        )
        things = cursor.fetchall()
        found = [(f"{space}.{name}", _hash(cursor, kind, space, name)) for kind, space, name in things]
    sequences = frozenset(f"{space}.{name}" for kind, space, name in things if kind == "S")
    return Snapshot(schema, tuple(found), sequences)


def _hash(cursor: psycopg.Cursor, kind: str, space: str, name: str) -> str:
    thing = sql.Identifier(space, name)
    rows = sql.SQL("SELECT t::text FROM {} t ORDER BY 1").format(thing)
    if kind == "S":
        rows = sql.SQL("SELECT last_value::text || is_called::text FROM {}").format(thing)
    digest = hashlib.sha256()
    with cursor.copy(sql.SQL("COPY ({}) TO STDOUT").format(rows)) as copy:
        for line in copy:
            digest.update(line)
    return digest.hexdigest()
