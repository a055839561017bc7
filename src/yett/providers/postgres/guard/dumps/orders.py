"""Columns that pg_dump brings back in another order: a child's inherited ones first, in its parents' order.

They lie elsewhere if the parent got a column after its child was made, or became its parent later. Partitions are
dumped with all of their columns, and come back as they are.
"""

from __future__ import annotations

from collections.abc import Collection

from psycopg import sql

from yett.providers.postgres.guard.own import Connection, rows

_MOVED = sql.SQL("""
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


async def moved(own: Connection, oids: Collection[int]) -> list[str]:
    """Those of the tables (oids) whose columns would come back in another order, by their names."""
    return [name for (name,) in await rows(own, _MOVED.format(oids=sql.Literal(sorted(oids))))]
