"""What a lease reaches though nobody granted it: whatever the customer's database gives to PUBLIC.

Privileges only add up in PostgreSQL: no role can be kept from what PUBLIC has, short of changing the customer's
database, which Yett does not do unasked. So this is what the *server* lets through, and it is told before the lease is
signed. What closes it is the gateway: every function, operator, cast and trigger of a statement is looked up by oid in
the live catalog, `prosecdef` is never a proven read, and what cannot be resolved is held (operations/sql). The list
here is therefore by oid and by EXECUTE alone: whether the schema is visible says nothing, as operators, casts, defaults
and views reach a function without naming it. Trigger functions are on it only if they can be called; a trigger runs its
function whoever may execute it, so the classifier judges triggers by the table they stand on.
"""

from __future__ import annotations

from dataclasses import dataclass

from yett.providers.postgres.own import Own, retried, transaction
from yett.providers.postgres.role import must_be_lease
from yett.providers.postgres.scope import Table

_DEFINERS = """
SELECT p.oid, n.nspname, p.proname, pg_get_function_identity_arguments(p.oid), o.rolname, o.rolsuper,
  coalesce(p.proconfig::text LIKE '%%search_path=%%', false),
  has_function_privilege('public', p.oid, 'EXECUTE')
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_roles o ON o.oid = p.proowner
WHERE p.prosecdef AND has_function_privilege(%(role)s, p.oid, 'EXECUTE')
ORDER BY 2, 3, 4"""

_PUBLIC = """
SELECT n.nspname, c.relname, array_agg(DISTINCT acl.privilege_type ORDER BY acl.privilege_type)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL (
  SELECT privilege_type, grantee FROM aclexplode(c.relacl)
  UNION ALL SELECT x.privilege_type, x.grantee FROM pg_attribute a, aclexplode(a.attacl) x WHERE a.attrelid = c.oid
) acl
WHERE acl.grantee = 0 AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_'
GROUP BY 1, 2 ORDER BY 1, 2"""

_CREATABLE = """
SELECT nspname FROM pg_namespace WHERE has_schema_privilege('public', oid, 'CREATE') AND nspname !~ '^pg_' ORDER BY 1"""


@dataclass(frozen=True, slots=True)
class Definer:
    """A SECURITY DEFINER function that a lease may execute: it acts with `owner`'s rights, not the lease's.

    `pinned_path` False: it finds tables by the caller's search_path, so temporary tables can stand in for its own.
    """

    oid: int
    schema: str
    name: str
    arguments: str
    owner: str
    owner_is_superuser: bool
    pinned_path: bool
    through_public: bool


@dataclass(frozen=True, slots=True)
class PublicReach:
    """What every role has in this database: privileges by relation, and schemas in which all may create objects."""

    relations: dict[Table, tuple[str, ...]]
    creatable: tuple[str, ...]


async def reachable_definers(own: Own, name: str) -> list[Definer]:
    """Every SECURITY DEFINER function that the lease's role may execute, by schema and name.

    Raises:
        YettError: there is no such lease.
    """
    must_be_lease(name)

    async def ask() -> list[Definer]:
        async with transaction(own):
            cursor = await own.execute(_DEFINERS, {"role": name})
            return [Definer(*row) for row in await cursor.fetchall()]

    return await retried(ask, name)


async def public_reach(own: Own) -> PublicReach:
    """What PUBLIC has on relations and schemas of this database, outside the system's own."""

    async def ask() -> PublicReach:
        async with transaction(own):
            relations = await (await own.execute(_PUBLIC)).fetchall()
            creatable = await (await own.execute(_CREATABLE)).fetchall()
        found = {Table(schema, relation): tuple(privileges) for schema, relation, privileges in relations}
        return PublicReach(found, tuple(schema for (schema,) in creatable))

    return await retried(ask)
