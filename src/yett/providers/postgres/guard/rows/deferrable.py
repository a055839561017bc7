"""Check by asking what a deferrable key or exclusion leaves to a trigger of its own, which is silent in a restore."""

from __future__ import annotations

from psycopg import sql

from yett.providers.postgres.guard.own import Connection, rows
from yett.providers.postgres.guard.table import Table

# `conexclop` is set for exclusions, and for keys WITHOUT OVERLAPS (18); other keys compare as their btree does.
_DEFERRABLE = sql.SQL("""
SELECT k.conname, coalesce(pg_get_expr(i.indpred, i.indrelid), 'true'), i.indnullsnotdistinct,
  array_agg(pg_get_indexdef(i.indexrelid, n, false) ORDER BY n), array_agg(o.oprname::text ORDER BY n),
  array_agg(s.nspname::text ORDER BY n)
FROM pg_constraint k JOIN pg_index i ON i.indexrelid = k.conindid CROSS JOIN generate_series(1, i.indnkeyatts) n
JOIN pg_opclass c ON c.oid = i.indclass[n - 1]
JOIN pg_operator o ON o.oid = coalesce(k.conexclop[n], (SELECT e.amopopr FROM pg_amop e
  WHERE e.amopfamily = c.opcfamily AND e.amopstrategy = 3
  AND e.amoplefttype = c.opcintype AND e.amoprighttype = c.opcintype))
JOIN pg_namespace s ON s.oid = o.oprnamespace
WHERE k.conrelid = {oid} AND k.condeferrable AND k.contype IN ('p', 'u', 'x')
GROUP BY k.oid, k.conname, i.indpred, i.indrelid, i.indnullsnotdistinct ORDER BY k.conname""")
_ENTRIES = "SELECT t.ctid AS place, t.xmin AS maker, {columns} FROM ONLY {table} AS t WHERE {predicate}"
_TWICE = sql.SQL("""
SELECT concat_ws(', ', {shown}) FROM ({entries}) a JOIN ({entries}) b ON a.place <> b.place AND {same}
WHERE a.maker = (pg_current_xact_id()::text::int8 & 4294967295)::text::xid LIMIT 5""")


async def twice(own: Connection, table: Table) -> list[tuple[str, str]]:
    """Rows that this transaction put in beside others that they exclude: the constraint's name, and the entry."""
    found = []
    for name, predicate, nulls_too, columns, operators, schemas in await rows(
        own, _DEFERRABLE.format(oid=sql.Literal(table.oid))
    ):
        entries = sql.SQL(_ENTRIES).format(
            columns=sql.SQL(", ").join(
                [sql.SQL("{} AS v{}").format(sql.SQL(column), sql.SQL(str(n))) for n, column in enumerate(columns)]
            ),
            table=table.quoted,
            predicate=sql.SQL(predicate),
        )
        same = [_same(n, *operator, nulls_too) for n, operator in enumerate(zip(schemas, operators, strict=True))]
        shown = [sql.SQL("a.v{}::text").format(sql.SQL(str(n))) for n in range(len(columns))]
        query = _TWICE.format(shown=sql.SQL(", ").join(shown), entries=entries, same=sql.SQL(" AND ").join(same))
        found += [(name, f"({', '.join(columns)})=({entry})") for (entry,) in await rows(own, query)]
    return found


def _same(number: int, schema: str, operator: str, nulls_too: bool) -> sql.Composed:
    words = "a.v{0} OPERATOR({1}.{2}) b.v{0}"
    if nulls_too:
        words = f"({words} OR (a.v{{0}} IS NULL AND b.v{{0}} IS NULL))"
    return sql.SQL(words).format(sql.SQL(str(number)), sql.Identifier(schema), sql.SQL(operator))
