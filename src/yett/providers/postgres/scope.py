"""What a lease on a database may touch: named schemas and tables, masked columns, budgets. Values only, no I/O."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from yett.model.errors import ConfigurationError

_IDENTIFIER_BYTES = 63


RESULT_BYTES, RESULT_ROWS = 1 << 30, 5_000_000
"""What a task may be sent of one database, unless a person says otherwise: far more than most tasks read."""


class Table(NamedTuple):
    """A relation by its two names, as they stand in the catalog: unquoted, case kept."""

    schema: str
    name: str

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"


Columns = Mapping[Table, frozenset[str]]
"""Columns by the table that they are of."""


@dataclass(frozen=True, slots=True)
class Budgets:
    """Limits of one lease. Times in milliseconds.

    The times become settings of the role. A role may change its own settings, so they hold only as long as the gateway
    refuses SET and ALTER ROLE; `connections` is the server's own limit. `result_bytes` and `result_rows`, all that a
    task is sent, are the gateway's to count: PostgreSQL has no such setting.
    """

    statement_ms: int = 30_000
    idle_in_transaction_ms: int = 60_000
    lock_ms: int = 5_000
    connections: int = 8
    result_bytes: int = RESULT_BYTES
    result_rows: int = RESULT_ROWS


@dataclass(frozen=True, slots=True)
class Scope:
    """The resources of one task, named one by one; nothing else is granted.

    A schema stands for the relations it holds when the lease is made. `read` is SELECT; `write` is INSERT, UPDATE,
    DELETE and, for the sequences that fill its columns, nextval. Writing gives no reading. A schema to write means its
    tables, not its views: a view writes with its owner's rights to tables that nobody named.

    `masked` and `veiled` name columns by table; what inherits from such a table, or is its partition or parent, is
    masked in the columns of the same name. A masked column is not granted: the server itself refuses it wherever it
    stands (a select list, a WHERE, a join, RETURNING, COPY), and `select *` fails with 42501. This is the control. A
    veiled one is granted, and the gateway rewrites it in what the server answers, so that `select *` works: a
    convenience, since `WHERE email LIKE 'a%'` still tells what the value is (gateway/postgres/masks/masking.py).

    Raises:
        ConfigurationError: nothing is named, or what is named is the system's own (R34: no blanket credential).
    """

    read: frozenset[Table] = frozenset()
    write: frozenset[Table] = frozenset()
    read_schemas: frozenset[str] = frozenset()
    write_schemas: frozenset[str] = frozenset()
    masked: Columns = field(default_factory=dict)
    veiled: Columns = field(default_factory=dict)
    budgets: Budgets = Budgets()

    def __post_init__(self) -> None:
        if not (self.tables or self.schemas):
            raise ConfigurationError(
                "A lease on a database names no schema and no table.",
                "Name the tables or schemas that the task needs: a lease on everything is never given.",
            )
        for table in (*self.tables, *self.masked, *self.veiled):
            _check_schema(table.schema)
            _check(table.name)
        for schema in self.schemas:
            _check_schema(schema)
        for column in {column for columns in (*self.masked.values(), *self.veiled.values()) for column in columns}:
            _check(column)
        for table in self.masked.keys() & self.veiled.keys():
            if both := self.masked[table] & self.veiled[table]:
                raise ConfigurationError(
                    f"{table}.{min(both)} is to be hidden, and to be shown masked.", "Say one of them."
                )

    @property
    def tables(self) -> frozenset[Table]:
        return self.read | self.write

    @property
    def schemas(self) -> frozenset[str]:
        """The schemas that stand for what they hold."""
        return self.read_schemas | self.write_schemas

    @property
    def writes(self) -> bool:
        return bool(self.write or self.write_schemas)


def read_only(
    *,
    tables: Collection[Table] = (),
    schemas: Collection[str] = (),
    masked: Columns | None = None,
    veiled: Columns | None = None,
) -> Scope:
    """The template of a reader: SELECT on what is named, short statements."""
    return Scope(read=frozenset(tables), read_schemas=frozenset(schemas), masked=masked or {}, veiled=veiled or {})


def read_write(
    *,
    tables: Collection[Table] = (),
    schemas: Collection[str] = (),
    masked: Columns | None = None,
    veiled: Columns | None = None,
) -> Scope:
    """The template of a worker: SELECT, INSERT, UPDATE and DELETE on what is named; no DDL, no TRUNCATE."""
    named, whole = frozenset(tables), frozenset(schemas)
    return Scope(
        read=named, write=named, read_schemas=whole, write_schemas=whole, masked=masked or {}, veiled=veiled or {}
    )


def _check(name: str) -> None:
    if not name or "\0" in name or len(name.encode()) > _IDENTIFIER_BYTES:
        raise ConfigurationError(f"A lease on a database names {name[:80]!r}, which can be no name there.")


def _check_schema(name: str) -> None:
    _check(name)
    if name.startswith("pg_") or name == "information_schema":
        raise ConfigurationError(
            f"A lease on a database names {name}, which is the server's own.",
            "Name the application's own schemas and tables; every role can read the catalog anyway.",
        )
