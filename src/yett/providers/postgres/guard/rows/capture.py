"""Keep the rows of one table as they were before a transaction that has not committed.

Yett's own connection does not see the transaction's changes. Of the rows that it sees, those that the transaction
deleted or updated carry one of its ids in xmax, or a multixact in which it is a member that changed the row (another
session holds a key-share lock beside it). A row that the transaction only locked carries the id too; the agent's own
connection still sees such a row in its place, and so tells it apart.

Then everything has to add up: by the server's own counts of events; or, where savepoints were taken back or rows were
changed twice, so that events are more than rows, by comparing what both connections see of all that was not touched; or
else the whole table is kept.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from psycopg import sql

from yett.providers.postgres.guard import xids as ids
from yett.providers.postgres.guard.captured import CapturedTable, File
from yett.providers.postgres.guard.copying import Outflow, checked, into, keep
from yett.providers.postgres.guard.effects import TableEffect, Unguardable
from yett.providers.postgres.guard.own import Connection, row
from yett.providers.postgres.guard.rows.added import added, must_be_running, new_keys
from yett.providers.postgres.guard.rows.aim import condition
from yett.providers.postgres.guard.rows.beside import Beside
from yett.providers.postgres.guard.rows.taking import Taken, Taking
from yett.providers.postgres.guard.sink import Source
from yett.providers.postgres.guard.table import Table
from yett.providers.postgres.guard.xids import EPOCH, Xids

ROUNDS = 4
"""Tries to see one state: another session may lock a row, or commit, between two looks."""

_SEEN = """
SELECT t.xmin::pg_catalog.text,
  CASE WHEN t.xmin OPERATOR(pg_catalog.=) ANY ('{own}'::pg_catalog.xid[]) THEN NULL
    ELSE t.ctid::pg_catalog.text END,
  pg_catalog.count(*)::pg_catalog.text
FROM ONLY {table} AS t
WHERE t.xmin OPERATOR(pg_catalog.=) ANY ('{own}'::pg_catalog.xid[])
  OR t.xmax OPERATOR(pg_catalog.=) ANY ('{touching}'::pg_catalog.xid[])
GROUP BY 1, 2"""
# A sum does not depend on the order of rows; a place and the row's maker tell one version of one row.
_UNTOUCHED_SEEN = """
SELECT pg_catalog.count(*)::pg_catalog.text, pg_catalog.sum(pg_catalog.hashtextextended(
  pg_catalog.concat(t.ctid::pg_catalog.text, t.xmin::pg_catalog.text), 0)::pg_catalog.numeric)::pg_catalog.text
FROM ONLY {table} AS t WHERE NOT t.xmin OPERATOR(pg_catalog.=) ANY ('{own}'::pg_catalog.xid[])"""
_VERSIONS = sql.SQL("""
SELECT count(*)::text, sum(hashtextextended(concat(t.ctid::text, t.xmin::text), 0)::numeric)::text
FROM ONLY {table} AS t WHERE {where}""")
# The agent's own connection does not see what its transaction changed; what it sees with its mark is locked.
_ONLY_LOCKED = """
SELECT 1 FROM ONLY {table} AS t WHERE {where}
  AND NOT t.xmin OPERATOR(pg_catalog.=) ANY ('{own}'::pg_catalog.xid[])
  AND t.xmax OPERATOR(pg_catalog.=) ANY ('{touching}'::pg_catalog.xid[]) LIMIT 1"""
_OF_ANOTHER_EPOCH = sql.SQL("SELECT count(*) FROM ONLY {table} AS t WHERE t.xmin = ANY ({own}::xid[])")
_DIFFERING = sql.SQL("""
SELECT count(*) FROM {copy} p LEFT JOIN ONLY {table} AS t ON t.ctid = p.row_at AND t.xmin = p.row_xmin
WHERE ({same}) IS NOT TRUE""")

_TID = re.compile(r"\(\d+,\d+\)")


@dataclass(frozen=True, slots=True)
class Seen:
    """What the agent's own connection sees: its `new` row versions, and rows that it only `locked` (ctids)."""

    new: int
    locked: frozenset[str]
    makers: frozenset[int]


