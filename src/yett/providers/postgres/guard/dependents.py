"""What goes when a table goes: everything that depends on it, and which of that a dump of it brings back."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from psycopg import sql

from yett.providers.postgres.guard.own import Connection, rows

# Partitions and inheriting tables go with their parent; a rule that makes a view goes with its view.
_FAMILY = sql.SQL("""
WITH RECURSIVE family(oid) AS (
  SELECT unnest({oids}::oid[])
  UNION SELECT i.inhrelid FROM family JOIN pg_inherits i ON i.inhparent = family.oid
)
SELECT c.oid::int8, n.nspname, c.relname, c.relkind::text
FROM family JOIN pg_class c ON c.oid = family.oid JOIN pg_namespace n ON n.oid = c.relnamespace
ORDER BY n.nspname, c.relname""")
_IN_SCHEMAS = sql.SQL("""
SELECT c.oid::int8 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = ANY ({schemas}) AND c.relkind IN ('r', 'p', 'm', 'v', 'S', 'f')""")
_DEPENDENTS = sql.SQL("""
WITH RECURSIVE gone(classid, objid) AS (
  SELECT 'pg_class'::regclass::oid, unnest({oids}::oid[])
  UNION SELECT 'pg_namespace'::regclass, oid FROM pg_namespace WHERE nspname = ANY ({schemas}::text[])
  UNION SELECT f.classid, f.objid FROM gone g CROSS JOIN LATERAL (
    SELECT d.classid, d.objid FROM pg_depend d
      WHERE d.refclassid = g.classid AND d.refobjid = g.objid AND d.deptype IN ('n', 'a', 'i', 'P', 'S')
    UNION ALL SELECT 'pg_class'::regclass, r.ev_class FROM pg_rewrite r
      WHERE g.classid = 'pg_rewrite'::regclass AND r.oid = g.objid AND r.rulename = '_RETURN'
  ) f
)
SELECT classid::regclass::text, objid::int8, pg_describe_object(classid, objid, 0),
  CASE classid
    WHEN 'pg_class'::regclass THEN objid
    WHEN 'pg_constraint'::regclass THEN (SELECT conrelid FROM pg_constraint WHERE oid = objid)
    WHEN 'pg_trigger'::regclass THEN (SELECT tgrelid FROM pg_trigger WHERE oid = objid)
    WHEN 'pg_attrdef'::regclass THEN (SELECT adrelid FROM pg_attrdef WHERE oid = objid)
    WHEN 'pg_policy'::regclass THEN (SELECT polrelid FROM pg_policy WHERE oid = objid)
    WHEN 'pg_rewrite'::regclass THEN (SELECT ev_class FROM pg_rewrite WHERE oid = objid)
    WHEN 'pg_statistic_ext'::regclass THEN (SELECT stxrelid FROM pg_statistic_ext WHERE oid = objid)
    WHEN 'pg_type'::regclass THEN
      (SELECT coalesce(nullif(t.typrelid, 0), e.typrelid, 0) FROM pg_type t LEFT JOIN pg_type e ON e.oid = t.typelem
        WHERE t.oid = objid)
    ELSE 0
  END::int8,
  coalesce((SELECT c.relkind::text FROM pg_class c WHERE classid = 'pg_class'::regclass AND c.oid = objid), ''),
  coalesce((SELECT i.indrelid FROM pg_index i WHERE classid = 'pg_class'::regclass AND i.indexrelid = objid), 0)::int8,
  classid = 'pg_trigger'::regclass
    AND EXISTS (SELECT FROM pg_trigger t WHERE t.oid = objid AND t.tgisinternal)
