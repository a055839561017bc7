"""The bulk queries whose rows fill a `Snapshot`: a dozen statements for a whole database, PostgreSQL 14 to 18.

They need no right beyond connecting: pg_catalog is readable by everyone. Run them in one REPEATABLE READ transaction
with `SET LOCAL search_path = ''`, so that pg_get_functiondef qualifies what it prints. `snapshot.from_rows` reads the
answers, each a list of tuples in the order of the columns here. Object ids in stored trees are cut out by the server:
the trees themselves can be megabytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

# Names of fields as outfuncs.c prints them. A name that a user chose can at most add an id: it cannot hide one.
_IDS = (
    r":(funcid|aggfnoid|winfnoid|opno|eqop|sortop|relid|resulttype|consttype|row_typeid|typid|commandType) (\d+)"
    r"|:(opnos|funccoltypes|coltypes) \(o ([\d ]+)\)"
    r"|\{(ROWMARKCLAUSE)"
)
_SCHEMA = "CASE WHEN n.nspname LIKE 'pg\\_temp\\_%' THEN 'pg_temp' ELSE n.nspname::text END"

_RELATIONS = f"""
SELECT c.oid, {_SCHEMA}, c.relname::text, c.relkind::text, r.rolname::text, c.relpersistence::text, c.relrowsecurity
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_roles r ON r.oid = c.relowner
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S', 't')"""

_EXPRESSIONS = f"""
WITH trees(what, oid, tree) AS (
  SELECT 'view', ev_class, ev_action::text FROM pg_catalog.pg_rewrite WHERE ev_type = '1'
  UNION ALL SELECT 'rule', oid, concat(ev_qual::text, ev_action::text) FROM pg_catalog.pg_rewrite WHERE ev_type <> '1'
  UNION ALL SELECT 'policy', polrelid, concat(polqual::text, polwithcheck::text) FROM pg_catalog.pg_policy
  UNION ALL SELECT CASE WHEN a.attgenerated::text = 'v' THEN 'virtual' ELSE 'write' END, d.adrelid, d.adbin::text
    FROM pg_catalog.pg_attrdef d JOIN pg_catalog.pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
  UNION ALL SELECT 'write', conrelid, conbin::text FROM pg_catalog.pg_constraint WHERE conrelid <> 0
  UNION ALL SELECT 'domain', contypid, conbin::text FROM pg_catalog.pg_constraint WHERE contypid <> 0
  UNION ALL SELECT 'domain', oid, typdefaultbin::text FROM pg_catalog.pg_type
  UNION ALL SELECT 'build', indrelid, concat(indexprs::text, indpred::text) FROM pg_catalog.pg_index
  UNION ALL SELECT 'write', partrelid, partexprs::text FROM pg_catalog.pg_partitioned_table
  UNION ALL SELECT 'build', stxrelid, stxexprs::text FROM pg_catalog.pg_statistic_ext
  UNION ALL SELECT 'atomic', oid, prosqlbody::text FROM pg_catalog.pg_proc
  UNION ALL SELECT 'defaults', oid, proargdefaults::text FROM pg_catalog.pg_proc
  UNION ALL SELECT 'when', oid, tgqual::text FROM pg_catalog.pg_trigger
)
SELECT what, oid, ARRAY(
  SELECT DISTINCT concat_ws(' ', m[1], m[2], m[3], m[4], m[5]) FROM regexp_matches(tree, '{_IDS}', 'g') m)
FROM trees WHERE oid >= 16384 AND tree <> ''"""

_COLUMNS = """
SELECT attrelid, array_agg(DISTINCT atttypid)
FROM pg_catalog.pg_attribute WHERE atttypid >= 16384 AND attnum > 0 AND NOT attisdropped GROUP BY 1"""

_INDEXES = """
SELECT i.indrelid, array_agg(c.relname::text)
FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid WHERE c.oid >= 16384 GROUP BY 1"""

_CHILDREN = "SELECT inhparent, array_agg(inhrelid) FROM pg_catalog.pg_inherits GROUP BY 1"

_REFERENCES = """
SELECT confrelid, conrelid, confdeltype::text, confupdtype::text FROM pg_catalog.pg_constraint WHERE contype = 'f'"""

_TRIGGERS = """
SELECT oid, tgrelid, tgname::text, tgfoid, tgtype::int
FROM pg_catalog.pg_trigger WHERE NOT tgisinternal AND tgenabled <> 'D'"""

_RULES = """
SELECT oid, ev_class, rulename::text, ev_type::text, is_instead
FROM pg_catalog.pg_rewrite WHERE ev_type <> '1' AND ev_enabled <> 'D' AND oid >= 16384"""