@dataclass(frozen=True, slots=True)
class _Found:
    """What was written out. `changed`: how many of the rows the transaction changed, where their marks are no proof.
    `where`: where alone they were looked for."""

    rows: int
    file: File
    touching: frozenset[int]
    seen: Seen | None
    whole: bool
    changed: int | None
    where: sql.Composable | None = None


async def take(taking: Taking, table: Table, effect: TableEffect, xids: Xids, readable: bool) -> Taken:
    """Keep the rows of `table` that the transaction changed, and the keys of those that it made.

    Raises:
        Unguardable: they cannot all be accounted for.
    """
    await _no_other_epoch(taking.own, table, xids)
    if not readable:
        _must_be_plain(table, xids)
    if not (effect.deleted or effect.updated):
        return await added(taking, table, effect, xids, readable)
    found = await _aimed_at(taking, table, effect, xids) if readable else None
    if found is None:
        found = await _row_by_row(taking, table, effect, xids, readable)
    if found is None:
        found = await _whole(taking, table, effect, xids, readable)
    new = found.seen.new if found.seen else None
    if found.seen is None and not found.whole:
        new = found.rows + effect.inserted - effect.deleted
    new_file = await new_keys(taking, table, xids, new, found.where) if readable and new else None
    captured = CapturedTable(
        effect,
        table.columns,
        tuple(column.name for column in table.keys[0]) if table.keys else (),
        table.filenode,
        table.is_partition,
        found.rows,
        found.whole,
        found.changed,
        new,
        found.file.name,
        new_file.name if new_file else "",
    )
    files = (found.file, new_file) if new_file else (found.file,)
    return Taken(captured, files, found.seen.makers if found.seen else frozenset())


async def _aimed_at(taking: Taking, table: Table, effect: TableEffect, xids: Xids) -> _Found | None:
    """The changed rows, found where the statements' own words say; None: whether that is all of them is not proven.

    Each row that was changed is one event of the server's count at least, so that as many of them as events are all
    there are, however they were found. A row that carries the mark is changed, and not only locked, if the agent's
    connection does not see it while Yett's own still does: an older snapshot, or a change by another session between
    the two looks, would hide one that is locked, too."""
    where = condition(taking.aims.get(table.oid, ()), table)
    if where is None or xids.aborted or xids.doubtful or not taking.read_committed:
        return None
    found = await _kept_rows(taking, table, xids, None, whole=False, where=where)
    if found.rows != effect.deleted + effect.updated:
        return None
    marked = sql.SQL("{} AND {}").format(where, _touched(found.touching, None))
    before = await row(taking.own, _VERSIONS.format(table=table.quoted, where=marked))
    own, touching = ids.listed(xids.possible), ids.listed(found.touching)
    query = _ONLY_LOCKED.format(table=_name(table), own=own, touching=touching, where=where.as_string(None))
    if before[0] != str(found.rows) or await taking.agent.rows(query):
        return None
    return found if await row(taking.own, _VERSIONS.format(table=table.quoted, where=marked)) == before else None


async def _row_by_row(taking: Taking, table: Table, effect: TableEffect, xids: Xids, readable: bool) -> _Found | None:
    """Exactly the changed rows, or None if they do not add up."""
    look = readable and bool(effect.updated or effect.inserted or xids.aborted)
    for _ in range(ROUNDS):
        seen = await _see(taking, table, xids) if look else None
        found = await _kept_rows(taking, table, xids, seen, whole=False)
        if seen is None and readable and found.rows != effect.deleted:
            look = True
            continue
        counted = adds_up(effect, found.rows, seen)
        if counted and (seen is None or not xids.aborted or await _is_stable(taking, table, xids, seen)):
            return found
        if seen is None:
            return None
        if await _rest_is_untouched(taking, table, xids, found):
            return found
    return None


