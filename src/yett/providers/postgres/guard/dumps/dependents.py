"""What goes when a table goes: everything that depends on it, and which of that a dump of it brings back."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

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
    WHEN 'pg_publication_rel'::regclass THEN (SELECT prrelid FROM pg_publication_rel WHERE oid = objid)
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
SELECT n.nspname, c.relname, k.conname, pg_get_constraintdef(k.oid),
  coalesce(quote_literal(obj_description(k.oid, 'pg_constraint')), '')
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE k.oid = ANY ({oids}::oid[]) AND k.contype = 'f' AND k.conparentid = 0 ORDER BY 1, 2, 3""")
_STATISTICS = sql.SQL("""
SELECT n.nspname::text, s.stxname::text, concat(pg_get_statisticsobjdef(s.oid),
    format('; ALTER STATISTICS %I.%I SET STATISTICS ', n.nspname, s.stxname) || nullif(s.stxstattarget, -1),
    format('; COMMENT ON STATISTICS %I.%I IS ', n.nspname, s.stxname)
      || quote_literal(obj_description(s.oid, 'pg_statistic_ext'))), r.rolname::text
FROM pg_statistic_ext s JOIN pg_namespace n ON n.oid = s.stxnamespace JOIN pg_roles r ON r.oid = s.stxowner
WHERE s.stxrelid = ANY ({oids}::oid[]) ORDER BY 1, 2""")
_COPIES = sql.SQL("SELECT oid::int8 FROM pg_constraint WHERE oid = ANY ({oids}::oid[]) AND contype = 'f'")
_RELATIONS = sql.SQL("""
SELECT c.oid::int8, n.nspname::text, c.relname::text, c.relkind::text
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = ANY ({oids}::oid[]) ORDER BY c.oid""")

RELATION = "pg_class"
# Parts of what is listed itself, or dumped with its schema.
_UNSAID = frozenset({"pg_namespace", "pg_default_acl", "pg_amop", "pg_amproc", "pg_enum"})
# Belong to a relation, and are dumped and made again with it.
_PARTS = frozenset(
    {"pg_trigger", "pg_attrdef", "pg_policy", "pg_rewrite", "pg_statistic_ext", "pg_type", "pg_constraint"}
)
_PARTS |= {"pg_publication_rel"}


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
    table, name, definition), and their comments as literals, "" for none; `covered` relations (oids) that come back;
    `lost`, described: what would not; `statistics` (schema, name, definition, owner)."""

    views: tuple[tuple[str, str, str], ...]
    foreign_keys: tuple[tuple[str, str, str, str], ...]
    key_comments: tuple[str, ...]
    covered: frozenset[int]
    lost: tuple[str, ...]
    statistics: tuple[tuple[str, str, str, str], ...]


@dataclass(frozen=True, slots=True)
class Dependent:
    """An object of the database (of a `catalog`) that goes. `relation`: the one that it is of, 0: of none. Of a
    relation: its `kind`, and which table it is an index of. `internal`: a foreign key's own trigger."""

    catalog: str
    oid: int
    described: str
    relation: int
    kind: str
    indexed: int
    internal: bool

    @property
    def part(self) -> str:
        """As in `Word.parts`."""
        return f"{self.catalog}:{self.oid}"

    def goes_with(self, covered: Collection[int]) -> bool:
        """Whether it is one of these relations, or belongs to one and is dumped with it."""
        if self.catalog == RELATION:
            return self.oid in covered
        return self.internal or self.catalog in _UNSAID or (self.catalog in _PARTS and self.relation in covered)


def belonging(found: Collection[Dependent], relations: Collection[int]) -> set[int]:
    """Of what was found: the sequences that these relations (oids) own, where they keep long values, their indexes."""
    owned = {one.oid for one in found if one.kind in ("S", "t")}
    return owned | {one.oid for one in found if one.indexed in owned or one.indexed in relations}


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


async def depending(own: Connection, oids: Collection[int], schemas: Collection[str] = ()) -> list[Dependent]:
    """Everything that DROP .. CASCADE of relations (oids) and of all else in `schemas` drops, they themselves, too."""
    query = _DEPENDENTS.format(oids=_array(oids), schemas=sql.Literal(list(schemas)))
    return [Dependent(*found) for found in await rows(own, query)]


async def dependents(
    own: Connection, relations: Collection[Relation], already: Collection[int] = (), schemas: Collection[str] = ()
) -> Dependents:
    """Everything that DROP .. CASCADE of `relations` and of all else in `schemas` drops, but for what comes back
    `already` (oids)."""
    mine = {relation.oid for relation in relations}
    found = await depending(own, mine, schemas)
    found = [one for one in found if one.catalog != RELATION or one.oid not in already]
    whole = mine | {one.oid for one in found if one.kind in ("v", "m")}
    belong = belonging(found, whole)
    covered = whole | belong
    outside = {one.oid for one in found if one.catalog == "pg_constraint" and one.relation not in covered}
    shown = await relations_of(own, whole - mine)
    keys = await rows(own, _FOREIGN_KEYS.format(oids=_array(outside)))
    are_keys = {oid for (oid,) in await rows(own, _COPIES.format(oids=_array(outside)))}
    comes = covered.union(already)
    beyond = [f"view {view.schema}.{view.name}" for view in shown if schemas and view.schema not in schemas]
    kept = {f"pg_constraint:{oid}" for oid in are_keys}
    lost = [one for one in found if not (one.goes_with(comes) or one.part in kept)]
    return Dependents(
        tuple((view.schema, view.name, view.kind) for view in shown),
        tuple((schema, table, name, definition) for schema, table, name, definition, _ in keys),
        tuple(comment for *_, comment in keys),
        frozenset(covered),
        tuple(sorted((*beyond, *(one.described for one in lost)))),
        tuple(tuple(one) for one in await rows(own, _STATISTICS.format(oids=_array(covered)))),
    )


def _array(oids: Collection[int]) -> sql.Literal:
    return sql.Literal("{" + ",".join(str(oid) for oid in sorted(oids)) + "}")
