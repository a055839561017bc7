"""The server's own words for definitions that hold no rows: functions, triggers, policies, rules, indexes, enums.

They are read over the agent's connection, which no lock of the agent's own keeps from them, in a savepoint that is
rolled back, under settings that the agent does not choose: a date or a name in them is written in one way only.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from psycopg import sql

from yett.model.canonical import Json
from yett.providers.postgres.guard.executing import Executing
from yett.providers.postgres.guard.own import Connection, answers

Asked = Callable[[str], Awaitable[Sequence[tuple[str | None, ...]]]]
"""Answers a query's rows in text form."""

_SETTINGS = {
    "search_path": "pg_catalog, pg_temp",
    "datestyle": "ISO",
    "intervalstyle": "postgres",
    "extra_float_digits": "3",
    "bytea_output": "hex",
    "timezone": "UTC",
    "lc_monetary": "C",
    "xmlbinary": "base64",
    "quote_all_identifiers": "off",
}
SETTINGS = "SELECT " + ", ".join(
    f"pg_catalog.set_config('{name}', '{value}', true)" for name, value in _SETTINGS.items()
)
_SAVEPOINT = "_yett_words"

_OF_EXTENSION = (
    "EXISTS (SELECT FROM pg_depend d WHERE d.classid = '{0}'::regclass AND d.objid = {1} AND d.deptype IN ('e', 'x'))"
)
_NAMED = "({name} = ANY ({{names}}::text[]) OR {oid} = ANY ({{oids}}::oid[]))"
_COMMENT = "format('COMMENT ON {0} %s IS %s', k.key, quote_nullable(obj_description({1}, '{2}')))"
FUNCTION = "function"
_FUNCTIONS = f"""
SELECT '{FUNCTION}', 'pg_proc', p.oid::text, p.proname::text, k.key, 'DROP ROUTINE ' || k.key,
  to_json(ARRAY[pg_get_functiondef(p.oid), format('ALTER ROUTINE %s OWNER TO %I', k.key, pg_get_userbyid(p.proowner)),
    {_COMMENT.format("ROUTINE", "p.oid", "pg_proc")}])::text,
  (SELECT coalesce(json_agg(format('GRANT EXECUTE ON ROUTINE %s TO %s%s', k.key,
      CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END,
      CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END) ORDER BY a.grantee, a.is_grantable), '[]')
    FROM (SELECT DISTINCT grantee, is_grantable
      FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner)))) a)::text,
  json_build_object('pg_proc', p.xmin::text)::text, json_build_array('pg_proc:' || p.oid)::text, n.nspname::text
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace CROSS JOIN LATERAL (
  SELECT format('%I.%I(%s)', n.nspname, p.proname, oidvectortypes(p.proargtypes)) AS key OFFSET 0) k
WHERE p.prokind IN ('f', 'p', 'w') AND p.oid >= 16384 AND NOT {_OF_EXTENSION.format("pg_proc", "p.oid")}
  AND {_NAMED.format(name="p.proname", oid="p.oid")}"""
_TRIGGERS = f"""
SELECT 'trigger', 'pg_trigger', t.oid::text, t.tgname::text, k.key, 'DROP TRIGGER ' || k.key,
  to_json(array_remove(ARRAY[pg_get_triggerdef(t.oid),
    CASE WHEN t.tgenabled <> 'O' THEN format('ALTER TABLE %I.%I %s TRIGGER %I', n.nspname, c.relname,
      CASE t.tgenabled WHEN 'D' THEN 'DISABLE' WHEN 'R' THEN 'ENABLE REPLICA' ELSE 'ENABLE ALWAYS' END, t.tgname) END,
    {_COMMENT.format("TRIGGER", "t.oid", "pg_trigger")}], NULL))::text, '[]',
  json_build_object('pg_trigger', t.xmin::text)::text,
  (WITH RECURSIVE clones(oid, made) AS (SELECT t.oid, t.tgconstraint
      UNION SELECT x.oid, x.tgconstraint FROM clones JOIN pg_trigger x ON x.tgparentid = clones.oid)
    SELECT json_agg(part) FROM clones,
      LATERAL (VALUES ('pg_trigger:' || oid), ('pg_constraint:' || made)) v(part))::text,
  c.oid::text
FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
  CROSS JOIN LATERAL (SELECT format('%I ON %I.%I', t.tgname, n.nspname, c.relname) AS key OFFSET 0) k
WHERE NOT t.tgisinternal AND t.tgparentid = 0 AND c.relpersistence <> 't'
  AND NOT EXISTS (SELECT FROM pg_trigger x WHERE x.tgparentid = t.oid AND x.tgenabled <> t.tgenabled)
  AND NOT {_OF_EXTENSION.format("pg_trigger", "t.oid")} AND {_NAMED.format(name="t.tgname", oid="t.oid")}"""
