"""The places of tables in publications, which pg_dump leaves out with a table."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from psycopg import sql

from yett.providers.postgres.guard.own import Connection, rows

Place = tuple[str, str, str, str]
"""Publication, schema, table, and in SQL which of its columns and rows."""

_HAS_COLUMNS = 150000
_PLACES = """
SELECT p.pubname::text, n.nspname::text, c.relname::text, {which}
FROM pg_publication_rel r JOIN pg_publication p ON p.oid = r.prpubid
JOIN pg_class c ON c.oid = r.prrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE r.prrelid = ANY ({{oids}}::oid[]) ORDER BY 1, 2, 3"""
_WHICH = """concat(
  ' (' || (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) FROM pg_attribute a
    WHERE a.attrelid = r.prrelid AND a.attnum = ANY (r.prattrs::int2[])) || ')',
  ' WHERE (' || pg_get_expr(r.prqual, r.prrelid) || ')')"""
_PLACES_NOW, _PLACES_BEFORE = sql.SQL(_PLACES.format(which=_WHICH)), sql.SQL(_PLACES.format(which="''"))
_MISSING = sql.SQL("""
SELECT 1 FROM pg_publication p WHERE p.pubname = {name} AND NOT EXISTS (
  SELECT FROM pg_publication_rel r JOIN pg_class c ON c.oid = r.prrelid JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE r.prpubid = p.oid AND n.nspname = {schema} AND c.relname = {table})""")


async def places(own: Connection, oids: Collection[int]) -> tuple[Place, ...]:
    """Of relations (oids)."""
    query = _PLACES_NOW if own.info.server_version >= _HAS_COLUMNS else _PLACES_BEFORE
    return tuple(tuple(one) for one in await rows(own, query.format(oids=sql.Literal(sorted(oids)))))


async def back_in_place(own: Connection, wanted: Sequence[Place]) -> None:
    """Where the publication is there, and does not have the table."""
    for name, schema, table, which in wanted:
        asked = _MISSING.format(name=sql.Literal(name), schema=sql.Literal(schema), table=sql.Literal(table))
        if await rows(own, asked):
            add = sql.SQL("ALTER PUBLICATION {} ADD TABLE ONLY {}").format(
                sql.Identifier(name), sql.Identifier(schema, table)
            )
            await own.execute(sql.Composed([add, sql.SQL(which)]))
