"""What a table looks like, as far as keeping its rows and bringing them back needs it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from psycopg import sql

from yett.providers.postgres.guard.own import Connection, rows

_TABLES = sql.SQL("""
SELECT c.oid::int8, n.nspname, c.relname, c.relkind::text, coalesce(a.amname, ''),
  coalesce(pg_relation_filenode(c.oid), 0)::int8, pg_table_size(c.oid), c.relispartition,
  row_security_active(c.oid), has_table_privilege(c.oid, 'SELECT')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_am a ON a.oid = c.relam
WHERE c.oid = ANY ({oids}::oid[]) AND c.relpersistence <> 't'""")
_COLUMNS = sql.SQL("""
SELECT a.attrelid::int8, a.attname, format_type(a.atttypid, a.atttypmod), a.atttypid::int8,
  a.attgenerated::text, coalesce(CASE WHEN a.attgenerated <> '' THEN md5(pg_get_expr(d.adbin, d.adrelid)) END, ''),
  a.attnum::int
FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = ANY ({oids}::oid[]) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attrelid, a.attnum""")
# Unique, whole, of plain columns that hold no NULL (where NOT NULL is NOT VALID they may: 18); with the operator that
# the index itself finds equals by.
_KEYS = sql.SQL("""
SELECT i.indrelid::int8, array_agg(a.attname::text ORDER BY k.n), array_agg(o.oprname::text ORDER BY k.n),
  array_agg(s.nspname::text ORDER BY k.n)
FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_am m ON m.oid = x.relam AND m.amname = 'btree'
CROSS JOIN generate_series(1, i.indnkeyatts) k(n)
JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[k.n - 1]
JOIN pg_opclass c ON c.oid = i.indclass[k.n - 1]
JOIN pg_amop e ON e.amopfamily = c.opcfamily AND e.amopstrategy = 3
  AND e.amoplefttype = c.opcintype AND e.amoprighttype = c.opcintype
JOIN pg_operator o ON o.oid = e.amopopr JOIN pg_namespace s ON s.oid = o.oprnamespace
WHERE i.indrelid = ANY ({oids}::oid[]) AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
  AND NOT EXISTS (SELECT FROM pg_constraint v WHERE v.conrelid = i.indrelid AND v.contype = 'n' AND NOT v.convalidated
    AND v.conkey[1] = a.attnum)
GROUP BY i.indrelid, i.indexrelid, i.indisprimary, i.indnkeyatts
HAVING bool_and(a.attnotnull) AND count(*) = i.indnkeyatts
ORDER BY i.indrelid, i.indisprimary DESC, i.indnkeyatts, i.indexrelid""")
# All base types that values of a type are made of: elements, fields, bounds, what a domain stands on; and domains with
# a constraint that their values from before it may break.
_TYPES = sql.SQL("""
WITH RECURSIVE made(root, oid) AS (
  SELECT t, t FROM unnest({types}::oid[]) t
  UNION SELECT made.root, p.oid FROM made JOIN pg_type t ON t.oid = made.oid CROSS JOIN LATERAL (
    SELECT t.typelem WHERE t.typcategory = 'A' AND t.typelem <> 0
    UNION SELECT t.typbasetype WHERE t.typtype = 'd'
    UNION SELECT r.rngsubtype FROM pg_range r WHERE t.oid IN (r.rngtypid, r.rngmultitypid)
    UNION SELECT a.atttypid FROM pg_attribute a
      WHERE t.typtype = 'c' AND a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped
  ) p(oid)
)
SELECT made.root::int8, t.oid::int8, t.typtype::text, t.typname, t.typnamespace = 'pg_catalog'::regnamespace,
  t.typsend <> 0 AND t.typreceive <> 0
FROM made JOIN pg_type t ON t.oid = made.oid WHERE t.typtype IN ('b', 'p', 'e') AND t.typcategory <> 'A'
  OR EXISTS (SELECT FROM pg_constraint k WHERE k.contypid = t.oid AND NOT k.convalidated)""")

# Types whose binary form is their stored form: what is sent comes back as the same bytes. Not so xml, which is sent
# without its encoding declaration and leading line end.
_EXACT = """
    bool int2 int4 int8 float4 float8 numeric money text varchar bpchar char name bytea date time timetz timestamp
    timestamptz interval uuid json jsonb inet cidr macaddr macaddr8 bit varbit point lseg box path polygon circle
    oid tsvector tsquery xid xid8 cid tid pg_lsn int2vector oidvector regclass regproc regprocedure regtype regrole
    regnamespace regoper regoperator regconfig regdictionary regcollation
