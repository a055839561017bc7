"""Make one definition from the words that were kept of it; a function over the one that is there, if it can be."""

from __future__ import annotations

import psycopg

from yett.providers.postgres.guard.own import Connection
from yett.providers.postgres.guard.words.comments import KIND as COMMENT
from yett.providers.postgres.guard.words.word import ENUM, FUNCTION, Asked, Word, words

_ORDER = (ENUM, FUNCTION, "index", "trigger", "policy", "rule", COMMENT)
_OTHER_SHAPE = ("42P13", "42809")
"""invalid_function_definition, wrong_object_type: CREATE OR REPLACE does not change what it returns, or is."""
_GRANTEES = """
SELECT DISTINCT format('REVOKE ALL ON ROUTINE %s FROM %s CASCADE', {key},
  CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END)
FROM pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a WHERE p.oid = {oid}"""


def place_in_order(word: Word) -> tuple[int, int]:
    """What a later one may need comes first. Raises ValueError: there is no such kind."""
    return _ORDER.index(word.kind), word.oid


async def make(connection: Connection, asked: Asked, one: Word) -> None:
    """In a transaction, under `words.SETTINGS`. Raises psycopg.Error."""
    first, *rest = one.statements
    if one.kind == FUNCTION:
        await _make_function(connection, one, first)
    else:
        await connection.execute(first.encode())
    for statement in rest:
        await connection.execute(statement.encode())
    if one.kind == FUNCTION:
        await _grant(connection, asked, one)


async def _make_function(connection: Connection, one: Word, statement: str) -> None:
    try:
        async with connection.transaction(force_rollback=True):
            await connection.execute(statement.encode())
    except psycopg.Error as error:
        if error.sqlstate not in _OTHER_SHAPE:
            raise
        await connection.execute(one.drop.encode())
    await connection.execute(statement.encode())


async def _grant(connection: Connection, asked: Asked, one: Word) -> None:
    (there,) = [each for each in await words(asked, [one.name]) if each.identity == one.identity]
    if there.grants == one.grants:
        return
    key = psycopg.sql.Literal(one.key).as_string(None)
    for (revoke,) in await asked(_GRANTEES.format(key=key, oid=there.oid)):
        await connection.execute((revoke or "").encode())
    for statement in one.grants:
        await connection.execute(statement.encode())