async def _whole(taking: Taking, table: Table, effect: TableEffect, xids: Xids, readable: bool) -> _Found:
    """All of the table, each row with whether it was changed. How many were is certain, or that mark is."""
    if table.size > taking.limits.whole_bytes:
        raise Unguardable(
            f"the changes to {table.label} cannot be told row by row, and at {table.size >> 20} MiB it is too large to "
            "be kept whole",
            "run it again when fewer others write to the table, without savepoints, or change less at a time",
        )
    if not readable:
        _must_be_of_one_kind(table, effect)
        found = await _kept_rows(taking, table, xids, None, whole=True)
        return replace(found, changed=None if effect.updated else effect.deleted)
    for _ in range(ROUNDS):
        seen = await _see(taking, table, xids)
        found = await _kept_rows(taking, table, xids, seen, whole=True)
        if not xids.aborted:
            return replace(found, changed=seen.new - effect.inserted + effect.deleted)
        if await _is_stable(taking, table, xids, seen):
            return found
    raise Unguardable(
        f"other sessions keep changing {table.label} while its changes are told apart from what a savepoint took back",
        "run it again when fewer others write to the table, or without savepoints",
    )


async def _is_stable(taking: Taking, table: Table, xids: Xids, seen: Seen) -> bool:
    """Whether the rows that the transaction only locks are still those in `seen`: another session may meanwhile have
    updated one that is locked FOR KEY SHARE, and the new version carries the lock's mark on. Never so where the agent's
    snapshot is older than the rows that its foreign keys lock (REPEATABLE READ)."""
    return taking.read_committed and await _see(taking, table, xids) == seen


def adds_up(effect: TableEffect, kept: int, seen: Seen | None) -> bool:
    """Whether the rows kept (and the new ones seen) are what the server's counts of events say."""
    if seen is None:
        return kept == effect.updated + effect.deleted
    balanced = seen.new - kept == effect.inserted - effect.deleted
    return balanced and kept <= effect.updated + effect.deleted and seen.new <= effect.updated + effect.inserted


async def _kept_rows(
    taking: Taking, table: Table, xids: Xids, seen: Seen | None, *, whole: bool, where: sql.Composable | None = None
) -> _Found:
    """Write out all rows that carry the transaction's mark (and lie `where`), or all that there are. Repeated if
    meanwhile another session locked one of them, which gives it a new mark."""
    for _ in range(ROUNDS):
        touching = xids.possible | await ids.multixacts(taking.own, xids)
        touched = _touched(touching, seen)
        chosen = touched if where is None else sql.SQL("{} AND {}").format(where, touched)
        query = _rows_query(table, touched, sql.SQL("true") if whole else chosen)
        outflow = Outflow(taking.own, query, taking.limits.whole_bytes if whole else taking.limits.table_bytes)
        file = await keep(taking.sink, f"{table.oid}.{next(taking.numbers)}.rows", outflow.pieces())
        if touching == xids.possible | await ids.multixacts(taking.own, xids):
            await _comes_back_exact(taking, table, file)
            return _Found(outflow.rows, file, touching, seen, whole, None, where)
    raise Unguardable(f"other sessions keep locking rows of {table.label} that it changes", "run it again")


def _rows_query(table: Table, touched: sql.Composable, where: sql.Composable) -> sql.Composed:
    columns = sql.SQL(", ").join([sql.SQL("t.{}").format(column.quoted) for column in table.columns])
    query = sql.SQL("SELECT {touched}, t.ctid, t.xmin, {columns} FROM ONLY {table} AS t WHERE {where}")
    return query.format(touched=touched, columns=columns, table=table.quoted, where=where)


def _touched(touching: frozenset[int], seen: Seen | None) -> sql.Composable:
    carries = sql.SQL("t.xmax = ANY ({}::xid[])").format(ids.literal(touching))
    if seen is None or not seen.locked:
        return carries
    listed = "{" + ",".join(f'"{ctid}"' for ctid in sorted(seen.locked)) + "}"
    return sql.SQL("({} AND NOT t.ctid = ANY ({}::tid[]))").format(carries, sql.Literal(listed))


