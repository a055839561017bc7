"""Keep the definition of an index or of a partition's bounds before it goes, and bring it back from that.

For what no transaction takes (DROP INDEX CONCURRENTLY, DETACH PARTITION CONCURRENTLY): no row is lost by these, so the
server's own words for the definition are the whole undo. They are read again after they were run, and must be the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import sql

from yett.model.canonical import Json, canonical
from yett.model.errors import YettError
from yett.providers.postgres.guard.captured import MANIFEST, Captured, load
from yett.providers.postgres.guard.copying import keep, single
from yett.providers.postgres.guard.effects import Unguardable
from yett.providers.postgres.guard.own import Connection, Own, opened, row, rows
from yett.providers.postgres.guard.restore import Begun, announce, must_fit, one_transaction
from yett.providers.postgres.guard.sink import Sink, Source

NAME = "definitions.sql"
DEFINITIONS = "definitions"
"""In the facts of an undo, beside those of `Captured`."""
NAMES = "names"
"""In the outline of an undo."""

INDEX, PARTITION = "index", "partition"

_PLACE = sql.SQL("""
SELECT pg_current_xact_id()::text::int8, (SELECT system_identifier::text FROM pg_control_system()),
  (SELECT oid::int8 FROM pg_database WHERE datname = current_database()), pg_is_in_recovery()""")
_FOUND = sql.SQL("""
SELECT c.oid::int8 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = ANY ({schemas}::text[]) AND c.relname = {name} AND c.relkind = ANY ({kinds}::"char"[])
ORDER BY array_position({schemas}::text[], n.nspname::text) LIMIT 1""")
_NAMED = sql.SQL("""
SELECT n.nspname::text, c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid = {oid}""")
_IS_INDEX = sql.SQL("SELECT pg_get_indexdef(i.indexrelid) FROM pg_index i WHERE i.indexrelid = {oid}")
_INDEX = sql.SQL("""
SELECT pg_get_indexdef(c.oid), i.indisvalid, x.nspname::text, t.relname::text, c.relname::text,
  (SELECT s.spcname::text FROM pg_tablespace s WHERE s.oid = c.reltablespace), i.indisclustered, i.indisreplident,
  obj_description(c.oid, 'pg_class'),
  ARRAY(SELECT ARRAY[a.attnum::int, a.attstattarget::int] FROM pg_attribute a
    WHERE a.attrelid = c.oid AND a.attstattarget >= 0)
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
  JOIN pg_namespace x ON x.oid = t.relnamespace
WHERE c.oid = {oid}""")
_IS_PARTITION = sql.SQL("""
SELECT h.inhparent::regclass::text || ' ' || pg_get_expr(c.relpartbound, c.oid)
FROM pg_class c JOIN pg_inherits h ON h.inhrelid = c.oid WHERE c.oid = {oid} AND NOT h.inhdetachpending""")
_PARTITION = sql.SQL("""
SELECT h.inhparent::regclass::text || ' ' || pg_get_expr(c.relpartbound, c.oid), pg_get_expr(c.relpartbound, c.oid),
  n.nspname::text, p.relname::text
FROM pg_class c JOIN pg_inherits h ON h.inhrelid = c.oid JOIN pg_class p ON p.oid = h.inhparent
  JOIN pg_namespace n ON n.oid = p.relnamespace
WHERE c.oid = {oid} AND c.relispartition""")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What goes: an index or a partition, by the schemas that its name is looked up in, in order."""

    kind: str
    schemas: tuple[str, ...]
    name: str


@dataclass(frozen=True, slots=True)
class Definition:
    """`words` is how the server described it, `statements` bring it back. `oid` is what it had."""

    kind: str
    oid: int
    schema: str
    name: str
    words: str
    statements: tuple[str, ...]

    @property
    def label(self) -> str:
        return f"{self.kind} {self.schema}.{self.name}"

    def as_json(self) -> Json:
        return [self.kind, self.oid, self.schema, self.name, self.words, list(self.statements)]


@dataclass(frozen=True, slots=True)
class Kept:
    """Definitions that were written to a sink. `facts` are for the manifest; `outline`, for the undo's record, only
    names them."""

    definitions: tuple[Definition, ...]
    facts: dict[str, Json]
    outline: dict[str, Json]
    gaps: tuple[str, ...]


async def keep_definitions(own: Own, wanted: Sequence[Wanted], sink: Sink) -> Kept:
    """Read them and write them down.

    Raises:
        Unguardable: one is not there, or Yett's own connection cannot read it.
    """
    async with opened(own) as connection, connection.transaction():
        xid, system, database, standby = await row(connection, _PLACE)
        if standby:
            raise Unguardable("Yett's own connection goes to a standby", "point its credential at the primary server")
        found = [await _described(connection, one) for one in wanted]
    gaps = tuple(gap for _, more in found for gap in more)
    definitions = tuple(one for one, _ in found)
    script = "".join(f"{statement};\n" for one in definitions for statement in one.statements)
    file = await keep(sink, NAME, single(script.encode()))
    source = sink if isinstance(sink, Source) else None
    captured = Captured(xid, (), system, database, (), None, (file,), gaps, source=source)
    facts = captured.facts() | {DEFINITIONS: [one.as_json() for one in definitions]}
    await keep(sink, MANIFEST, single(canonical(facts)))
    return Kept(definitions, facts, captured.outline() | {NAMES: [one.label for one in definitions]}, gaps)


