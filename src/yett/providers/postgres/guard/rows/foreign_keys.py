"""Check foreign keys by asking, where their triggers did not run."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from psycopg import sql

from yett.providers.postgres.guard.own import Connection, rows

# Each key once: those of partitions are copies of their root's. `to_jsonb` because 18 has columns that 15 has not.
_FOREIGN_KEYS = sql.SQL("""
WITH RECURSIVE above(oid) AS (
  SELECT unnest({oids}::oid[]) UNION SELECT i.inhparent FROM above JOIN pg_inherits i ON i.inhrelid = above.oid
)
SELECT k.conname, k.conrelid::int8, cn.nspname, c.relname, c.relkind = 'p', k.confrelid::int8,
  pn.nspname, p.relname, p.relkind = 'p',
  ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY u(n, i)
    JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.n ORDER BY u.i),
  ARRAY(SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY u(n, i)
    JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.n ORDER BY u.i),
  ARRAY(SELECT o.oprname::text FROM unnest(k.conpfeqop) WITH ORDINALITY u(o, i)
    JOIN pg_operator o ON o.oid = u.o ORDER BY u.i),
  ARRAY(SELECT s.nspname::text FROM unnest(k.conpfeqop) WITH ORDINALITY u(o, i)
    JOIN pg_operator o ON o.oid = u.o JOIN pg_namespace s ON s.oid = o.oprnamespace ORDER BY u.i),
  coalesce((to_jsonb(k) ->> 'conperiod')::bool, false)
FROM pg_constraint k
JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace cn ON cn.oid = c.relnamespace
JOIN pg_class p ON p.oid = k.confrelid JOIN pg_namespace pn ON pn.oid = p.relnamespace
WHERE k.contype = 'f' AND k.conparentid = 0 AND k.convalidated
  AND coalesce((to_jsonb(k) ->> 'conenforced')::bool, true)
  AND (k.conrelid IN (SELECT oid FROM above) OR k.confrelid IN (SELECT oid FROM above))
ORDER BY k.conrelid, k.conname""")


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """`child` refers to `parent`. `operators` are (schema, name), the parent's column on the left.

    `has_period`: a temporal key (18), whose last column must be covered by what all rows with the others have together.
    """

    name: str
    child: tuple[int, str, str]
    parent: tuple[int, str, str]
    child_from: sql.Composed
    parent_from: sql.Composed
    child_columns: tuple[str, ...]
    parent_columns: tuple[str, ...]
    operators: tuple[tuple[str, str], ...]
    has_period: bool

    def refers(self, child: sql.Composable) -> sql.Composed:
        """Whether the row that `child` gives the columns of refers to the row `parent`."""
        parts = [
            sql.SQL("parent.{} OPERATOR({}.{}) {}.{}").format(
                sql.Identifier(theirs), sql.Identifier(schema), sql.SQL(operator), child, sql.Identifier(mine)
            )
            for theirs, mine, (schema, operator) in list(
                zip(self.parent_columns, self.child_columns, self.operators, strict=True)
            )[: -1 if self.has_period else None]
        ]
        return sql.SQL(" AND ").join(parts)

    def found(self) -> sql.Composed:
        """Whether the row `child` refers to something."""
        where = sql.SQL("FROM {} AS parent WHERE {}").format(self.parent_from, self.refers(sql.SQL("child")))
        if not self.has_period:
            return sql.SQL("EXISTS (SELECT {})").format(where)
        theirs, mine = sql.Identifier(self.parent_columns[-1]), sql.Identifier(self.child_columns[-1])
        return sql.SQL(
            "coalesce((SELECT pg_catalog.range_agg(parent.{}) {}) OPERATOR(pg_catalog.@>) child.{}, false)"
        ).format(theirs, where, mine)

    def is_set(self) -> sql.Composed:
        return sql.SQL(" AND ").join(
            [sql.SQL("child.{} IS NOT NULL").format(sql.Identifier(column)) for column in self.child_columns]
        )


async def foreign_keys(own: Connection, oids: Collection[int]) -> list[ForeignKey]:
    """All that are enforced and in which one of `oids`, or what it is a partition of, is the child or the parent."""
    wanted = sql.Literal("{" + ",".join(str(oid) for oid in sorted(oids)) + "}")
    found = []
    for name, child, cs, cn, c_parted, parent, ps, pn, p_parted, mine, theirs, names, schemas, period in await rows(
        own, _FOREIGN_KEYS.format(oids=wanted)
    ):
        found.append(
            ForeignKey(
                name,
                (child, cs, cn),
                (parent, ps, pn),
                _from(cs, cn, c_parted),
                _from(ps, pn, p_parted),
                tuple(mine),
                tuple(theirs),
                tuple(zip(schemas, names, strict=True)),
                period,
            )
        )
    return found


def without_parent(key: ForeignKey) -> sql.Composed:
    """Query for up to five rows that refer to nothing, as text of their columns."""
    shown = sql.SQL(", ").join([sql.SQL("child.{}::text").format(sql.Identifier(c)) for c in key.child_columns])
    return sql.SQL("SELECT concat_ws(',', {}) FROM {} AS child WHERE {} AND NOT {} LIMIT 5").format(
        shown, key.child_from, key.is_set(), key.found()
    )


def _from(schema: str, name: str, partitioned: bool) -> sql.Composed:
    table = sql.Identifier(schema, name)
    return sql.SQL("{}").format(table) if partitioned else sql.SQL("ONLY {}").format(table)
