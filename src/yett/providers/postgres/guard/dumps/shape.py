"""What a relation is: its own row of the catalogs, its columns, the options of its indexes, the sequences that it owns,
the comments on its parts, and what others than leases may do with it.

A lease that begins or ends changes what its role may do, and with that who wrote those rows last.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from yett.providers.postgres.guard.words.word import Asked
from yett.providers.postgres.role import LEASE


def _may(acl: str) -> str:
    """Expression for all that an ACL lets others than leases do."""
    return f"""(
  SELECT string_agg(concat_ws(',', coalesce(quote_ident(r.rolname), 'PUBLIC'), e.privilege_type, e.is_grantable), ';'
    ORDER BY r.rolname, e.privilege_type, e.is_grantable)
  FROM aclexplode({acl}) e LEFT JOIN pg_roles r ON r.oid = e.grantee
  WHERE r.rolname IS NULL OR r.rolname !~ '^({LEASE})$')"""


_SHAPES = f"""
SELECT c.oid::text, md5(concat_ws('/',
  ROW(c.relname, c.relnamespace, c.relowner, c.relam, c.reltablespace, c.relpersistence,
    c.relrowsecurity, c.relforcerowsecurity, c.relreplident, c.relispartition, c.reloptions, c.relpartbound)::text,
  {_may("coalesce(c.relacl, acldefault('r', c.relowner))")},
  (SELECT string_agg(concat_ws(',', ROW(a.attnum, a.attname, a.atttypid, a.atttypmod, a.attnotnull, a.atthasdef,
      a.attidentity, a.attgenerated, a.attisdropped, a.attstorage, a.attcompression, a.attstattarget, a.attcollation,
      a.attoptions, a.attfdwoptions, a.attislocal, a.attinhcount)::text, {_may("a.attacl")}), ';' ORDER BY a.attnum)
    FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0))),
  md5(concat_ws('/',
  (SELECT string_agg(concat_ws(',', ROW(x.relname, x.relam, x.reltablespace, x.reloptions, i.indisunique, i.indisvalid,
      i.indisclustered, i.indisreplident)::text, substring(pg_get_indexdef(x.oid) from ' USING .*')), ';'
      ORDER BY x.relname) FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid WHERE i.indrelid = c.oid),
  (SELECT string_agg(concat_ws(',', x.relname, x.relowner, to_jsonb(s) - 'seqrelid', {_may("x.relacl")},
      obj_description(x.oid, 'pg_class')), ';' ORDER BY x.relname)
    FROM pg_depend d JOIN pg_class x ON x.oid = d.objid JOIN pg_sequence s ON s.seqrelid = x.oid
    WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid),
  (SELECT concat_ws(',', t.typacl, obj_description(t.oid, 'pg_type')) FROM pg_type t WHERE t.oid = c.reltype),
  (SELECT x.reloptions::text FROM pg_class x WHERE x.oid = c.reltoastrelid),
  (SELECT string_agg(concat_ws(',', k.conname, t.tgenabled), ';' ORDER BY k.conname, t.tgenabled) FROM pg_trigger t
    JOIN pg_constraint k ON k.oid = t.tgconstraint WHERE t.tgrelid = c.oid AND t.tgisinternal AND t.tgenabled <> 'O'),
  (SELECT string_agg(concat_ws(',', part, description), ';' ORDER BY part, description) FROM (
      SELECT 'pg_constraint'::regclass AS class, oid, conname::text AS part FROM pg_constraint WHERE conrelid = c.oid
      UNION ALL SELECT 'pg_class'::regclass, indexrelid, indexrelid::regclass::text FROM pg_index WHERE indrelid = c.oid
      UNION ALL SELECT 'pg_trigger'::regclass, oid, tgname FROM pg_trigger WHERE tgrelid = c.oid AND NOT tgisinternal
      UNION ALL SELECT 'pg_policy'::regclass, oid, polname FROM pg_policy WHERE polrelid = c.oid
      UNION ALL SELECT 'pg_rewrite'::regclass, oid, rulename FROM pg_rewrite WHERE ev_class = c.oid
      UNION ALL SELECT 'pg_statistic_ext'::regclass, oid, stxname FROM pg_statistic_ext WHERE stxrelid = c.oid
    ) parts JOIN pg_description d ON d.classoid = parts.class AND d.objoid = parts.oid)))
FROM pg_class c WHERE c.oid = ANY (ARRAY[%s]::oid[])"""


_AND_VIEWS = """
WITH RECURSIVE standing(oid) AS (
  SELECT unnest(ARRAY[%s]::oid[]) UNION SELECT r.ev_class FROM standing s JOIN pg_depend d
    ON d.refclassid = 'pg_class'::regclass AND d.refobjid = s.oid AND d.classid = 'pg_rewrite'::regclass
  JOIN pg_rewrite r ON r.oid = d.objid
) SELECT oid::text FROM standing"""


@dataclass(frozen=True, slots=True)
class Shape:
    """Digests: of a relation itself, and of what hangs on it."""

    itself: str
    parts: str


async def shapes(asked: Asked, oids: Collection[int]) -> dict[int, Shape]:
    """Of each (by oid) that is there; asked where names are the system's own (`words.as_written`)."""
    if not oids:
        return {}
    found = await asked(_SHAPES % ",".join(str(oid) for oid in sorted(oids)))
    return {int(oid or 0): Shape(itself or "", parts or "") for oid, itself, parts in found}


async def and_views(asked: Asked, oids: Collection[int]) -> set[int]:
    """These relations, and the views that stand on them."""
    if not oids:
        return set()
    return {int(oid or 0) for (oid,) in await asked(_AND_VIEWS % ",".join(str(oid) for oid in sorted(oids)))}
