"""What a lease may touch, from the form in which a person gave it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from yett.gateway.databases.allowed.so_far import USUAL, Bounds
from yett.model.canonical import Json
from yett.model.errors import ConfigurationError
from yett.providers.postgres.scope import RESULT_BYTES, RESULT_ROWS, Budgets, Scope, Table, read_only, read_write

PUBLIC = "public"


@dataclass(frozen=True, slots=True)
class Limit:
    """A number of a scope, by its name in the form that a person gives. `usual`: where nothing is said, or 0."""

    name: str
    usual: int
    most: int
    words: str


RESULT_MB = Limit("result_mb", RESULT_BYTES >> 20, 1 << 20, "MB that a task may be sent")
RESULT_MAX_ROWS = Limit("result_rows", RESULT_ROWS, 1 << 40, "rows that a task may be sent")
STATEMENT_S = Limit("statement_seconds", Budgets().statement_ms // 1000, 24 * 3600, "seconds that a statement may take")
DELETED = Limit("deleted_rows", USUAL.deleted, 1 << 40, "rows of a table that a task may delete without a person")
CHANGED = Limit("changed_rows", USUAL.changed, 1 << 40, "rows of a table that a task may change without a person")
SHARE = Limit("share_percent", USUAL.share, 100, "percent of a larger table that a task may change without a person")
TABLES = Limit("changed_tables", USUAL.tables, 1 << 20, "tables that a task may change without a person")
LIMITS = (RESULT_MB, RESULT_MAX_ROWS, STATEMENT_S, DELETED, CHANGED, SHARE, TABLES)
PER_TASK = (RESULT_MB, RESULT_MAX_ROWS, DELETED, CHANGED, TABLES)
"""Those of which a running task may be allowed more."""


def limit_of(said: Mapping[str, Json], limit: Limit) -> int:
    """What counts. A number that is none counts as the usual one."""
    value = said.get(limit.name)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else limit.usual


def said_limits(said: Mapping[str, Json]) -> dict[str, Json]:
    """What counts of each, by its name."""
    return {limit.name: limit_of(said, limit) for limit in LIMITS}


def bounds_from(said: Mapping[str, Json]) -> Bounds:
    """How many small acts a task may add up."""
    return Bounds(limit_of(said, DELETED), limit_of(said, CHANGED), limit_of(said, SHARE), limit_of(said, TABLES))


def limits_from(said: Mapping[str, object]) -> dict[str, Json]:
    """The limits that a person gave, 0 for each that was not. Raises ConfigurationError: one cannot be kept."""
    found: dict[str, Json] = {}
    for limit in LIMITS:
        given = int(str(said.get(limit.name) or 0))
        if not 0 <= given <= limit.most:
            raise ConfigurationError(f"{given:,} cannot be the {limit.words}", f"say 1 to {limit.most:,}")
        found[limit.name] = given
    return found


def scope_from(said: Mapping[str, Json]) -> Scope:
    """{"mode": "read" or "write", "schemas": [...], "masked": ["schema.table.column", ...], "veiled": [...],
    and numbers of `LIMITS`} as a scope.

    Raises:
        ConfigurationError: it names nothing, or a masked column is not written as one.
    """
    schemas = _texts(said.get("schemas"))
    masked, veiled = columns_from(_texts(said.get("masked"))), columns_from(_texts(said.get("veiled")))
    make = read_only if said.get("mode") == "read" else read_write
    scope = make(schemas=schemas, masked=masked, veiled=veiled)
    budgets = replace(
        scope.budgets,
        statement_ms=limit_of(said, STATEMENT_S) * 1000,
        result_bytes=limit_of(said, RESULT_MB) << 20,
        result_rows=limit_of(said, RESULT_MAX_ROWS),
    )
    return replace(scope, budgets=budgets)


def columns_from(columns: Sequence[str]) -> dict[Table, frozenset[str]]:
    """Raises ConfigurationError: one is not written as a column."""
    found: dict[Table, set[str]] = {}
    for written in columns:
        parts = written.split(".")
        if len(parts) not in (2, 3) or not all(parts):
            raise ConfigurationError(f"{written!r} is no column", "write table.column, or schema.table.column")
        schema, table, column = parts if len(parts) == 3 else (PUBLIC, *parts)
        found.setdefault(Table(schema, table), set()).add(column)
    return {table: frozenset(names) for table, names in found.items()}


def _texts(value: Json) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else []