_POLICIES = f"""
SELECT 'policy', 'pg_policy', p.oid::text, p.polname::text, k.key, 'DROP POLICY ' || k.key,
  to_json(ARRAY[concat('CREATE POLICY ', k.key, ' AS ',
      CASE WHEN p.polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END,
      ' FOR ', CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE'
        ELSE 'ALL' END, ' TO ', (SELECT string_agg(
        CASE r.oid WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(r.oid)) END, ', ' ORDER BY r.n)
        FROM unnest(p.polroles) WITH ORDINALITY AS r(oid, n)),
      ' USING (' || pg_get_expr(p.polqual, p.polrelid) || ')',
      ' WITH CHECK (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')'),
    {_COMMENT.format("POLICY", "p.oid", "pg_policy")}])::text, '[]',
  json_build_object('pg_policy', p.xmin::text)::text, json_build_array('pg_policy:' || p.oid)::text, c.oid::text
FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid JOIN pg_namespace n ON n.oid = c.relnamespace
  CROSS JOIN LATERAL (SELECT format('%I ON %I.%I', p.polname, n.nspname, c.relname) AS key OFFSET 0) k
WHERE c.relpersistence <> 't' AND NOT {_OF_EXTENSION.format("pg_policy", "p.oid")}
  AND {_NAMED.format(name="p.polname", oid="p.oid")}"""
_RULES = f"""
SELECT 'rule', 'pg_rewrite', r.oid::text, r.rulename::text, k.key, 'DROP RULE ' || k.key,
  to_json(array_remove(ARRAY[pg_get_ruledef(r.oid),
    CASE WHEN r.ev_enabled <> 'O' THEN format('ALTER TABLE %I.%I %s RULE %I', n.nspname, c.relname,
      CASE r.ev_enabled WHEN 'D' THEN 'DISABLE' WHEN 'R' THEN 'ENABLE REPLICA' ELSE 'ENABLE ALWAYS' END,
      r.rulename) END,
    {_COMMENT.format("RULE", "r.oid", "pg_rewrite")}], NULL))::text, '[]',
  json_build_object('pg_rewrite', r.xmin::text)::text, json_build_array('pg_rewrite:' || r.oid)::text, c.oid::text
FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class JOIN pg_namespace n ON n.oid = c.relnamespace
  CROSS JOIN LATERAL (SELECT format('%I ON %I.%I', r.rulename, n.nspname, c.relname) AS key OFFSET 0) k
WHERE r.rulename <> '_RETURN' AND c.relpersistence <> 't' AND r.oid >= 16384
  AND NOT {_OF_EXTENSION.format("pg_rewrite", "r.oid")} AND {_NAMED.format(name="r.rulename", oid="r.oid")}"""
_INDEXES = f"""
SELECT 'index', 'pg_class', c.oid::text, c.relname::text, k.key, 'DROP INDEX ' || k.key,
  to_json(array_remove(ARRAY[pg_get_indexdef(c.oid),
    (SELECT format('ALTER INDEX %s SET TABLESPACE %I', k.key, s.spcname) FROM pg_tablespace s
      WHERE s.oid = c.reltablespace)] || ARRAY(
    SELECT format('ALTER INDEX %s ALTER COLUMN %s SET STATISTICS %s', k.key, a.attnum, a.attstattarget)
      FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attstattarget >= 0 ORDER BY a.attnum) || ARRAY[
    CASE WHEN i.indisclustered THEN format('ALTER TABLE %I.%I CLUSTER ON %I', x.nspname, t.relname, c.relname) END,
    CASE WHEN i.indisreplident
      THEN format('ALTER TABLE %I.%I REPLICA IDENTITY USING INDEX %I', x.nspname, t.relname, c.relname) END,
    {_COMMENT.format("INDEX", "c.oid", "pg_class")}], NULL))::text, '[]',
  json_build_object('pg_class', c.xmin::text, 'pg_index', i.xmin::text)::text,
  json_build_array('pg_class:' || c.oid)::text,
  t.oid::text
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_namespace x ON x.oid = t.relnamespace
  CROSS JOIN LATERAL (SELECT format('%I.%I', n.nspname, c.relname) AS key OFFSET 0) k
WHERE c.relkind = 'i' AND i.indisvalid AND NOT c.relispartition AND t.relkind IN ('r', 'm') AND c.relpersistence <> 't'
  AND c.oid >= 16384
  AND NOT EXISTS (SELECT FROM pg_constraint o WHERE o.conindid = c.oid AND o.contype IN ('p', 'u', 'x'))
  AND NOT {_OF_EXTENSION.format("pg_class", "c.oid")} AND {_NAMED.format(name="c.relname", oid="c.oid")}"""
