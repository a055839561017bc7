"""A role per task: made a moment before it is used, with exactly the task's grants, and gone with it.

The server's own privileges are the boundary; everything that is a setting of the role is not, since a role may change
its own settings, and only the gateway keeps it from that. What every role gets through PUBLIC it gets too: see
`reach.py`, and have the classifier hold it. The role is NOINHERIT: what it is a member of (`elevation.py`) works only
where the gateway says SET LOCAL ROLE, and what it makes there belongs to the tables' owner. Its `search_path` is the
database's, without "$user": a schema of the role's name would come first.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import LiteralString, cast

import psycopg
from psycopg import sql

from yett.model.errors import YettError
from yett.providers.postgres.grants import Grants, resolve
from yett.providers.postgres.own import Own, Rights, identifiers, own_membership, retried, rights, transaction
from yett.providers.postgres.path import database_path
from yett.providers.postgres.revoke import revoke_lease, sweep
from yett.providers.postgres.role import LeaseRole, made_by, must_be_lease, new_role, scram_verifier
from yett.providers.postgres.scope import Columns, Scope

__all__ = ["LeaseRole", "hide_columns", "make_lease", "revoke_lease", "show_columns", "sweep"]

_MAY = """
SELECT
  (SELECT count(*) FROM unnest(%(read)s::oid[]) t WHERE NOT has_table_privilege(%(role)s, t, 'SELECT')),
  (SELECT count(*) FROM unnest(%(write)s::oid[]) t WHERE NOT (has_table_privilege(%(role)s, t, 'INSERT')
     AND has_table_privilege(%(role)s, t, 'UPDATE') AND has_table_privilege(%(role)s, t, 'DELETE'))),
  (SELECT count(*) FROM unnest(%(shown)s::oid[]) t WHERE NOT has_any_column_privilege(%(role)s, t, 'SELECT')),
  (SELECT count(*) FROM unnest(%(schemas)s::text[]) s WHERE NOT has_schema_privilege(%(role)s, s, 'USAGE')),
  (SELECT count(*) FROM unnest(%(masked)s::oid[], %(numbers)s::int2[]) m(t, n)
     WHERE has_column_privilege(%(role)s, m.t, m.n, 'SELECT')),
  (SELECT count(*) FROM unnest(%(showing)s::oid[]) t WHERE has_any_column_privilege(%(role)s, t, 'SELECT')),
  has_database_privilege(%(role)s, current_database(), 'CONNECT')"""


async def make_lease(
    own: Own, scope: Scope, name: str, until: datetime, *, known: Callable[[str], object] = lambda name: None
) -> LeaseRole:
    """Make the role `yett_<name>_<random>`, which can log in until `until` and touch what `scope` names.

    `name` is the task's; `until` has a time zone. All of it is one transaction: after an error or a crash nothing is
    left, and after a crash behind COMMIT `sweep` finds it. The password reaches the server as a SCRAM verifier.
    The caller uses `own` for one thing at a time. `known` is told the role's name before the server is: from then on
    it is alive for `sweep`.

    Raises:
        ConfigurationError: the scope names what is not there, or masks a column that can be read another way.
        YettError: Yett's own role may not grant this, or PUBLIC may read what is to be masked.
    """
    if until.tzinfo is None or until <= datetime.now(UTC):
        raise YettError("A lease on a database must end in the future, at a time with a time zone.")
    role = new_role(name)
    known(role.name)
    verifier = scram_verifier(role.password)

    async def make() -> None:
        async with transaction(own):
            facts = await rights(own)
            grants, path = await resolve(own, scope), await database_path(own)
            await own.execute(_statements(role.name, verifier, until, scope, grants, facts, path))
            await _check(own, role.name, grants)

    await retried(make, role.name, verifier, role.password.text())
    return role


async def show_columns(own: Own, role: str, columns: Columns) -> None:
    """Grant a lease columns that were withheld. Raises YettError: Yett's own role may not."""
    await _change(own, role, columns, sql.SQL("GRANT SELECT ({}) ON TABLE {} TO {}"))


async def hide_columns(own: Own, role: str, columns: Columns) -> None:
    """Take them back. Raises YettError: it could not be."""
    await _change(own, role, columns, sql.SQL("REVOKE SELECT ({}) ON TABLE {} FROM {}"))


async def _change(own: Own, role: str, columns: Columns, statement: sql.SQL) -> None:
    must_be_lease(role)
    try:
        async with transaction(own):
            for table, names in columns.items():
                listed = identifiers([(name,) for name in sorted(names)])
                await own.execute(statement.format(listed, sql.Identifier(*table), sql.Identifier(role)))
    except psycopg.Error as error:
        raise YettError(f"the lease's rights could not be changed: {error.sqlstate}", "look at Yett's login") from None