async def _see(taking: Taking, table: Table, xids: Xids) -> Seen:
    """Read the table as the agent's transaction sees it. A maker that is in progress after that is the agent's own."""
    touching = xids.possible | await ids.multixacts(taking.own, xids)
    query = _SEEN.format(own=ids.listed(xids.possible), touching=ids.listed(touching), table=_name(table))
    found = await taking.agent.rows(query)
    makers = frozenset(int(maker or 0) for maker, ctid, _ in found if ctid is None)
    await must_be_running(taking, table, xids, makers)
    locked = frozenset(ctid for _, ctid, _ in found if ctid is not None and _TID.fullmatch(ctid))
    if len(locked) > taking.limits.locked:
        raise Unguardable(f"it locks {len(locked)} rows of {table.label} beside those that it changes", "lock less")
    return Seen(sum(int(number or 0) for _, ctid, number in found if ctid is None), locked, makers)


async def _rest_is_untouched(taking: Taking, table: Table, xids: Xids, found: _Found) -> bool:
    """Whether both connections see the very same row versions outside of what was kept and what is new."""
    (theirs,) = await taking.agent.rows(_UNTOUCHED_SEEN.format(own=ids.listed(xids.possible), table=_name(table)))
    rest = sql.SQL("NOT ({})").format(_touched(found.touching, found.seen))
    ours = await row(taking.own, _VERSIONS.format(table=table.quoted, where=rest))
    return theirs == ours and found.touching == xids.possible | await ids.multixacts(taking.own, xids)


def _must_be_plain(table: Table, xids: Xids) -> None:
    """The server's counts must be of rows alone: the agent's own connection cannot be asked what it sees."""
    if xids.aborted or xids.doubtful:
        raise Unguardable(
            f"savepoints may be among the changes to {table.label}, and the session's role may not read that table",
            f"give the session's role SELECT on {table.label}, or run it again",
        )


def _must_be_of_one_kind(table: Table, effect: TableEffect) -> None:
    """Where new rows cannot be seen, a whole copy alone does not tell which of them are the transaction's if it did
    several kinds of things."""
    if effect.inserted or (effect.updated and effect.deleted):
        raise Unguardable(
            f"the changes to {table.label} cannot be told row by row: the session's role may not read that table",
            f"give the session's role SELECT on {table.label}, or have the table kept by a dump first",
        )


def _name(table: Table) -> str:
    return table.quoted.as_string(None)


async def _no_other_epoch(own: Connection, table: Table, xids: Xids) -> None:
    """A frozen row keeps the 32 bits of its maker for ever: after 2^32 transactions they are somebody else's."""
    if xids.top < EPOCH:
        return
    query = _OF_ANOTHER_EPOCH.format(table=table.quoted, own=ids.literal(xids.possible))
    (number,) = await row(own, query)
    if number:
        raise Unguardable(
            f"{table.label} holds rows from 4 billion transactions ago under the same id", "run the statement again"
        )


async def _comes_back_exact(taking: Taking, table: Table, file: File) -> None:
    """Read back what was written, and compare it with the table as stored bytes."""
    if not table.doubtful:
        return
    own, copy = taking.own, Beside("yett_exact", table)
    if not isinstance(taking.sink, Source):
        raise Unguardable(f"{table.label} has values of a type whose binary form is not known to be exact")
    async with own.transaction(force_rollback=True):
        await copy.make(own)
        await into(own, copy.quoted, checked(taking.sink, file))
        query = _DIFFERING.format(copy=copy.quoted, table=table.quoted, same=copy.same_image(table.doubtful))
        (differing,) = await row(own, query)
    if differing:
        raise Unguardable(
            f"{differing} rows of {table.label} do not survive a copy unchanged: values of a type like xml",
            "have a dump of the whole database made first",
        )