ENUM = "enum"
_ENUMS = f"""
SELECT '{ENUM}', 'pg_type', t.oid::text, t.typname::text, k.key, 'DROP TYPE ' || k.key,
  to_json(ARRAY[(SELECT format('CREATE TYPE %s AS ENUM (%s)', k.key,
      string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder)) FROM pg_enum e WHERE e.enumtypid = t.oid),
    format('ALTER TYPE %s OWNER TO %I', k.key, pg_get_userbyid(t.typowner)),
    {_COMMENT.format("TYPE", "t.oid", "pg_type")}] || ARRAY(
    SELECT s.said FROM (SELECT DISTINCT grantee, is_grantable FROM aclexplode(t.typacl)) a, LATERAL (VALUES
        (0, format('REVOKE ALL ON TYPE %s FROM PUBLIC', k.key)),
        (1, format('GRANT USAGE ON TYPE %s TO %s%s', k.key,
          CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END,
          CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END))) s(n, said)
      GROUP BY s.n, s.said ORDER BY s.n, s.said))::text, '[]',
  json_build_object('pg_type', t.xmin::text)::text,
  json_build_array('pg_type:' || t.oid, 'pg_type:' || t.typarray)::text, n.nspname::text
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
  CROSS JOIN LATERAL (SELECT format('%I.%I', n.nspname, t.typname) AS key OFFSET 0) k
WHERE t.typtype = 'e' AND EXISTS (SELECT FROM pg_enum e WHERE e.enumtypid = t.oid)
  AND NOT {_OF_EXTENSION.format("pg_type", "t.oid")} AND {_NAMED.format(name="t.typname", oid="t.oid")}"""
_ALL = " UNION ALL ".join((_FUNCTIONS, _TRIGGERS, _POLICIES, _RULES, _INDEXES, _ENUMS))


@dataclass(frozen=True, slots=True)
class Word:
    """One definition. `statements` make it again, once `drop` has run or it is not there; `grants` are all of its own.

    `catalog` and `oid` are where it stood; `versions`: xmin of its rows, by catalog; `parts` ("catalog:oid") go with
    it. `home`: its table's oid, a function's schema.
    """

    kind: str
    catalog: str
    oid: int
    name: str
    key: str
    drop: str
    statements: tuple[str, ...]
    grants: tuple[str, ...]
    versions: tuple[tuple[str, str], ...] = ()
    parts: frozenset[str] = frozenset()
    home: str = ""

    @property
    def identity(self) -> tuple[str, str]:
        return self.kind, self.key

    @property
    def label(self) -> str:
        return f"{self.kind} {self.key}"

    def says(self, other: Word | None) -> bool:
        """Whether both are the same definition, whatever it is made of."""
        return other is not None and (self.statements, self.grants) == (other.statements, other.grants)

    def as_json(self) -> Json:
        return [self.kind, self.catalog, self.oid, self.name, self.key, self.drop, [*self.statements], [*self.grants]]


async def words(asked: Asked, names: Collection[str], oids: Collection[int] = ()) -> list[Word]:
    """Those of that name or oid that can be made again from words. Under `SETTINGS`."""
    if not names and not oids:
        return []
    listed = {"names": _literal(sorted(names)), "oids": _literal(sorted(oids))}
    return [_word(found) for found in await asked(_ALL.format(**listed))]


@asynccontextmanager
async def as_written(agent: Executing) -> AsyncIterator[Asked]:
    """The agent's connection, under `SETTINGS`. Raises ServerError."""
    for statement in (f"SAVEPOINT {_SAVEPOINT}", SETTINGS):
        await agent.rows(statement)
    yield agent.rows
    for statement in (f"ROLLBACK TO SAVEPOINT {_SAVEPOINT}", f"RELEASE SAVEPOINT {_SAVEPOINT}"):
        await agent.rows(statement)


async def as_written_by(own: Connection) -> Asked:
    """Yett's own connection, in a transaction, under `SETTINGS`."""
    await own.execute(SETTINGS.encode())
    return answers(own)


def _word(found: Sequence[str | None]) -> Word:
    kind, catalog, oid, name, key, drop, statements, grants, versions, parts, home = (one or "" for one in found)
    return Word(
        kind,
        catalog,
        int(oid),
        name,
        key,
        drop,
        tuple(json.loads(statements)),
        tuple(json.loads(grants)),
        tuple(json.loads(versions).items()),
        frozenset(json.loads(parts)),
        home,
    )


def _literal(values: Sequence[str] | Sequence[int]) -> str:
    return sql.Literal(list(values)).as_string(None) if values else "'{}'"


def word_from(facts: Json) -> Word:
    """From `Word.as_json`. Raises ValueError, TypeError."""
    found: Any = facts  # Any: the shape is checked by taking it apart
    kind, catalog, oid, name, key, drop, statements, grants = found
    said = tuple(str(one) for one in statements), tuple(str(one) for one in grants)
    return Word(str(kind), str(catalog), int(oid), str(name), str(key), str(drop), *said)
