"""What a database holds, as counts and hashes that two databases can be compared by."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import psycopg
from psycopg import sql

from yett.model.canonical import Json

_TABLES = """
SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_'
ORDER BY 1, 2"""
_SEQUENCES = """
SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'S' AND n.nspname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1, 2"""


@dataclass(frozen=True, slots=True)
class TableContent:
    """Rows of one table, and SHA-256 over its COPY text ordered by the rows themselves."""

    name: str
    rows: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Content:
    """Everything that a logical dump has to bring back."""

    tables: tuple[TableContent, ...]
    sequences: tuple[tuple[str, int, bool], ...]
    large_objects: int

    @property
    def rows(self) -> int:
        return sum(table.rows for table in self.tables)

    def as_json(self) -> dict[str, Json]:
        return {
            "tables": [[t.name, t.rows, t.sha256] for t in self.tables],
            "sequences": [[name, value, called] for name, value, called in self.sequences],
            "large_objects": self.large_objects,
            "rows": self.rows,
        }

    def differences(self, other: Content) -> list[str]:
        """Where `other` is not the same, in words; empty if it is."""
        mine, theirs = {t.name: t for t in self.tables}, {t.name: t for t in other.tables}
        found = [f"table {name} is missing" for name in mine.keys() - theirs.keys()]
        found += [f"table {name} is new" for name in theirs.keys() - mine.keys()]
        found += [
            f"table {name}: {mine[name].rows} rows became {theirs[name].rows}, or their bytes differ"
            for name in mine.keys() & theirs.keys()
            if mine[name] != theirs[name]
        ]
        if self.sequences != other.sequences:
            found.append("the sequences differ")
        if self.large_objects != other.large_objects:
            found.append("the large objects differ in number")
        return sorted(found)


def read_content(connection: psycopg.Connection) -> Content:
    """Count and hash within the connection's current transaction, so that a snapshot can be shared with pg_dump."""
    with connection.cursor() as cursor:
        tables = tuple(_table(cursor, *row) for row in cursor.execute(_TABLES).fetchall())
        sequences = tuple(_sequence(cursor, *row) for row in cursor.execute(_SEQUENCES).fetchall())
        counted = cursor.execute("SELECT count(*) FROM pg_largeobject_metadata").fetchone()
    return Content(tables, sequences, int(counted[0]) if counted else 0)


def _table(cursor: psycopg.Cursor, schema: str, name: str) -> TableContent:
    table = sql.Identifier(schema, name)
    digest, rows = hashlib.sha256(), 0
    query = sql.SQL('COPY (SELECT t.* FROM ONLY {} t ORDER BY (t.*)::text COLLATE "C") TO STDOUT').format(table)
    with cursor.copy(query) as copy:
        for line in copy:
            digest.update(line)
            rows += bytes(line).count(b"\n")
    return TableContent(f"{schema}.{name}", rows, digest.hexdigest())


def _sequence(cursor: psycopg.Cursor, schema: str, name: str) -> tuple[str, int, bool]:
    query = sql.SQL("SELECT last_value, is_called FROM {}").format(sql.Identifier(schema, name))
    row = cursor.execute(query).fetchone()
    if row is None:
        raise psycopg.DataError(f"sequence {schema}.{name} has no state")
    return f"{schema}.{name}", int(row[0]), bool(row[1])
