"""Bring rows back as they were before a transaction, unless somebody changed them since.

A row version names its maker: one whose xmin is an id of the transaction is what the transaction left there. Such rows
are taken out, and the rows that were kept are put in. A kept row whose very version (ctid, xmin) still lies in its
place was never changed. Anything else that stands where a kept row or a new row was is somebody's later work, and then
nothing is done.

All tables are locked against writers, and one transaction does everything. No trigger and no rule fires (`silence`),
so nothing happens that was not kept; foreign keys are checked by asking before COMMIT, the server's own counts of what
this did are compared with what it meant to do, and every row is read back and compared.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Literal

import psycopg
from psycopg import sql

from yett.model.errors import YettError
from yett.providers.postgres.guard.captured import Captured, CapturedTable
from yett.providers.postgres.guard.dumps.as_left import since_of
from yett.providers.postgres.guard.dumps.dumped import Dump
from yett.providers.postgres.guard.dumps.heirs import as_of_now, moved
from yett.providers.postgres.guard.dumps.make_way import until_its_own_undo
from yett.providers.postgres.guard.dumps.reload import reload
from yett.providers.postgres.guard.labels import must_be_called_alike
from yett.providers.postgres.guard.own import FLUSH, Connection, Own, opened, row, rows, told
from yett.providers.postgres.guard.rows.chain import Became, Later, Others, Undone, no_other_epoch, none
from yett.providers.postgres.guard.rows.compare import Compared, Conflict, compared
from yett.providers.postgres.guard.rows.deferrable import twice
from yett.providers.postgres.guard.rows.exchange import exchange, tried
from yett.providers.postgres.guard.rows.foreign_keys import ForeignKey, foreign_keys, without_parent
from yett.providers.postgres.guard.rows.not_valid import unchecked
from yett.providers.postgres.guard.rows.silence import no_triggers, silenced
from yett.providers.postgres.guard.table import Table, tables
from yett.providers.postgres.guard.words.types_back import types_of
from yett.providers.postgres.guard.xids import EPOCH

Begun = Callable[[int], Awaitable[None]]
"""Told the id (64 bits) of the transaction that brings everything back, right before its COMMIT."""

Brought = Callable[[int, tuple[Became, ...]], Awaitable[None]]
"""As `Begun`; and told what the tables of a dump are then."""

Settled = Literal["committed", "aborted", "in progress", "unknown"]

_BROKEN_OFF = ("08", "57")
"""Connection exceptions, and an operator's intervention: at COMMIT they leave open what became of it."""

_AGAINST_WRITERS = sql.SQL("SHARE ROW EXCLUSIVE")
_AS_IT_IS = sql.SQL("SHARE")
_OWN_ID = sql.SQL("SELECT pg_current_xact_id()::text::int8")
_STATUS = sql.SQL("SELECT pg_xact_status({xid}::text::xid8)")
_PLACE = sql.SQL("""
SELECT (SELECT system_identifier::text FROM pg_control_system()),
  (SELECT oid::int8 FROM pg_database WHERE datname = current_database()), pg_is_in_recovery(),
  (age('3'::xid)::int8 + 3) & 4294967295""")
_EFFECTS = sql.SQL("""
SELECT relid::int8, n_tup_del, n_tup_upd, n_tup_ins FROM pg_stat_xact_user_tables
WHERE schemaname !~ '^pg_temp' AND n_tup_ins + n_tup_upd + n_tup_del > 0""")
_EQUAL = sql.SQL("""
SELECT count(*) FROM {pre} p JOIN ONLY {table} AS t ON {same_key} WHERE p.gone AND {same_image}""")
_UNEQUAL = sql.SQL("""
SELECT count(*) FROM (
  SELECT md5(record_send({kept})) AS d, count(*) AS n FROM {pre} p WHERE p.gone GROUP BY 1
) a FULL JOIN (
  SELECT md5(record_send({now})) AS d, count(*) AS n FROM ONLY {table} AS t
  WHERE t.xmin = (pg_current_xact_id()::text::int8 & 4294967295)::text::xid GROUP BY 1
) b USING (d) WHERE a.n IS DISTINCT FROM b.n""")
_GONE = (
    psycopg.errors.UndefinedTable,
    psycopg.errors.UndefinedColumn,
    psycopg.errors.InvalidForeignKey,
    psycopg.errors.UndefinedObject,
    psycopg.errors.UndefinedFunction,
    psycopg.errors.InvalidSchemaName,
)
_ADVICE = "if it names a row, that row was made since; if it names a right, Yett's own role lacks it"
_ADVICE_IF_GONE = "something that it needs was dropped since: if there is an undo of that, apply it first"
_LEFT = sql.SQL("SELECT count(*) FROM ONLY {table} AS t WHERE t.xmin = ANY ({xids}::xid[])")


