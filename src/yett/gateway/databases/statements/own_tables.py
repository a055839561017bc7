"""Rows of a session's own temporary tables that a text reads: what is signed holds a digest of them.

Nobody but the session sees them, and it may change them when it likes. A temporary table's type stands before all
others of its name, so what is asked here says where each type and function is.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from yett.operations.sql.statement import Statement, Way
from yett.providers.postgres.guard.executing import Executing
from yett.providers.postgres.identifiers import fold

_MOST_BYTES = 16 << 20
_NAMES = (
    "SELECT relname, pg_catalog.pg_table_size(oid) > " + str(_MOST_BYTES) + " FROM pg_catalog.pg_class"
    " WHERE relnamespace = pg_catalog.pg_my_temp_schema() AND relkind IN ('r', 'p') ORDER BY relname"
)
_ANY = "SELECT pg_catalog.pg_my_temp_schema() <> 0"
_ROWS = """SELECT pg_catalog.count(*),
  pg_catalog.encode(pg_catalog.sha256(pg_catalog.string_agg(row, ''::pg_catalog.bytea ORDER BY row)), 'hex')
FROM (SELECT pg_catalog.sha256(
    pg_catalog.convert_to((_yett_row.*)::pg_catalog.text, pg_catalog.getdatabaseencoding())) AS row
  FROM pg_temp.{} AS _yett_row) AS rows"""


async def read_by(agent: Executing, statements: Sequence[Statement], behind: Sequence[str]) -> tuple[str, ...]:
    """Each as "rows of name=how many, digest". `behind`: the texts that their EXECUTEs run.

    Of what nobody could read (Way.ASK) all count, as a name may be put together there.

    Raises:
        ServerError: the agent's transaction is aborted.
    """
    if await agent.rows(_ANY) != [("t",)]:
        return ()
    text = fold("\n".join((*(one.text for one in statements), *behind)))
    every = "u&" in text or any(one.way is Way.ASK for one in statements)
    found: list[str] = []
    for name, large in await agent.rows(_NAMES):
        if name is None or not (every or fold(name) in text):
            continue
        if large == "t":
            found.append(f"rows of {name}=too many to be signed, {secrets.token_hex(8)}")
            continue
        ((count, digest),) = await agent.rows(_ROWS.format('"' + name.replace('"', '""') + '"'))
        found.append(f"rows of {name}={count}, {digest}")
    return tuple(found)