def _statements(
    role: str, verifier: str, until: datetime, scope: Scope, grants: Grants, facts: Rights, path: tuple[str, ...]
) -> sql.Composed:
    """Everything in one message: a lease costs one round trip for it."""
    name, budgets = sql.Identifier(role), scope.budgets
    parts: list[sql.Composable] = [
        sql.SQL(
            "CREATE ROLE {} LOGIN NOINHERIT NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS"
            " CONNECTION LIMIT {} PASSWORD {} VALID UNTIL {}"
        ).format(name, budgets.connections, verifier, until.astimezone(UTC).isoformat()),
        sql.SQL("COMMENT ON ROLE {} IS {}").format(name, made_by(facts.role)),
    ]
    if not facts.superuser:
        parts.append(own_membership(role, facts))
    parts += [sql.SQL("ALTER ROLE {} SET {} = {}").format(name, sql.SQL(key), value) for key, value in _settings(scope)]
    searched = identifiers([(schema,) for schema in path]) if path else sql.Literal("")
    parts.append(sql.SQL("ALTER ROLE {} SET search_path = {}").format(name, searched))
    schemas = identifiers([(schema,) for schema in grants.schemas])
    parts.append(sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(schemas, name))
    if grants.read:
        parts.append(_grant("SELECT", [relation.table for relation in grants.read], name))
    if grants.write:
        parts.append(_grant("INSERT, UPDATE, DELETE", [relation.table for relation in grants.write], name))
    for right, granted in (("USAGE", grants.sequences), ("SELECT", grants.read_sequences)):
        if granted:
            sequences = identifiers([tuple(one) for one in granted])
            parts.append(sql.SQL("GRANT {} ON SEQUENCE {} TO {}").format(sql.SQL(right), sequences, name))
    parts += [
        sql.SQL("GRANT SELECT ({}) ON TABLE {} TO {}").format(
            identifiers([(column,) for column in columns]), sql.Identifier(*relation.table), name
        )
        for relation, columns in grants.read_columns
    ]
    if not facts.public_connects:
        parts.append(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(sql.Identifier(facts.database), name))
    return sql.SQL("; ").join(parts)


def _settings(scope: Scope) -> list[tuple[LiteralString, str]]:
    budgets = scope.budgets
    return [
        ("statement_timeout", str(budgets.statement_ms)),
        ("idle_in_transaction_session_timeout", str(budgets.idle_in_transaction_ms)),
        ("lock_timeout", str(budgets.lock_ms)),
        ("standard_conforming_strings", "on"),
        ("backslash_quote", "safe_encoding"),
        ("client_encoding", "UTF8"),
        ("row_security", "on"),
        ("default_transaction_read_only", "off" if scope.writes else "on"),
    ]


def _grant(privileges: LiteralString, tables: list[tuple[str, str]], name: sql.Identifier) -> sql.Composed:
    listed = identifiers([tuple(table) for table in tables])
    return sql.SQL("GRANT " + privileges + " ON TABLE {} TO {}").format(listed, name)


async def _check(own: Own, role: str, grants: Grants) -> None:
    """What GRANT silently left out, and what PUBLIC silently adds: a GRANT without grant options only warns."""
    masked = [(oid, number) for oid, columns in grants.masked.columns.items() for number in columns]
    granted = {relation.oid for relation in (*grants.read, *grants.write)}
    cursor = await own.execute(
        _MAY,
        {
            "role": role,
            "read": [relation.oid for relation in grants.read],
            "write": [relation.oid for relation in grants.write],
            "shown": [relation.oid for relation, _ in grants.read_columns],
            "schemas": list(grants.schemas),
            "masked": [oid for oid, _ in masked],
            "numbers": [number for _, number in masked],
            "showing": [oid for oid in grants.masked.showing if oid not in granted],
        },
    )
    row = await cursor.fetchone()
    read, write, shown, schemas, leaking, showing, connects = cast("tuple[int, int, int, int, int, int, bool]", row)
    if read or write or shown or schemas or not connects:
        raise YettError(
            "Yett's own role in this database may not grant all that the lease needs:"
            f" {read + shown} relations to read, {write} to write, {schemas} schemas"
            + ("." if connects else ", and the database itself."),
            "As an administrator, grant Yett's own role membership in the roles that own them.",
        )
    if leaking or showing:
        raise YettError(
            f"{leaking + showing} of the masked columns, or views that read them, are granted to PUBLIC:"
            " no lease can be kept from them.",
            "Revoke SELECT on them from PUBLIC, or have them shown masked.",
        )