@dataclass(frozen=True, slots=True)
class Restored:
    """Rows that came back, and rows that were taken out in their place or because the transaction had made them."""

    returned: int
    removed: int
    tables: tuple[str, ...]
    waiting: tuple[str, ...] = ()
    """What another undo of the transaction has yet to bring back, in words."""
    gone: tuple[str, ...] = ()
    """What the transaction had made upon these tables, and does not go with them as they were."""
    became: tuple[Became, ...] = ()


class Refused(YettError):
    """Nothing was changed: rows were changed since. `conflicts` names them."""

    def __init__(self, what: str, conflicts: tuple[Conflict, ...]) -> None:
        super().__init__(what, _advice(conflicts))
        self.conflicts = conflicts


async def settle(own: Own, xid: int) -> Settled:
    """What became of a transaction whose COMMIT was not answered; `xid` has 64 bits.

    "unknown": the server has forgotten it, or never gave out that id (it is another server, or was reset to a backup).
    """
    async with opened(own) as connection:
        return await became_of(connection, xid)


async def became_of(connection: Connection, xid: int) -> Settled:
    """`settle` on a connection in autocommit. Raises YettError: the server broke off, or refused."""
    try:
        (status,) = await row(connection, _STATUS.format(xid=sql.Literal(xid)))
    except psycopg.errors.InvalidParameterValue:  # the id is in the future
        return "unknown"
    except psycopg.Error as error:
        raise YettError(f"the database did not say what became of a transaction: {told(error)}") from None
    answers: dict[str, Settled] = {"committed": "committed", "aborted": "aborted", "in progress": "in progress"}
    return answers.get(status, "unknown")


async def conflicts(own: Own, captured: Captured, others: Others = none) -> list[Conflict]:
    """Rows that were changed since the transaction, so that `restore` would refuse. Changes nothing.

    Raises:
        YettError: the undo does not fit this database, or cannot be read.
    """
    async with one_transaction(own, keep=False) as connection:
        if captured.dump:
            await must_fit(connection, captured)
            known, back = await as_of_now(connection, await others(), waits=True)
            return list((await since_of(connection, captured, captured.dump, known, back=back).now()).conflicts)
        return [conflict for one in await _compared(connection, captured, others) for conflict in one.conflicts]


async def restore(
    own: Own, captured: Captured, *, verify: bool, begun: Brought | None = None, others: Others = none
) -> Restored:
    """Bring everything back, or nothing. `verify` reads every row back before COMMIT and compares the stored bytes.
    Rows that `others` put back count as what they were: to the transaction that wrote them first.

    Raises:
        Refused: rows were changed since; nothing was done.
        YettError: the undo does not fit this database, cannot be read, or did not come back the same; or the connection
            was lost at COMMIT, and the server can be asked about the transaction that `begun` was told.
    """
    async with one_transaction(own, keep=True) as connection:
        restored = await _restored(connection, captured, others, verify=verify)
        await announce(own, connection, None if begun is None else lambda xid: begun(xid, restored.became))
        return restored


async def announce(own: Own, connection: Connection, begun: Begun | None) -> None:
    """Right before COMMIT: whoever wants to know is told the transaction's id."""
    if begun is None:
        return
    (xid,) = await row(connection, _OWN_ID)
    async with opened(own) as other:
        await other.execute(FLUSH)  # so that no crash of the server gives that id to another
    await begun(xid)


async def _restored(connection: Connection, captured: Captured, others: Others, *, verify: bool) -> Restored:
    if captured.dump:
        return await _from_dump(connection, captured, captured.dump, others)
    parts = await _compared(connection, captured, others)
    if found := tuple(conflict for part in parts for conflict in part.conflicts):
        raise Refused(_words(found), found)
    (xid,) = await row(connection, _OWN_ID)
    await no_other_epoch(connection, [part.table for part in parts if part.returning], xid)
    keys = await foreign_keys(connection, [part.table.oid for part in parts])
    await _lock(connection, [name for key in keys for name in (key.child[1:], key.parent[1:])], _AS_IT_IS)
    now = [part.table for part in parts]
    async with silenced(connection, now):
        loose = await tried(connection, parts)
        before = await _counts(connection)
        async with unchecked(connection, loose):
            await exchange(connection, parts)
    await _must_hold(connection, keys, sisters_of(captured, await others()))
    await _must_be_once(connection, [part.table for part in parts if part.returning])
    await _did_what_was_meant(connection, parts, before)
    if verify:
        await _came_back(connection, parts, captured)
    await must_be_called_alike(connection, captured.labels)
    return Restored(
        sum(part.returning for part in parts),
        sum(part.removing for part in parts),
        tuple(part.table.label for part in parts),
    )


