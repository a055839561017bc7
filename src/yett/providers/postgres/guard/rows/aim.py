"""Where the rows that a transaction changed are likely to lie, so that a large table need not be read as a whole.

An aim is a hint and proves nothing: `capture` says when what is found by it is all there is. Where that is not proven,
the table is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from psycopg import sql

from yett.providers.postgres.guard.table import Column, Table

MOST_AIMS = 50
"""Of one table, of different columns; values of the same one are put together."""
MOST_BYTES = 256 << 10

_WHOLE = re.compile(r"-?[0-9]{1,18}")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_TYPES = {"smallint": "int8", "integer": "int8", "bigint": "int8", "uuid": "uuid", "text": "text"}
_VARCHAR = re.compile(r"character varying(\([0-9]+\))?")


@dataclass(frozen=True, slots=True)
class Aim:
    """Each of these columns (name, values) holds one of its values, in text form, by the words of one statement."""

    columns: tuple[tuple[str, tuple[str, ...]], ...]


def condition(aims: Iterable[Aim], table: Table) -> sql.Composable | None:
    """That a row `t` of the table is one that is aimed at; None: what is known does not narrow it.

    Built-in operators on built-in types alone: an index serves them, and nothing of the database's own runs by them.
    """
    known = {column.name: column for column in table.columns}
    merged: dict[str, set[str]] = {}
    mixed: list[list[sql.Composable]] = []
    size = 0
    for aim in aims:
        parts = [(known[name], values) for name, values in aim.columns if name in known and _fits(known[name], values)]
        if not parts:
            return None
        size += sum(len(value) for _, values in parts for value in values)
        if size > MOST_BYTES or len(merged) + len(mixed) > MOST_AIMS:
            return None
        if len(parts) == 1:
            merged.setdefault(parts[0][0].name, set()).update(parts[0][1])
        else:
            mixed.append([_is_one_of(column, values) for column, values in parts])
    alternatives = [_is_one_of(known[name], sorted(values)) for name, values in merged.items()]
    alternatives += [sql.SQL("({})").format(sql.SQL(" AND ").join(parts)) for parts in mixed]
    return sql.SQL("({})").format(sql.SQL(" OR ").join(alternatives)) if alternatives else None


def _type(column: Column) -> str:
    return "text" if _VARCHAR.fullmatch(column.type) else _TYPES.get(column.type, "")


def _fits(column: Column, values: Iterable[str]) -> bool:
    """Whether each value is certainly one of the column's type, and compared as the statement compared it."""
    form = {"int8": _WHOLE, "uuid": _UUID}.get(_type(column))
    if form is not None:
        return all(form.fullmatch(value) for value in values)
    return bool(_type(column)) and not any("\0" in value for value in values)


def _is_one_of(column: Column, values: Iterable[str]) -> sql.Composed:
    listed = ",".join('"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"' for value in values)
    kind = sql.SQL(_type(column))
    return sql.SQL("t.{} OPERATOR(pg_catalog.=) ANY ({}::pg_catalog.{}[])").format(
        column.quoted, sql.Literal("{" + listed + "}"), kind
    )
