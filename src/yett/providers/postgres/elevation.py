"""Membership in the tables' owner for one approved statement: DDL is the owner's right, and no grant gives it.

The role of a lease is NOINHERIT, and the membership gives SET ROLE only, so that no session of the lease has the
owner's rights by itself. The gateway says `SET LOCAL ROLE <owner>` in the transaction of the approved statement: it
ends with the transaction, and what the statement makes belongs to the owner. A session that said SET ROLE keeps it
after `lower`, which is why it must be LOCAL, and why SET ROLE is never passed from an agent.
"""

from __future__ import annotations

from psycopg import sql

from yett.model.errors import YettError
from yett.providers.postgres.own import Own, retried, rights, transaction
from yett.providers.postgres.role import must_be_lease

_MIGHTY = """
SELECT count(*) FROM pg_roles r WHERE pg_has_role(%(owner)s, r.oid, 'MEMBER') AND r.rolname <> 'pg_database_owner'
  AND (r.rolsuper OR r.rolcreaterole OR r.rolreplication OR r.rolbypassrls OR r.rolname ~ '^pg_')"""


async def elevate(own: Own, role: str, owner: str, *, mighty: bool = False) -> None:
    """Let a lease's role say SET ROLE `owner`, until `lower`. Ends with the lease, too.

    `mighty`: the owner may be one that can do more than own tables. Only for a caller that says SET LOCAL ROLE at once
    and lowers before anything else: between the two, nothing that an agent sends may be on its way.

    Raises:
        YettError: `role` is no lease's; `owner` can do more than own tables (superuser, CREATEROLE, REPLICATION,
            BYPASSRLS, or a member of a predefined role): such a statement is run on Yett's own connection or not at
            all; or Yett's own role may not give it (from 16 on it needs ADMIN OPTION on `owner`).
    """
    must_be_lease(role)

    async def give() -> None:
        async with transaction(own):
            facts = await rights(own)
            row = await (await own.execute(_MIGHTY, {"owner": owner})).fetchone()
            if row is None or (row[0] and not mighty):
                raise YettError(
                    f"{owner} owns the tables and can do more than that: no lease is made a member of it.",
                    "Give the tables to a role without SUPERUSER, CREATEROLE, REPLICATION and BYPASSRLS.",
                )
            how = " WITH INHERIT FALSE, SET TRUE" if facts.signed_memberships else ""
            await own.execute(sql.SQL("GRANT {} TO {}" + how).format(sql.Identifier(owner), sql.Identifier(role)))

    await retried(give, role)


async def lower(own: Own, role: str, owner: str) -> None:
    """Take back what `elevate` gave. Again is no error."""
    must_be_lease(role)

    async def take() -> None:
        async with transaction(own):
            await own.execute(sql.SQL("REVOKE {} FROM {}").format(sql.Identifier(owner), sql.Identifier(role)))

    await retried(take, role)