def definitions_of(facts: Mapping[str, Json]) -> tuple[Definition, ...]:
    """Those of an undo's facts; none if it is an undo of rows. Raises YettError: they cannot be read."""
    listed: Any = facts.get(DEFINITIONS) or []  # Any: the shape is checked by taking it apart
    try:
        return tuple(
            Definition(str(kind), int(oid), str(schema), str(name), str(words), tuple(str(one) for one in statements))
            for kind, oid, schema, name, words, statements in listed
        )
    except (TypeError, ValueError):
        raise YettError("the undo's record cannot be read", "it was written by another version of Yett") from None


async def bring_definitions_back(own: Own, facts: Mapping[str, Json], source: Source, begun: Begun | None) -> list[str]:
    """All of them, or nothing; answers their names.

    Raises:
        YettError: the undo does not fit this database, or what came back is not what was there.
    """
    captured, definitions = load(facts, source), definitions_of(facts)
    async with one_transaction(own, keep=True) as connection:
        await must_fit(connection, captured)
        for one in definitions:
            for statement in one.statements:
                await connection.execute(statement.encode())
            await _must_be_again(connection, one)
        await announce(own, connection, begun)
    return [f"{one.schema}.{one.name}" for one in definitions]


async def _must_be_again(connection: Connection, one: Definition) -> None:
    kinds = ["i", "I"] if one.kind == INDEX else ["r", "p", "f"]
    parts = {"schemas": sql.Literal([one.schema]), "name": sql.Literal(one.name), "kinds": sql.Literal(kinds)}
    words = [await rows(connection, _words(one.kind, oid)) for (oid,) in await rows(connection, _FOUND.format(**parts))]
    if words != [[(one.words,)]]:
        raise YettError(f"{one.schema}.{one.name} did not come back as it was, so nothing was changed")


def _words(kind: str, oid: int) -> sql.Composed:
    return (_IS_INDEX if kind == INDEX else _IS_PARTITION).format(oid=sql.Literal(oid))


async def _described(connection: Connection, wanted: Wanted) -> tuple[Definition, tuple[str, ...]]:
    kinds = ["i", "I"] if wanted.kind == INDEX else ["r", "p", "f"]
    parts = {"schemas": list(wanted.schemas), "name": wanted.name, "kinds": kinds}
    found = await rows(connection, _FOUND.format(**{key: sql.Literal(value) for key, value in parts.items()}))
    if not found:
        raise Unguardable(f"there is no {wanted.kind} {wanted.name}", "look at its name")
    ((oid,),) = found
    schema, name = await row(connection, _NAMED.format(oid=sql.Literal(oid)))
    make = _index if wanted.kind == INDEX else _partition
    words, statements, gaps = await make(connection, oid, schema, name)
    said = tuple(statement.as_string(connection) for statement in statements)
    return Definition(wanted.kind, oid, schema, name, words, said), gaps


Described = tuple[str, list[sql.Composed], tuple[str, ...]]


async def _index(connection: Connection, oid: int, schema: str, name: str) -> Described:
    found = await row(connection, _INDEX.format(oid=sql.Literal(oid)))
    words, valid, table_schema, table, _, space, clustered, identity, comment, targets = found
    index, of = sql.Identifier(schema, name), sql.Identifier(table_schema, table)
    statements = [sql.Composed([sql.SQL(words)])]
    if space:
        statements.append(sql.SQL("ALTER INDEX {} SET TABLESPACE {}").format(index, sql.Identifier(space)))
    for number, target in targets:
        alter = sql.SQL("ALTER INDEX {} ALTER COLUMN {} SET STATISTICS {}")
        statements.append(alter.format(index, sql.Literal(number), sql.Literal(target)))
    if clustered:
        statements.append(sql.SQL("ALTER TABLE {} CLUSTER ON {}").format(of, sql.Identifier(name)))
    if identity:
        statements.append(sql.SQL("ALTER TABLE {} REPLICA IDENTITY USING INDEX {}").format(of, sql.Identifier(name)))
    if comment is not None:
        statements.append(sql.SQL("COMMENT ON INDEX {} IS {}").format(index, sql.Literal(comment)))
    gaps = ("the index is built again, while nobody can write to its table",)
    return words, statements, gaps if valid else (*gaps, "the index was invalid: it comes back valid, or not at all")


async def _partition(connection: Connection, oid: int, schema: str, name: str) -> Described:
    found = await rows(connection, _PARTITION.format(oid=sql.Literal(oid)))
    if not found:
        raise Unguardable(f"{schema}.{name} is no partition", "look at its name")
    ((words, bound, parent_schema, parent),) = found
    attach = sql.SQL("ALTER TABLE ONLY {} ATTACH PARTITION {} {}").format(
        sql.Identifier(parent_schema, parent), sql.Identifier(schema, name), sql.SQL(bound)
    )
    gaps = (
        "a check constraint that repeats its bounds stays on the partition",
        "rows that are put beyond its bounds meanwhile keep it from coming back",
    )
    return words, [attach], gaps