async def _from_dump(connection: Connection, captured: Captured, dump: Dump, others: Others) -> Restored:
    await must_fit(connection, captured)
    known, back = await as_of_now(connection, await others(), waits=True)
    since = since_of(connection, captured, dump, known, back=back)
    now = await since.now()
    if now.conflicts:
        raise Refused(_words(now.conflicts), now.conflicts)
    sisters = sisters_of(captured, known)
    reloaded = await reload(connection, captured, dump, since, now, await types_of(sisters))
    await must_be_called_alike(connection, captured.labels)
    there = [one.table.oid for one in now.tables if one.table is not None and one.emptied]
    await _must_hold(connection, await foreign_keys(connection, there), sisters)
    aside = [f"{one.schema}.{one.name} (called {until_its_own_undo(one)} for now)" for one in now.aside]
    names = tuple(f"{table.schema}.{table.name}" for table in dump.tables)
    waiting = (*(f"the foreign key {key}" for key in reloaded.waiting), *aside)
    return Restored(reloaded.rows, 0, names, waiting, reloaded.gone, reloaded.became)


@asynccontextmanager
async def one_transaction(own: Own, *, keep: bool) -> AsyncIterator[Connection]:
    """Of an undo that is applied; not `keep`: rolled back at its end. Raises YettError, with the server's words."""
    async with opened(own) as connection:
        committing = False
        try:
            async with connection.transaction(force_rollback=not keep):
                yield connection
                committing = keep
        except psycopg.Error as error:
            if committing and (error.sqlstate or "08")[:2] in _BROKEN_OFF:
                raise YettError(
                    "the connection was lost while the undo was being committed: nobody knows yet what became of it",
                    "yett undo list says it once the database has been asked",
                ) from None
            detail = f" ({error.diag.message_detail})" if error.diag.message_detail else ""
            raise YettError(
                f"the undo was not applied, and nothing was changed: the server said {told(error)}{detail}",
                _ADVICE_IF_GONE if isinstance(error, _GONE) else _ADVICE,
            ) from None


async def _compared(connection: Connection, captured: Captured, others: Others) -> list[Compared]:
    await must_fit(connection, captured)
    await no_triggers(connection)
    known, back = await as_of_now(connection, await others(), waits=True)
    there = await tables(connection, [table.effect.oid for table in moved(captured, back).tables])
    await _lock(connection, [(one.schema, one.name) for one in there.values()], _AGAINST_WRITERS)
    known, back = await as_of_now(connection, await others(), waits=True)  # as they are now that nobody can change them
    captured = moved(captured, back)
    now = await tables(connection, there)
    for table in captured.tables:
        if table.effect.oid not in now:
            raise _is_gone(table, known)
    return [await compared(connection, captured, one, now[one.effect.oid], known) for one in captured.tables]


def _is_gone(table: CapturedTable, others: Sequence[Undone]) -> YettError:
    what = f"the {table.effect.label} whose rows this holds was dropped since, so nothing was undone"
    for one in sorted(others, key=lambda one: -one.known.xid):
        dumped = one.known.dump.tables if one.known.dump and one.is_kept and not one.by else ()
        if table.effect.oid in {*(each.oid for each in dumped), *(each.was for each in one.known.heirs)}:
            return YettError(what, f"go back step by step: yett undo apply {one.id}, then this one again")
    return YettError(what, "restore the undo beside and compare by hand: another table, if any, has its name now")


async def must_fit(connection: Connection, captured: Captured) -> None:
    """Raises YettError: it was made of another database, or of a transaction that nobody knows as committed."""
    system, database, standby, next_xid = await row(connection, _PLACE)
    if (system, database) != (captured.system, captured.database) or standby:
        raise YettError("this undo was made of another database", "apply it to the database that it was made of")
    try:
        (status,) = await row(connection, _STATUS.format(xid=sql.Literal(captured.xid)))
    except psycopg.errors.InvalidParameterValue:
        status = None
    if status == "aborted":
        raise YettError("the transaction never took effect, so there is nothing to undo")
    if status != "committed":
        raise YettError(
            f"what became of transaction {captured.xid} is {status or 'unknown'}",
            "if it is in progress, wait; if it is unknown, too many transactions have passed: compare by hand",
        )
    if (next_xid - captured.xid) % EPOCH > EPOCH // 2:
        raise YettError("2 billion transactions have passed: rows no longer tell who made them", "compare by hand")


async def _lock(connection: Connection, names: list[tuple[str, str]], mode: sql.SQL) -> None:
    """With what inherits from them: a key that refers to a partitioned table finds its rows in the partitions."""
    for schema, name in sorted(set(names)):
        await connection.execute(sql.SQL("LOCK TABLE {} IN {} MODE").format(sql.Identifier(schema, name), mode))