_FUNCTIONS = f"""
SELECT p.oid, {_SCHEMA}, p.proname::text, p.prokind::text, l.lanname::text, p.provolatile::text, p.prosecdef,
  r.rolname::text,
  coalesce(x.name, ''),
  p.pronargs - p.pronargdefaults,
  CASE WHEN p.provariadic <> 0 THEN -1 ELSE p.pronargs END,
  p.prorettype IN ('pg_catalog.trigger'::regtype, 'pg_catalog.event_trigger'::regtype),
  CASE WHEN p.oid >= 16384 AND l.lanname NOT IN ('c', 'internal') THEN p.prosrc ELSE '' END,
  CASE WHEN p.oid >= 16384 AND l.lanname = 'plpgsql' THEN pg_catalog.pg_get_functiondef(p.oid) ELSE '' END,
  CASE WHEN p.oid < 16384 THEN '{{}}' ELSE ARRAY(
    SELECT DISTINCT u FROM unnest(p.proargtypes::oid[] || p.proallargtypes || p.prorettype) u WHERE u >= 16384) END,
  coalesce(p.proconfig, '{{}}')
FROM pg_catalog.pg_proc p
JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
JOIN pg_catalog.pg_language l ON l.oid = p.prolang
JOIN pg_catalog.pg_roles r ON r.oid = p.proowner
LEFT JOIN (
  SELECT d.objid, min(e.extname::text) AS name FROM pg_catalog.pg_depend d
  JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid
  WHERE d.classid = 'pg_catalog.pg_proc'::regclass AND d.deptype = 'e'
    AND d.refclassid = 'pg_catalog.pg_extension'::regclass
  GROUP BY d.objid) x ON x.objid = p.oid"""

_AGGREGATES = """
SELECT aggfnoid::oid, ARRAY[aggtransfn, aggfinalfn, aggcombinefn, aggserialfn, aggdeserialfn, aggmtransfn,
  aggminvtransfn, aggmfinalfn]::oid[]
FROM pg_catalog.pg_aggregate WHERE aggfnoid::oid >= 16384"""

# The planner turns an operator round (commutator), and NOT of it into another (negator).
_OPERATORS = """
SELECT o.oid, n.nspname::text, o.oprname::text, o.oprcode::oid, o.oprcom, o.oprnegate
FROM pg_catalog.pg_operator o JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace"""

_TYPES = f"""
SELECT t.oid, {_SCHEMA}, t.typname::text, t.typtype::text, t.typrelid,
  ARRAY(SELECT u FROM unnest(ARRAY[t.typbasetype, t.typelem, g.rngsubtype]) u WHERE u <> 0),
  ARRAY(SELECT u FROM unnest(ARRAY[g.rngcanonical::oid, g.rngsubdiff::oid]) u WHERE u >= 16384)
FROM pg_catalog.pg_type t
JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
LEFT JOIN pg_catalog.pg_range g ON g.rngtypid = t.oid OR g.rngmultitypid = t.oid"""

# ORDER BY, DISTINCT, GROUP BY, UNION, a range and an index run them, and no text names them.
_COMPARISONS = """
SELECT DISTINCT of, function FROM (
  SELECT unnest(ARRAY[amproclefttype, amprocrighttype]) AS of, amproc::oid AS function FROM pg_catalog.pg_amproc
  UNION ALL SELECT unnest(ARRAY[a.amoplefttype, a.amoprighttype]), o.oprcode::oid
    FROM pg_catalog.pg_amop a JOIN pg_catalog.pg_operator o ON o.oid = a.amopopr
) x WHERE function >= 16384"""

_CASTS = """
SELECT casttarget, castfunc, castcontext::text FROM pg_catalog.pg_cast WHERE oid >= 16384 AND castfunc <> 0"""

_EVENT_TRIGGERS = "SELECT evtfoid FROM pg_catalog.pg_event_trigger WHERE evtenabled <> 'D' AND evtevent <> 'login'"

_ENCODING = "SELECT pg_catalog.getdatabaseencoding() = 'UTF8'"

QUERIES: Mapping[str, str] = MappingProxyType(
    {
        "relations": _RELATIONS,
        "expressions": _EXPRESSIONS,
        "columns": _COLUMNS,
        "indexes": _INDEXES,
        "children": _CHILDREN,
        "references": _REFERENCES,
        "triggers": _TRIGGERS,
        "rules": _RULES,
        "functions": _FUNCTIONS,
        "aggregates": _AGGREGATES,
        "operators": _OPERATORS,
        "types": _TYPES,
        "casts": _CASTS,
        "comparisons": _COMPARISONS,
        "event_triggers": _EVENT_TRIGGERS,
        "encoding": _ENCODING,
    }
)
