"""What a scope means in one database: the relations, columns and sequences that the lease is granted, and no others."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from psycopg.rows import TupleRow

from yett.model.errors import ConfigurationError
from yett.providers.postgres.own import Own
from yett.providers.postgres.scope import Columns, Scope, Table

_RELATIONS = """
SELECT c.oid, n.nspname, c.relname, c.relkind
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND (n.nspname = ANY (%(schemas)s) OR (n.nspname, c.relname) IN
  (SELECT * FROM unnest(%(table_schemas)s::name[], %(table_names)s::name[])))"""

_SCHEMAS = "SELECT nspname FROM pg_namespace WHERE nspname = ANY (%(schemas)s)"

_MASKED = """
WITH RECURSIVE kin(a, b) AS (
  SELECT inhrelid, inhparent FROM pg_inherits UNION ALL SELECT inhparent, inhrelid FROM pg_inherits
), named(relid, col) AS (
  SELECT c.oid, m.col FROM unnest(%(schemas)s::name[], %(names)s::name[], %(columns)s::name[]) m(schema, name, col)
  JOIN pg_namespace n ON n.nspname = m.schema JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = m.name
), masked(relid, col) AS (
  SELECT a.attrelid, a.attname FROM named JOIN pg_attribute a ON a.attrelid = named.relid AND a.attname = named.col
  WHERE a.attnum > 0 AND NOT a.attisdropped
  UNION
  (WITH known AS (SELECT * FROM masked)
  SELECT kin.b, k.col FROM known k JOIN kin ON kin.a = k.relid
    JOIN pg_attribute a ON a.attrelid = kin.b AND a.attname = k.col AND NOT a.attisdropped
  UNION ALL
  SELECT g.attrelid, g.attname FROM known k
    JOIN pg_attribute base ON base.attrelid = k.relid AND base.attname = k.col
    JOIN pg_attribute g ON g.attrelid = k.relid AND g.attgenerated <> '' AND NOT g.attisdropped
    JOIN pg_attrdef f ON f.adrelid = g.attrelid AND f.adnum = g.attnum
    JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = k.relid AND d.refobjsubid = base.attnum
      AND ((d.classid = 'pg_attrdef'::regclass AND d.objid = f.oid)
        OR (d.classid = 'pg_class'::regclass AND d.objid = g.attrelid AND d.objsubid = g.attnum)))
)
SELECT m.relid, n.nspname, c.relname, m.col, a.attnum
FROM masked m JOIN pg_class c ON c.oid = m.relid JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_attribute a ON a.attrelid = m.relid AND a.attname = m.col"""

_SHOWING = """
WITH RECURSIVE showing(relid) AS (
  SELECT unnest(%(masked)s::oid[])
  UNION
  SELECT r.ev_class FROM showing s
    JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = s.relid
      AND d.classid = 'pg_rewrite'::regclass
    JOIN pg_rewrite r ON r.oid = d.objid
)
SELECT c.oid, n.nspname, c.relname FROM showing s JOIN pg_class c ON c.oid = s.relid
JOIN pg_namespace n ON n.oid = c.relnamespace WHERE s.relid <> ALL (%(masked)s::oid[])"""

_STATISTICS = """
SELECT oid FROM pg_class WHERE relnamespace = 'pg_catalog'::regnamespace
  AND relname IN ('pg_stats', 'pg_stats_ext', 'pg_stats_ext_exprs', 'pg_statistic', 'pg_statistic_ext_data')"""

_NOW = """
SELECT n.nspname, c.relname, a.attname FROM unnest(%(oids)s::oid[], %(numbers)s::int2[]) known(oid, number)
JOIN pg_class c ON c.oid = known.oid JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = known.number AND NOT a.attisdropped"""

_LAYOUT = """
SELECT c.oid, n.nspname, c.relname, a.attnum, a.attname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.oid = ANY (%(relations)s::oid[])"""

_RULES = """
SELECT n.nspname, c.relname FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class
JOIN pg_namespace n ON n.oid = c.relnamespace WHERE r.ev_class = ANY (%(masked)s) AND r.ev_type <> '1'"""

_COLUMNS = """
SELECT attrelid, attname FROM pg_attribute
WHERE attrelid = ANY (%(relations)s) AND attnum > 0 AND NOT attisdropped ORDER BY attnum"""

# Those that may be read stand in a schema, fill a column by default, or are a part of it.
_SEQUENCES = """
WITH filling(sequence, relation) AS (
  SELECT d.refobjid, f.adrelid FROM pg_attrdef f
    JOIN pg_depend d ON d.classid = 'pg_attrdef'::regclass AND d.objid = f.oid AND d.refclassid = 'pg_class'::regclass
), part(sequence, relation) AS (
  SELECT d.objid, d.refobjid FROM pg_depend d
  WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
)
SELECT n.nspname, s.relname,
  EXISTS (SELECT FROM filling f WHERE f.sequence = s.oid AND f.relation = ANY (%(writable)s::oid[])) AS fills