FROM gone WHERE classid <> 'pg_class'::regclass AND (pg_identify_object(classid, objid, 0)).schema = ANY
  ({schemas}::text[]) IS NOT TRUE OR classid = 'pg_class'::regclass""")
_READ = sql.SQL("""
SELECT DISTINCT c.oid::int8, n.nspname::text, c.relname::text, c.relkind::text
FROM pg_depend d JOIN pg_class c ON c.oid = d.refobjid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE d.refclassid = 'pg_class'::regclass AND (d.classid, d.objid) IN (
  SELECT 'pg_rewrite'::regclass::oid, oid FROM pg_rewrite WHERE ev_class = ANY ({oids}::oid[])
  UNION ALL SELECT 'pg_policy'::regclass, oid FROM pg_policy WHERE polrelid = ANY ({oids}::oid[])
  UNION ALL SELECT 'pg_proc'::regclass, p.oid FROM pg_proc p JOIN pg_namespace s ON s.oid = p.pronamespace
    WHERE s.nspname = ANY ({schemas}::text[]))""")
_FOREIGN_KEYS = sql.SQL("""
SELECT n.nspname, c.relname, k.conname, pg_get_constraintdef(k.oid)
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE k.oid = ANY ({oids}::oid[]) AND k.contype = 'f' AND k.conparentid = 0 ORDER BY 1, 2, 3""")
_STATISTICS = sql.SQL("""
SELECT n.nspname::text, s.stxname::text, pg_get_statisticsobjdef(s.oid), r.rolname::text
FROM pg_statistic_ext s JOIN pg_namespace n ON n.oid = s.stxnamespace JOIN pg_roles r ON r.oid = s.stxowner
WHERE s.stxrelid = ANY ({oids}::oid[]) ORDER BY 1, 2""")
_COPIES = sql.SQL("SELECT oid::int8 FROM pg_constraint WHERE oid = ANY ({oids}::oid[]) AND contype = 'f'")
_RELATIONS = sql.SQL("""
SELECT c.oid::int8, n.nspname::text, c.relname::text, c.relkind::text
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = ANY ({oids}::oid[]) ORDER BY c.oid""")

# Parts of what is listed itself, or dumped with its schema.
_UNSAID = frozenset({"pg_namespace", "pg_default_acl", "pg_amop", "pg_amproc", "pg_enum"})
# Belong to a relation, and are dumped and made again with it.
_PARTS = frozenset(
    {"pg_trigger", "pg_attrdef", "pg_policy", "pg_rewrite", "pg_statistic_ext", "pg_type", "pg_constraint"}
)


@dataclass(frozen=True, slots=True)
class Relation:
    """`kind` is pg_class.relkind."""

    oid: int
    schema: str
    name: str
    kind: str

    @property
    def quoted(self) -> sql.Identifier:
        return sql.Identifier(self.schema, self.name)

    @property
    def label(self) -> str:
        return f"{self.schema}.{self.name}"


@dataclass(frozen=True, slots=True)
class Dependents:
    """`views` (schema, name, kind) in an order that each can be made in; `foreign_keys` of tables outside (schema,
    table, name, definition); `covered` relations (oids) that come back; `lost`, described: what would not; `statistics`
    (schema, name, definition, owner)."""

    views: tuple[tuple[str, str, str], ...]
    foreign_keys: tuple[tuple[str, str, str, str], ...]
    covered: frozenset[int]
    lost: tuple[str, ...]
    statistics: tuple[tuple[str, str, str, str], ...]


async def family(own: Connection, oids: Collection[int]) -> list[Relation]:
    """The relations and all that inherits from them."""
    return [Relation(*found) for found in await rows(own, _FAMILY.format(oids=_array(oids)))]


async def relations_of(own: Connection, oids: Collection[int]) -> list[Relation]:
    """Relations of these oids, the oldest first."""
    return [Relation(*found) for found in await rows(own, _RELATIONS.format(oids=_array(oids)))]


async def in_schemas(own: Connection, schemas: Collection[str]) -> set[int]:
    found = await rows(own, _IN_SCHEMAS.format(schemas=sql.Literal(list(schemas))))
    return {oid for (oid,) in found}


async def read_by(own: Connection, covered: Collection[int], schemas: Collection[str]) -> list[Relation]:
    """What a dump of them reads besides: what views, rules, policies and the schemas' functions speak of."""
    found = _READ.format(oids=_array(covered), schemas=sql.Literal(list(schemas)))
    return [Relation(*one) for one in await rows(own, found)]


async def dependents(
    own: Connection, relations: Collection[Relation], already: Collection[int] = (), schemas: Collection[str] = ()
) -> Dependents:
    """Everything that DROP .. CASCADE of `relations` and of all else in `schemas` drops, but for what comes back
    `already` (oids)."""
    mine = {relation.oid for relation in relations}
    found = await rows(own, _DEPENDENTS.format(oids=_array(mine), schemas=sql.Literal(list(schemas))))
    found = [one for one in found if one[0] != "pg_class" or one[1] not in already]
    covered = mine | {oid for kind, oid, _, _, relkind, _, _ in found if kind == "pg_class" and relkind in ("v", "m")}
    owned = {oid for kind, oid, _, _, relkind, _, _ in found if kind == "pg_class" and relkind == "S"}
    covered |= {oid for kind, oid, _, _, relkind, _, _ in found if kind == "pg_class" and relkind == "t"}
    indexes = {oid for kind, oid, _, _, _, table, _ in found if kind == "pg_class" and table in covered}
    covered |= owned | indexes
    outside = {oid for kind, oid, _, table, *_ in found if kind == "pg_constraint" and table not in covered}
    shown = await relations_of(own, covered - mine - owned - indexes)
    keys = await rows(own, _FOREIGN_KEYS.format(oids=_array(outside)))
    are_keys = {oid for (oid,) in await rows(own, _COPIES.format(oids=_array(outside)))}
    comes = covered.union(already)
    beyond = [f"view {view.schema}.{view.name}" for view in shown if schemas and view.schema not in schemas]
    lost = [*beyond, *(described for described in (_lost(one, comes, are_keys) for one in found) if described)]
    return Dependents(
        tuple((view.schema, view.name, view.kind) for view in shown if view.kind in ("v", "m")),
        tuple((schema, table, name, definition) for schema, table, name, definition in keys),
        frozenset(covered),
        tuple(sorted(lost)),
        tuple(tuple(one) for one in await rows(own, _STATISTICS.format(oids=_array(covered)))),
    )


def _lost(found: Any, covered: set[int], foreign_keys: set[int]) -> str:  # Any: one row of the query
    kind, oid, described, table, _, _, internal = found
    if kind == "pg_class":
        return "" if oid in covered else str(described)
    if (
        internal
        or kind in _UNSAID
        or (kind in _PARTS and table in covered)
        or (kind == "pg_constraint" and oid in foreign_keys)
    ):
        return ""
    return str(described)


def _array(oids: Collection[int]) -> sql.Literal:
    return sql.Literal("{" + ",".join(str(oid) for oid in sorted(oids)) + "}")
