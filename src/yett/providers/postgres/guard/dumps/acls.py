"""Who may do what with relations that are brought back: the default privileges of whoever does that must not widen it,
and leases that began since go on.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import LiteralString

from psycopg import sql

from yett.providers.postgres.guard.own import Connection, rows
from yett.providers.postgres.role import is_lease

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


async def of_leases(own: Connection, relations: Collection[tuple[str, str]]) -> list[sql.Composed]:
    """Statements that give the leases that there are what they may do with these relations (schema, name)."""
    return [_on("GRANT {} ON {} {} TO {}", *one) for one in await _rights(own, relations) if is_lease(one[2])]


async def revoke_all_but(own: Connection, kept: Sequence[Right]) -> None:
    """Of the relations that `kept` names: whatever else anybody may do with them."""
    rights = frozenset(kept)
    for one in await _rights(own, {(schema, name) for schema, name, _, _ in rights}):
        if one[:4] not in rights:
            await own.execute(_on("REVOKE {} ON {} {} FROM {}", *one))


async def _rights(own: Connection, relations: Collection[tuple[str, str]]) -> list[tuple[str, str, str, str, bool]]:
    """As `Right`, and whether it is on a sequence."""
    named = sorted(relations)
    which = _OF_NAMES.format(
        schemas=sql.Literal([schema for schema, _ in named]), names=sql.Literal([name for _, name in named])
    )
    return [tuple(one) for one in await rows(own, _RIGHTS.format(which=which))]


def _on(words: LiteralString, schema: str, name: str, role: str, privilege: str, is_sequence: bool) -> sql.Composed:
    return sql.SQL(words).format(
        sql.SQL(privilege),  # one of the server's own words
        sql.SQL("SEQUENCE" if is_sequence else "TABLE"),
        sql.Identifier(schema, name),
        sql.Identifier(role) if role else sql.SQL("PUBLIC"),
    )