FROM pg_class s JOIN pg_namespace n ON n.oid = s.relnamespace
WHERE s.relkind = 'S' AND s.relpersistence <> 't' AND (n.nspname = ANY (%(schemas)s)
  OR EXISTS (SELECT FROM filling f WHERE f.sequence = s.oid AND f.relation = ANY (%(relations)s::oid[]))
  OR EXISTS (SELECT FROM part p WHERE p.sequence = s.oid AND p.relation = ANY (%(relations)s::oid[])))"""


@dataclass(frozen=True, slots=True)
class Relation:
    """A row of pg_class that a lease may name. `kind` is relkind."""

    oid: int
    table: Table
    kind: str


@dataclass(frozen=True, slots=True)
class Masked:
    """The columns that a scope masks, as the catalog has them, and what else would show them.

    `columns`: by table oid, attribute numbers to names: those named, the same columns of partitions, parents and
    children (a parent's rows are its children's, read with the right to the parent alone), and generated columns
    computed from any of them. `showing`: views, materialised views and tables with rules that read such a table,
    directly or through others, with whatever rights their owner has. `statistics`: the system's own views of common
    values, which show a column to whoever may select it. `layout`: schema, name, number and name of every column of
    all of these relations, by oid.
    """

    columns: dict[int, dict[int, str]]
    names: dict[int, Table]
    showing: dict[int, Table]
    statistics: frozenset[int] = frozenset()
    layout: dict[int, list[tuple[str, str, int, str]]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Grants:
    """Exactly what one lease is granted. `read_columns`: tables of which only these columns may be read. `masked`: what
    is kept from it; columns that are only veiled are granted. `read_sequences` may be read, `sequences`
    be drawn from."""

    schemas: tuple[str, ...]
    read: tuple[Relation, ...]
    read_columns: tuple[tuple[Relation, tuple[str, ...]], ...]
    write: tuple[Relation, ...]
    sequences: tuple[Table, ...]
    read_sequences: tuple[Table, ...]
    masked: Masked


async def resolve(own: Own, scope: Scope) -> Grants:
    """Look up in the catalog what the scope names. Read inside the transaction that grants it.

    Raises:
        ConfigurationError: something named is not there, or a masked column could be read another way.
    """
    relations = await _relations(own, scope)
    masked = await masked_columns(own, scope.masked)
    must_be_there(scope.masked, masked)
    must_be_there(scope.veiled, await masked_columns(own, scope.veiled))
    readable, writable = _readable(scope, relations), _writable(scope, relations)
    by_column: list[tuple[Relation, tuple[str, ...]]] = []
    if masked.columns:
        await _refuse_ways_round(own, scope, masked, writable)
        acknowledged = {relation.oid for relation in relations if relation.table in scope.masked}
        readable = [one for one in readable if one.oid not in masked.showing or one.oid in acknowledged]
        writable = [one for one in writable if one.oid not in masked.showing or one.oid in acknowledged]
        by_column = await _visible(own, [one for one in readable if one.oid in masked.columns], masked)
        readable = [one for one in readable if one.oid not in masked.columns]
    shown = [*readable, *(relation for relation, _ in by_column), *writable]
    sequences = await _rows(
        own,
        _SEQUENCES,
        writable=[one.oid for one in writable],
        relations=[one.oid for one in shown],
        schemas=sorted(scope.read_schemas),
    )
    return Grants(
        schemas=tuple(sorted(scope.schemas | {table.schema for table in scope.tables})),
        read=tuple(readable),
        read_columns=tuple(by_column),
        write=tuple(writable),
        sequences=tuple(Table(schema, name) for schema, name, fills in sequences if fills),
        read_sequences=tuple(Table(schema, name) for schema, name, _ in sequences),
        masked=masked,
    )


async def masked_columns(own: Own, columns: Columns) -> Masked:
    """What they mean in this database; what the plan of the wire's masking is made from, too."""
    named = [(table, column) for table, names in columns.items() for column in sorted(names)]
    if not named:
        return Masked({}, {}, {})
    rows = await _rows(
        own,
        _MASKED,
        schemas=[table.schema for table, _ in named],
        names=[table.name for table, _ in named],
        columns=[column for _, column in named],
    )
    found = Masked({}, {}, {}, frozenset(oid for (oid,) in await _rows(own, _STATISTICS)))
    for oid, schema, name, column, number in rows:
        found.columns.setdefault(oid, {})[number] = column
        found.names[oid] = Table(schema, name)
    showing = await _rows(own, _SHOWING, masked=list(found.columns))
    found.showing.update({oid: Table(schema, name) for oid, schema, name in showing})
    for oid, *column in await _rows(own, _LAYOUT, relations=[*found.columns, *found.showing]):
        found.layout.setdefault(oid, []).append((column[0], column[1], column[2], column[3]))
    return found


