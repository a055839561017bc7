"""What pg_dump's form of a table does not say, so that its undo would be refused: told before the statement runs.

A child's inherited columns come back first, in their parents' order: they lie elsewhere if a parent got a column later,
or became a parent later. (Partitions are dumped with all of their columns.) A NaN comes back without its sign, and what
names a relation by its oid names it by the oid that it has then.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from psycopg import sql

from yett.providers.postgres.guard.dumps.dumped import DumpedTable
from yett.providers.postgres.guard.own import Connection, row, rows

_REORDERED = sql.SQL("""
SELECT n.nspname::text || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL (
  SELECT array_agg(a.attname ORDER BY a.attnum) AS names FROM pg_attribute a
  WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
) now CROSS JOIN LATERAL (
  SELECT array_agg(x.attname ORDER BY x.place) AS names FROM (
    SELECT a.attname, min(ARRAY[coalesce(i.inhseqno, 2147483647), coalesce(p.attnum, a.attnum)]) AS place
    FROM pg_attribute a LEFT JOIN (pg_inherits i JOIN pg_attribute p ON p.attrelid = i.inhparent AND p.attnum > 0
        AND NOT p.attisdropped) ON i.inhrelid = c.oid AND p.attname = a.attname
    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped GROUP BY a.attname
  ) x
) back
WHERE c.oid = ANY ({oids}::oid[]) AND c.relkind = 'r' AND NOT c.relispartition AND now.names <> back.names
ORDER BY 1""")
_HOLDS = sql.SQL("SELECT EXISTS (SELECT FROM ONLY {table} AS t WHERE {any})")
_INEXACT = {
    "double precision": sql.SQL("(t.{column} = 'NaN' AND float8send(t.{column}) <> float8send('NaN'))"),
    "real": sql.SQL("(t.{column} = 'NaN' AND float4send(t.{column}) <> float4send('NaN'))"),
    "regclass": sql.SQL("t.{column} = ANY ({oids}::oid[])"),
}
"""By the type of a column: of which values. In arrays and composite types the undo alone finds them."""


async def inexact(own: Connection, found: Sequence[DumpedTable], covered: Collection[int]) -> list[str]:
    """Of the tables in a dump, and of all relations (oids) that go with them; one sentence each."""
    oids = sql.Literal(sorted(covered))
    said = [
        f"an undo may be refused, for inherited columns would change their place, in {name}"
        for (name,) in await rows(own, _REORDERED.format(oids=oids))
    ]
    for table in found:
        asked = [
            _INEXACT[column.type].format(column=column.quoted, oids=oids)
            for column in table.columns
            if column.type in _INEXACT
        ]
        name = sql.Identifier(table.schema, table.name)
        if asked and (await row(own, _HOLDS.format(table=name, any=sql.SQL(" OR ").join(asked))))[0]:
            where = f"{table.schema}.{table.name}"
            said.append(f"an undo may be refused, for a NaN's sign or a regclass would be another, in {where}")
    return said
