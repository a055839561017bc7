"""Tables that an approved statement has made: the lease may use them as it may use its others.

Without it a migration could make a table and not fill it. Only a table that was made empty is granted, by the statement
that a person signed and in its transaction: what comes into it comes with the lease's own rights. Where columns are
masked nothing is granted: by its next name, or as a partition, the table may hold what is hidden elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import sql

from yett.gateway.databases.allowed.scopes import scope_from
from yett.gateway.databases.place import Place
from yett.operations.sql.statement import Statement, Touched, Verb
from yett.providers.postgres.guard.executing import Executing
from yett.providers.postgres.guard.guard import Guard

_MADE = "CREATE TABLE"
_KNOWN = frozenset(("mode", "schemas"))
_ALL, _READ = "SELECT, INSERT, UPDATE, DELETE ON TABLE", "SELECT ON TABLE"
_SEQUENCE = "USAGE, SELECT ON SEQUENCE"
# In the agent's transaction, where every name is qualified. Sequences that fill its columns go with it.
_TABLE = """
SELECT n.nspname, c.relname, c.oid::pg_catalog.text, c.relkind::pg_catalog.text
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
WHERE c.relkind OPERATOR(pg_catalog.=) ANY ('{{r,p,S}}'::"char"[])
  AND (c.oid OPERATOR(pg_catalog.=) pg_catalog.to_regclass({name})
    OR c.oid OPERATOR(pg_catalog.=) ANY (SELECT d.objid FROM pg_catalog.pg_depend d
      WHERE d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass
        AND d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass
        AND d.refobjid OPERATOR(pg_catalog.=) pg_catalog.to_regclass({name})
        AND d.deptype OPERATOR(pg_catalog.=) ANY ('{{a,i}}'::"char"[])))"""


async def grant_made(place: Place, agent: Executing, guard: Guard, statements: Sequence[Statement]) -> None:
    """To the lease, while the transaction runs as the owner of what was just made. Raises YettError, ServerError."""
    scope = scope_from(place.database.scope)
    if any(value for name, value in place.database.scope.items() if name not in _KNOWN):
        return
    tables = _ALL if scope.writes else _READ
    for one in (made for made in map(_made, statements) if made is not None):
        written = sql.Identifier(*(part for part in (one.schema, one.name) if part)).as_string(None)
        found = await agent.rows(_TABLE.format(name=sql.Literal(written).as_string(None)))
        oids = {int(oid or 0) for _, _, oid, _ in found}
        if await guard.made_here(oids) != oids:
            continue  # IF NOT EXISTS: it was there before, with the rights that it had
        for schema, name, _, kind in found:
            if schema in scope.schemas and name:
                what = _SEQUENCE if kind == "S" else tables
                on = sql.Identifier(schema, name).as_string(None)
                await agent.rows(f"GRANT {what} {on} TO {sql.Identifier(place.lease).as_string(None)}")


def _made(statement: Statement) -> Touched | None:
    """The one table that it made, and nothing else; no child of another."""
    made = [one for one in statement.touched if one.verb is not Verb.READ]
    return made[0] if statement.tag == _MADE and len(made) == 1 and made[0].verb is Verb.CREATE else None
