"""A temporary table beside a real one, that kept rows are loaded into."""

from __future__ import annotations

from dataclasses import dataclass

from psycopg import sql

from yett.providers.postgres.guard.own import Connection
from yett.providers.postgres.guard.table import Column, KeyColumn, Table


@dataclass(frozen=True, slots=True)
class Beside:
    """The table's columns as c1, c2, ... behind `touched`, `row_at` (ctid), `row_xmin`; gone with the transaction."""

    name: str
    table: Table

    @property
    def quoted(self) -> sql.Identifier:
        return sql.Identifier("pg_temp", self.name)

    def column(self, name: str) -> sql.Identifier:
        names = [column.name for column in self.table.columns]
        return sql.Identifier(f"c{names.index(name) + 1}")

    async def make(self, own: Connection) -> None:
        columns = [sql.SQL("t.{} AS {}").format(c.quoted, self.column(c.name)) for c in self.table.columns]
        made = sql.SQL(
            "CREATE TEMPORARY TABLE {} ON COMMIT DROP AS"
            " SELECT false AS touched, t.ctid AS row_at, t.xmin AS row_xmin, {} FROM ONLY {} AS t WITH NO DATA"
        )
        await own.execute(made.format(sql.Identifier(self.name), sql.SQL(", ").join(columns), self.table.quoted))

    def record(self, alias: str, columns: tuple[Column, ...]) -> sql.Composed:
        """ROW(...) of this table's own columns."""
        return _record(alias, [self.column(column.name) for column in columns])

    def same_image(self, columns: tuple[Column, ...] = ()) -> sql.Composed:
        """Whether row `p` here and row `t` of the real table are stored as the same bytes, in `columns` or in all."""
        compared = columns or self.table.columns
        theirs = _record("t", [column.quoted for column in compared])
        return sql.SQL("record_image_eq({}, {})").format(self.record("p", compared), theirs)

    def same_key(self, key: tuple[KeyColumn, ...]) -> sql.Composed:
        """Whether row `p` here and row `t` of the real table have the same key, as the table's index compares."""
        parts = [
            part.equal(
                sql.SQL("t.{}").format(sql.Identifier(part.name)), sql.SQL("p.{}").format(self.column(part.name))
            )
            for part in key
        ]
        return sql.SQL(" AND ").join(parts)


def _record(alias: str, names: list[sql.Identifier]) -> sql.Composed:
    fields = [sql.SQL("{}.{}").format(sql.Identifier(alias), name) for name in names]
    return sql.SQL("ROW({})").format(sql.SQL(", ").join(fields))
