"""Who may do what with relations: the default privileges of whoever brings one back must not widen it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from psycopg import sql

from yett.providers.postgres.guard.own import Connection, rows

Right = tuple[str, str, str, str]
"""Schema, relation, role ("" for PUBLIC), privilege."""

_RIGHTS = sql.SQL("""
SELECT DISTINCT n.nspname::text, c.relname::text, coalesce(r.rolname::text, ''), a.privilege_type, c.relkind = 'S'
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace CROSS JOIN LATERAL aclexplode(
  coalesce(c.relacl, acldefault(CASE c.relkind WHEN 'S' THEN 's'::"char" ELSE 'r' END, c.relowner))) a
LEFT JOIN pg_roles r ON r.oid = a.grantee
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S') AND ({which}) ORDER BY 1, 2, 3, 4""")
_OF_OIDS = sql.SQL("c.oid = ANY ({oids}::oid[])")
_OF_NAMES = sql.SQL(
    "(n.nspname, c.relname) IN (SELECT s, r FROM unnest({schemas}::text[], {names}::text[]) AS wanted(s, r))"
)


async def rights_on(own: Connection, oids: Collection[int]) -> tuple[Right, ...]:
    """Of relations (oids)."""
    which = _OF_OIDS.format(oids=sql.Literal(sorted(oids)))
    found = await rows(own, _RIGHTS.format(which=which))
    return tuple((schema, name, role, privilege) for schema, name, role, privilege, _ in found)


async def revoke_all_but(own: Connection, kept: Sequence[Right]) -> None:
    """Of the relations that `kept` names: whatever else anybody may do with them."""
    rights = frozenset(kept)
    names = sorted({(schema, name) for schema, name, _, _ in rights})
    which = _OF_NAMES.format(
        schemas=sql.Literal([schema for schema, _ in names]), names=sql.Literal([name for _, name in names])
    )
    for schema, name, role, privilege, is_sequence in await rows(own, _RIGHTS.format(which=which)):
        if (schema, name, role, privilege) in rights:
            continue
        statement = sql.SQL("REVOKE {} ON {} {} FROM {}").format(
            sql.SQL(privilege),
            sql.SQL("SEQUENCE" if is_sequence else "TABLE"),
            sql.Identifier(schema, name),
            sql.Identifier(role) if role else sql.SQL("PUBLIC"),
        )
        await own.execute(statement)