def must_be_there(columns: Columns, found: Masked) -> None:
    """Raises ConfigurationError: one is not, and a mask that hides nothing is a mistake."""
    present = {(found.names[oid], name) for oid, names in found.columns.items() for name in names.values()}
    named = [(table, name) for table, names in sorted(columns.items()) for name in sorted(names)]
    if missing := [f"{table}.{name}" for table, name in named if (table, name) not in present]:
        raise ConfigurationError(f"The lease masks columns that the database does not have: {', '.join(missing)}.")


async def columns_now(own: Own, numbers: Mapping[int, Collection[int]]) -> Columns:
    """What columns are called that were known by their numbers; those that were dropped are left out."""
    pairs = [(oid, number) for oid, listed in numbers.items() for number in listed]
    rows = await _rows(own, _NOW, oids=[oid for oid, _ in pairs], numbers=[number for _, number in pairs])
    found: dict[Table, frozenset[str]] = {}
    for schema, table, column in rows:
        found[Table(schema, table)] = found.get(Table(schema, table), frozenset()) | {column}
    return found


async def _relations(own: Own, scope: Scope) -> list[Relation]:
    tables = sorted(scope.tables | frozenset(scope.masked) | frozenset(scope.veiled))
    schemas = sorted(scope.schemas)
    rows = await _rows(
        own,
        _RELATIONS,
        schemas=schemas,
        table_schemas=[table.schema for table in tables],
        table_names=[table.name for table in tables],
    )
    found = [Relation(oid, Table(schema, name), kind) for oid, schema, name, kind in rows]
    there = {relation.table for relation in found}
    missing = [str(table) for table in tables if table not in there]
    known = {name for (name,) in await _rows(own, _SCHEMAS, schemas=schemas)}
    if missing := missing + [schema for schema in schemas if schema not in known]:
        raise ConfigurationError(f"The lease names what the database does not have: {', '.join(missing)}.")
    return sorted(found, key=lambda relation: relation.table)


def _readable(scope: Scope, relations: list[Relation]) -> list[Relation]:
    return [one for one in relations if one.table in scope.read or one.table.schema in scope.read_schemas]


def _writable(scope: Scope, relations: list[Relation]) -> list[Relation]:
    return [
        one
        for one in relations
        if one.table in scope.write or (one.table.schema in scope.write_schemas and one.kind in "rp")
    ]


async def _refuse_ways_round(own: Own, scope: Scope, masked: Masked, writable: list[Relation]) -> None:
    """A view or rule reads with its owner's rights: a column grant on the table behind it hides nothing."""
    named = [str(t) for t in masked.showing.values() if t in scope.tables and t not in scope.masked]
    if named:
        raise ConfigurationError(
            f"The lease names {', '.join(sorted(named))}, which reads a table with masked columns.",
            "Leave it out, or name it among the masked tables with the columns to hide (none, if it shows nothing).",
        )
    written = [one.oid for one in writable if one.oid in masked.columns]
    if ruled := await _rows(own, _RULES, masked=written):
        raise ConfigurationError(
            f"{Table(*ruled[0])} has masked columns and rewrite rules, which run with their owner's rights.",
            "Let the lease read it only.",
        )


async def _visible(own: Own, tables: Iterable[Relation], masked: Masked) -> list[tuple[Relation, tuple[str, ...]]]:
    by_oid: dict[int, list[str]] = {relation.oid: [] for relation in tables}
    for oid, column in await _rows(own, _COLUMNS, relations=list(by_oid)):
        if column not in masked.columns[oid].values():
            by_oid[oid].append(column)
    return [(relation, tuple(by_oid[relation.oid])) for relation in tables if by_oid[relation.oid]]


async def _rows(own: Own, query: str, **parameters: object) -> list[TupleRow]:
    cursor = await own.execute(query, parameters)
    return await cursor.fetchall()
