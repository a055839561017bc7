"""A statement that no transaction takes, run for an agent once a person has let it: by a role made for it alone.

Not in the agent's session: a right that is lent there outside of a transaction would have to be that of the whole
session. Here the gateway says one text, the one that was read and signed, over a connection that nothing else goes
over. Its names are looked up where they were when it was read, and must stand for the same tables.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging

import psycopg
from psycopg import sql
from psycopg.errors import Diagnostic

from yett.checkpoint.record import Pass
from yett.gateway.databases.outside.left_behind import broken, told_of
from yett.gateway.databases.place import Place
from yett.gateway.databases.telling import told
from yett.gateway.databases.undos.definitions import Definitions, Unchanged
from yett.gateway.postgres.desk import Answer, Notice, Stopped, Told
from yett.model.errors import YettError
from yett.operations.sql.outside import written
from yett.operations.sql.statement import Statement, Verb
from yett.providers.postgres.once import Terms, lent_once
from yett.providers.postgres.own import Own

_log = logging.getLogger("yett.gateway")

LONGEST_MS = 3_600_000
LOCK_MS = 5_000
"""Of what nobody can read or write beside: others wait behind it. CONCURRENTLY waits as long as it has to."""

_OWNERS = """
SELECT DISTINCT CASE WHEN r.rolname = 'pg_database_owner' THEN d.rolname ELSE r.rolname END
FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner,
  pg_database b JOIN pg_roles d ON d.oid = b.datdba
WHERE c.oid = ANY (%s::oid[]) AND b.datname = current_database()"""
_READABLE = "SELECT bool_and(has_table_privilege(%s, t, 'SELECT')) FROM unnest(%s::oid[]) t"
_TABLE = "SELECT o, o FROM (SELECT pg_catalog.to_regclass(%s)::pg_catalog.oid::pg_catalog.int8) t(o)"
_TABLE_OF = """
SELECT i.indrelid::pg_catalog.int8, i.indexrelid::pg_catalog.int8 FROM pg_catalog.pg_index i
WHERE i.indexrelid OPERATOR(pg_catalog.=) pg_catalog.to_regclass(%s)"""
_HIDDEN = "yett: the server's message is not shown, for it could hold values that this session may not see"
_CANCELED = Told("canceling statement due to user request", "", "57014")


class LentOnce:
    """Implements `gateway.postgres.desk.Alone`."""

    def __init__(self, place: Place, granted: Pass, statement: Statement, undo: Unchanged | Definitions) -> None:
        self._place = place
        self._granted = granted
        self._undo = undo
        self._statement = statement
        self._oids = relations(statement)
        self._connection: Own | None = None
        self._canceling: asyncio.Task[None] | None = None
        self._canceled = self._finished = False

    async def run(self) -> Answer:
        """Raises Stopped: nothing has run."""
        try:
            terms = await self._terms()
            await self._undo.capture(self._granted.hold)  # a policy may owe none: it is kept all the same
            async with lent_once(self._place.own, self._place.roles, terms) as connection:
                await self._must_mean(connection)
                answer = await self._answered(connection)
        except YettError as error:
            if not self._finished:
                await self._finish("refused")
            raise Stopped(told(error)) from None
        return answer

    def cancel(self) -> None:
        self._canceled = True
        if self._connection is not None and self._canceling is None:
            self._canceling = asyncio.get_running_loop().create_task(_cancel(self._connection))

    async def lost(self) -> None:
        """Its client is gone, and so is the connection: nobody heard what became of it."""
        if not self._finished:
            await self._finish("unknown")

    # ---- inside

    async def _terms(self) -> Terms:
        place = self._place
        path = (await place.catalogs.now()).search_path
        try:
            async with place.own.connection() as own:
                found = await (await own.execute(_OWNERS, [self._oids])).fetchall()
        except psycopg.Error as error:
            raise YettError(f"whose tables these are could not be asked: {error.sqlstate}", "try again") from None
        if len(found) != 1:
            raise YettError("what it works on belongs to several roles, or is not there any more", "name one's tables")
        waits = "CONCURRENTLY" in self._statement.tag
        return Terms(found[0][0], path, 0 if waits else LOCK_MS, LONGEST_MS)

    async def _must_mean(self, connection: Own) -> None:
        """Its names are the tables that were looked at and shown. Raises YettError."""
        names, meant = written(self._statement.text), set[int]()
        asked = [*((_TABLE, name) for name in names.tables), *((_TABLE_OF, name) for name in names.indexes)]
        for query, (schema, name) in asked:
            quoted = sql.Identifier(*(part for part in (schema, name) if part)).as_string(None)
            found = await (await connection.execute(query, [quoted])).fetchone()
            if found is None or found[0] not in self._oids:
                raise YettError(f"{quoted} is not what it was when this was read", "send it again")
            meant.add(found[1])
        if not self._undo.oids <= meant:
            raise YettError("what goes is not what was kept", "send it again")

    async def _answered(self, connection: Own) -> Answer:
        place = self._place
        shows = await self._may_be_shown()
        async with place.own.connection() as own:
            before = await broken(own, self._oids)
        answer = await self._executed(connection)
        if answer.error is None:
            await self._finish("done")
            return answer if shows else Answer(answer.tag)
        async with place.own.connection() as own:
            left = told_of(await broken(own, self._oids) - before)
        await self._finish("refused")
        said = answer.error if shows else Told(_HIDDEN, "", answer.error.sqlstate)
        return Answer("", answer.notices if shows else (), Told(said.message, _joined(said.hint, left), said.sqlstate))

    async def _executed(self, connection: Own) -> Answer:
        """The text alone, as it was read: one Query, no parameters."""
        notices: list[Notice] = []
        connection.add_notice_handler(lambda said: notices.append(_notice(said)))
        self._connection = connection
        try:
            if self._canceled:
                return Answer("", (), _CANCELED)
            cursor = await connection.execute(self._statement.text)
            return Answer(cursor.statusmessage or "", tuple(notices))
        except psycopg.Error as error:
            if error.sqlstate is None:
                await self._finish("unknown")
                raise YettError("the server broke off: look whether it took effect", "yett undo list") from None
            return Answer("", tuple(notices), _error(error))
        finally:
            self._connection = None
            if self._canceling is not None:
                await asyncio.wait([self._canceling])

    async def _may_be_shown(self) -> bool:
        """The owner may be told what the agent may not read: a value stands in an error's words."""
        if self._place.masks is not None:
            return False
        async with self._place.own.connection() as own:
            row = await (await own.execute(_READABLE, [self._place.lease, self._oids])).fetchone()
        return bool(row and row[0])

    async def _finish(self, outcome: str) -> None:
        self._finished = True
        await self._place.checkpoint.finish(self._granted, outcome, 0)
        await self._undo.ended(outcome)


def relations(statement: Statement) -> list[int]:
    """What it works on, by oid."""
    return sorted({one.oid for one in statement.touched if one.oid and one.verb is not Verb.READ})


async def _cancel(connection: Own) -> None:
    with contextlib.suppress(psycopg.Error, TimeoutError):
        await connection.cancel_safe(timeout=5)


def _notice(said: Diagnostic) -> Notice:
    return Notice(
        said.severity_nonlocalized or said.severity or "NOTICE",
        Told(said.message_primary or "", said.message_hint or "", said.sqlstate or "00000"),
    )


def _error(error: psycopg.Error) -> Told:
    """Without its detail, which quotes rows."""
    said = error.diag
    return Told(said.message_primary or "", said.message_hint or "", error.sqlstate or "XX000")


def _joined(*parts: str) -> str:
    return ". ".join(part for part in parts if part)