"""


@dataclass(frozen=True, slots=True)
class Column:
    """`generated` is the MD5 of a generated column's expression (people write values into those, and an undo's record
    is not sealed), "" for all others. `number` is pg_attribute.attnum, 0 where that was not written down: a column that
    was dropped and made again by the same name has another."""

    name: str
    type: str
    generated: str = ""
    number: int = field(default=0, compare=False)

    @property
    def quoted(self) -> sql.Identifier:
        return sql.Identifier(self.name)


@dataclass(frozen=True, slots=True)
class KeyColumn:
    """A column of a key, and the operator that finds it equal."""

    name: str
    operator: str
    schema: str

    def equal(self, left: sql.Composable, right: sql.Composable) -> sql.Composed:
        operator = sql.SQL(self.operator)
        return sql.SQL("{} OPERATOR({}.{}) {}").format(left, sql.Identifier(self.schema), operator, right)


@dataclass(frozen=True, slots=True)
class Table:
    """One heap with rows: a table or a leaf partition, without those that inherit from it.

    `columns` are the stored ones in their order; `keys` the sets of columns that tell rows apart, the best first;
    `enums` the enum types (oids) that values are made of.
    """

    oid: int
    schema: str
    name: str
    filenode: int
    size: int
    is_partition: bool
    columns: tuple[Column, ...]
    keys: tuple[tuple[KeyColumn, ...], ...]
    obstacle: str
    doubtful: tuple[Column, ...]
    enums: frozenset[int] = frozenset()

    @property
    def label(self) -> str:
        return f"{self.schema}.{self.name}"

    @property
    def quoted(self) -> sql.Identifier:
        return sql.Identifier(self.schema, self.name)

    @property
    def written(self) -> tuple[Column, ...]:
        """The columns that an INSERT gives; the others are made from them."""
        return tuple(column for column in self.columns if not column.generated)


def are_the_same(some: Collection[Column], others: Collection[Column]) -> bool:
    """Whether these are the very same columns, and not others by the same names."""
    return some == others and all(
        one.number == other.number or not (one.number and other.number) for one, other in zip(some, others, strict=True)
    )


async def tables(own: Connection, oids: Collection[int]) -> dict[int, Table]:
    """Those of `oids` that exist. `obstacle` says why the rows of one cannot be kept, "" if they can.

    `doubtful`: columns whose binary form is not known to be exact, so that what was read has to be tried out.
    """
    if not oids:
        return {}
    wanted = sql.Literal("{" + ",".join(str(oid) for oid in sorted(oids)) + "}")
    columns: dict[int, list[Column]] = {}
    types: dict[int, list[int]] = {}
    for oid, name, shown, type_oid, kind, expression, number in await rows(own, _COLUMNS.format(oids=wanted)):
        if kind == "v":  # virtual: computed when it is read, never stored (18)
            continue
        columns.setdefault(oid, []).append(Column(name, shown, expression if kind == "s" else "", number))
        types.setdefault(oid, []).append(type_oid)
    keys: dict[int, list[tuple[KeyColumn, ...]]] = {}
    for oid, names, operators, schemas in await rows(own, _KEYS.format(oids=wanted)):
        key = tuple(KeyColumn(*parts) for parts in zip(names, operators, schemas, strict=True))
        keys.setdefault(oid, []).append(key)
    found = {}
    for oid, schema, name, kind, method, filenode, size, partition, filtered, allowed in await rows(
        own, _TABLES.format(oids=wanted)
    ):
        inexact, unsendable, enums = await _types(own, types.get(oid, []))
        obstacle = _obstacle(kind, method, filtered, allowed, bool(columns.get(oid)), unsendable)
        found[oid] = Table(
            oid,
            schema,
            name,
            filenode,
            size,
            partition,
            tuple(columns.get(oid, ())),
            tuple(keys.get(oid, ())),
            obstacle,
            tuple(c for c, made_of in zip(columns.get(oid, ()), types.get(oid, ()), strict=True) if made_of in inexact),
            enums,
        )
    return found


async def _types(own: Connection, oids: list[int]) -> tuple[set[int], set[str], frozenset[int]]:
    """Those of `oids` that are not known to be exact, names of base types in them that have no binary form, and enum
    types in them."""
    listed = sql.Literal("{" + ",".join(str(oid) for oid in sorted(set(oids))) + "}")
    found = await rows(own, _TYPES.format(types=listed))
    enums = frozenset(oid for _, oid, kind, *_ in found if kind == "e")
    inexact = {
        root
        for root, _, kind, name, builtin, _ in found
        if kind != "e" and (kind == "d" or not builtin or name not in _EXACT.split())
    }
    return inexact, {name for _, _, _, name, _, sends in found if not sends}, enums


def _obstacle(kind: str, method: str, filtered: bool, allowed: bool, has_columns: bool, unsendable: set[str]) -> str:
    if kind not in ("r", "m") or method != "heap":
        return f"is no plain table ({kind}, {method or 'no storage'})"
    if not allowed:
        return "cannot be read by Yett's own role"
    if filtered:
        return "is under row security for Yett's own role, which needs BYPASSRLS"
    if not has_columns:
        return "has no columns"
    if unsendable:
        return "has values without a binary form: " + ", ".join(sorted(unsendable))
    return ""