async def _must_hold(connection: Connection, keys: list[ForeignKey], sisters: Sequence[Undone]) -> None:
    for key in keys:
        if broken := [shown for (shown,) in await rows(connection, without_parent(key))]:
            child, parent = ".".join(key.child[1:]), ".".join(key.parent[1:])
            why, first = f"would refer to nothing in {parent} ({key.name})", _holding(sisters, key)
            found = tuple(Conflict(child, shown, why, first) for shown in broken)
            raise Refused(_words(found), found)


def sisters_of(captured: Captured, others: Sequence[Undone]) -> list[Undone]:
    """The transaction's other undos that are not applied: what they hold is as the transaction left it."""
    whose = captured.system, captured.xid
    of_it = [one for one in others if (one.known.system, one.known.xid) == whose and not one.by]
    return [one for one in of_it if one.known.files != captured.files]


def _holding(sisters: Sequence[Undone], key: ForeignKey) -> Later | None:
    """The one that has a table of a foreign key."""
    for one in sisters:
        dumped = {table.oid for table in one.known.dump.tables} if one.known.dump else frozenset[int]()
        if {key.child[0], key.parent[0]} & (dumped | {table.effect.oid for table in one.known.tables}):
            return Later(one.id, one.known.xid)
    return None


async def _must_be_once(connection: Connection, found: Sequence[Table]) -> None:
    for table in found:
        doubled = tuple(
            Conflict(table.label, entry, f"is there again since, and would be twice ({name})")
            for name, entry in await twice(connection, table)
        )
        if doubled:
            raise Refused(_words(doubled), doubled)


async def _counts(connection: Connection) -> dict[int, tuple[int, int, int]]:
    return {oid: (deleted, updated, inserted) for oid, deleted, updated, inserted in await rows(connection, _EFFECTS)}


async def _did_what_was_meant(
    connection: Connection, parts: list[Compared], before: dict[int, tuple[int, int, int]]
) -> None:
    """The server's own counts: a trigger, rule or cascade that ran all the same would show here."""
    meant = {part.table.oid: (part.removing, 0, part.returning) for part in parts}
    for oid, now in (await _counts(connection)).items():
        then = before.get(oid, (0, 0, 0))
        if tuple(n - t for n, t in zip(now, then, strict=True)) != meant.pop(oid, (0, 0, 0)):
            raise YettError("bringing the rows back changed other rows, so it was taken back: a rule or trigger ran")
    if any(any(counts) for counts in meant.values()):
        raise YettError("the server did not bring all rows back, so nothing was changed")


async def _came_back(connection: Connection, parts: list[Compared], captured: Captured) -> None:
    for part in parts:
        left = _LEFT.format(table=part.table.quoted, xids=_array(captured.xids))
        (remaining,) = await row(connection, left)
        if remaining or not await _is_the_same(connection, part):
            raise YettError(f"rows of {part.table.label} did not come back the same, so nothing was changed")


async def _is_the_same(connection: Connection, part: Compared) -> bool:
    """Whether every row that was put in is stored as the same bytes; without a key, as many equal rows."""
    if part.key:
        parts = {"same_key": part.pre.same_key(part.key), "same_image": part.pre.same_image()}
        (equal,) = await row(connection, _EQUAL.format(pre=part.pre.quoted, table=part.table.quoted, **parts))
        return bool(equal == part.returning)
    columns = part.table.columns
    now = sql.SQL(", ").join([sql.SQL("t.{}").format(column.quoted) for column in columns])
    kept, now = part.pre.record("p", columns), sql.SQL("ROW({})").format(now)
    (unequal,) = await row(
        connection, _UNEQUAL.format(kept=kept, now=now, pre=part.pre.quoted, table=part.table.quoted)
    )
    return not unequal


def _array(xids: tuple[int, ...]) -> sql.Literal:
    return sql.Literal("{" + ",".join(str(xid) for xid in xids) + "}")


def _advice(found: tuple[Conflict, ...]) -> str:
    later = sorted({one.later for one in found if one.later}, key=lambda one: -one.xid)
    if not later:
        return "settle these rows by hand, or restore the undo beside and compare"
    first = f"go back step by step: yett undo apply {later[0].id}, then this one again"
    others = [one for one in found if not one.later]
    return first + (f"; {len(others)} of these rows are to be settled by hand" if others else "")


def _words(found: tuple[Conflict, ...]) -> str:
    shown = "; ".join(f"{c.table} {c.key}: {c.why}" for c in found[:10])
    more = f"; and {len(found) - 10} more" if len(found) > 10 else ""
    many = "1 row was" if len(found) == 1 else f"{len(found):,} rows were"
    return f"{many} changed since, so nothing was undone: {shown}{more}"
