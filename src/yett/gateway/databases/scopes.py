"""What a lease may touch, from the form in which a person gave it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from yett.model.canonical import Json
from yett.model.errors import ConfigurationError
from yett.providers.postgres.scope import Scope, Table, read_only, read_write

PUBLIC = "public"


def scope_from(said: Mapping[str, Json]) -> Scope:
    """{"mode": "read" or "write", "schemas": [...], "masked": ["schema.table.column", ...], "veiled": [...],
    "result_mb": 1024} as a scope.

    Raises:
        ConfigurationError: it names nothing, or a masked column is not written as one.
    """
    schemas = _texts(said.get("schemas"))
    masked, veiled = columns_from(_texts(said.get("masked"))), columns_from(_texts(said.get("veiled")))
    make = read_only if said.get("mode") == "read" else read_write
    scope = make(schemas=schemas, masked=masked, veiled=veiled)
    size = said.get("result_mb")
    if not isinstance(size, int) or isinstance(size, bool) or size <= 0:
        return scope
    return replace(scope, budgets=replace(scope.budgets, result_bytes=size << 20))


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
