"""Whose a row version is that an earlier undo put back: of the transaction whose version it is, bit for bit.

An undo puts rows back under the id of its own transaction. That id was written down before its COMMIT (`Begun`),
beside the undo that it brought back. What that undo had kept of the row names the version's maker then; if that one was
an undo's transaction, too, the next undo is asked. So several steps go back, the newest first, and what anybody else
wrote stays somebody else's.

Nothing is taken on the number's word. The server must say that the transaction was committed; the row must be stored as
the very bytes that were kept, at every step; and of rows that are equal it must not matter which is which. A number of
32 bits means the one of 64 that was given out before it was read, and since which less than 2^32 were: `restore` and
`capture` have seen that no older row of the table carries it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from psycopg import sql

from yett.model.errors import YettError
from yett.providers.postgres.guard.captured import Captured, CapturedTable
from yett.providers.postgres.guard.copying import kept_into
from yett.providers.postgres.guard.dumps.shape import Shape
from yett.providers.postgres.guard.labels import renamed
from yett.providers.postgres.guard.own import Connection, row, rows
from yett.providers.postgres.guard.rows.beside import Beside
from yett.providers.postgres.guard.table import Table, are_the_same
from yett.providers.postgres.guard.xids import EPOCH, listed

# `maker` is whose the version was when a row of it was last kept, `until` the first id that was not given out by then;
# `was_at` is where it lay, `hop` the restore that this is known by, `removed` the transaction (64 bits) that had taken
# it away. At first: what stands in the table now.
_STANDS = sql.SQL("""
CREATE TEMPORARY TABLE {stands} ON COMMIT DROP AS
SELECT t.ctid AS row_at, t.xmin AS maker, {until}::int8 AS until, NULL::tid AS was_at, 0::int8 AS hop,
  0::int8 AS removed
FROM ONLY {table} AS t WHERE t.xmin = ANY ({makers}::xid[])""")
_OF_ONE = "s.maker = {maker}::text::xid AND s.until > {restore} AND s.until - {restore} <= 4294967296"
_ANALYZE = sql.SQL("ANALYZE {}")
_ANY = sql.SQL("SELECT EXISTS (SELECT FROM {stands} s WHERE " + _OF_ONE + ")")
# Equal rows stand for each other: as many as were kept, or all of them one transaction's.
_STEP = sql.SQL(
    """
WITH s AS (
  SELECT row_at, d, row_number() OVER (PARTITION BY d) AS n, count(*) OVER (PARTITION BY d) AS many FROM (
    SELECT s.row_at, md5(record_send({now})) AS d FROM {stands} s JOIN ONLY {table} AS t ON t.ctid = s.row_at
    WHERE """
    + _OF_ONE
    + """) x
), k AS (
  SELECT place, d, row_number() OVER (PARTITION BY d) AS n, count(*) OVER (PARTITION BY d) AS many,
    min(maker) OVER (PARTITION BY d) = max(maker) OVER (PARTITION BY d) AS one_maker FROM (
    SELECT p.ctid AS place, md5(record_send({kept})) AS d, p.row_xmin::text::int8 AS maker FROM {copy} p WHERE {which}
  ) x
)
UPDATE {stands} AS u SET maker = p.row_xmin, until = {until}, was_at = p.row_at, hop = {restore},
  removed = {removed}
FROM s JOIN k USING (d, n) JOIN {copy} p ON p.ctid = k.place JOIN ONLY {table} AS t ON t.ctid = s.row_at
WHERE u.row_at = s.row_at AND (k.one_maker OR s.many = k.many) AND {same_image}"""
)
# The version that this undo kept stands again, put back.
_AGAIN = sql.SQL("""
UPDATE {pre} p SET gone = false FROM {stands} s, ONLY {table} AS t
WHERE p.gone AND s.hop = {restore} AND s.was_at = p.row_at AND s.maker = p.row_xmin AND t.ctid = s.row_at
AND {same_image}""")
_OURS = sql.SQL("""
CREATE TEMPORARY TABLE {ours} ON COMMIT DROP AS
SELECT s.row_at FROM {stands} s
WHERE s.maker = ANY ({xids}::xid[]) AND s.until >= {since} AND s.until - {top} <= 4294967296
UNION SELECT t.ctid FROM ONLY {table} AS t WHERE t.xmin = ANY ({xids}::xid[])""")
# A maker of 32 bits is the last of that number that had been given out by then. What is older than a point in time, and
# was removed only later, stood then.
_STOOD = sql.SQL("""
EXISTS (
  SELECT FROM (
    SELECT s.row_at, s.maker, s.removed, s.until - ((s.until - s.maker::text::int8) & 4294967295) AS whole
    FROM {stands} s
  ) s WHERE s.row_at = {alias}.ctid AND (
    s.whole < {next} AND s.removed >= {next} AND s.maker <> ALL ({open}::xid[]) OR s.whole = ANY ({asked}::int8[])
    OR s.maker = ANY ({xids}::xid[]) AND abs(s.whole - {top}) < 2147483648))""")
_MAKERS = sql.SQL("""
SELECT s.row_at::text, s.maker::text::int8, s.until FROM {stands} s WHERE s.row_at = ANY ({places}::tid[])""")
_PRESENT = sql.SQL("SELECT DISTINCT t.xmin::text::int8 FROM ONLY {table} AS t WHERE t.xmin = ANY ({xids}::xid[])")
_TOLD = sql.SQL("SELECT DISTINCT s.maker::text::int8 FROM {stands} s")
_HELD = sql.SQL("SELECT DISTINCT {shown} FROM {copy} p WHERE p.touched AND {shown} = ANY ({keys}::text[])")
_COMMITTED = sql.SQL("""
SELECT x, pg_snapshot_xmax(pg_current_snapshot())::text::int8 FROM unnest({xids}::int8[]) x
WHERE CASE WHEN x < pg_snapshot_xmax(pg_current_snapshot())::text::int8
  THEN pg_xact_status(x::text::xid8) = 'committed' END""")


LOOKED_AT = 20
"""Later undos that are read to say which of them removed a row."""


@dataclass(frozen=True, slots=True)
class Became:
    """What a dumped table (oid) is once it came back, its `shape` then, and whether the rows that `versions` holds of
    it stand in it as the same bytes."""

    was: int
    now: int
    shape: Shape
    has_versions: bool


@dataclass(frozen=True, slots=True)
class Undone:
    """Another undo of the same database, or this one. `known` is its record, without files.

    `by`: the ids (64 bits) of all transactions that brought it back, or may have. `opened` gives it with its files;
    it raises YettError if they are not `is_kept` any more, or not what was written. `as_left_by`: see `as_left.py`.
    `words`: the labels of definitions that it keeps in words, and that were there before. `became`: by each id of `by`,
    what its tables are since.
    """

    id: str
    known: Captured
    by: tuple[int, ...]
    opened: Callable[[], Awaitable[Captured]]
    is_kept: bool = True
    as_left_by: frozenset[str] = frozenset()
    words: frozenset[str] = frozenset()
    became: Mapping[int, tuple[Became, ...]] = field(default_factory=dict)

    def kept(self, table: Table) -> CapturedTable | None:
        return next((one for one in self.known.tables if one.effect.oid == table.oid), None)

    def has_versions(self, table: Table) -> bool:
        return any(one.effect.oid == table.oid for one in self.known.versions)

    def found_versions(self, table: Table) -> bool:
        """Whether each of those rows was found again, the very same, whenever it was brought back."""
        found = [one for all_ in self.became.values() for one in all_ if one.now == table.oid]
        return bool(found) and all(one.has_versions for one in found)

    def dumped(self, table: Table) -> bool:
        return self.known.dump is not None and any(one.oid == table.oid for one in self.known.dump.tables)


Others = Callable[[], Awaitable[Sequence[Undone]]]
"""All undos of the database that Yett has made. Asked once the tables are locked, so that no restore is missed."""


async def none() -> Sequence[Undone]:
    """For `Others`: nothing else is known."""
    return ()


@dataclass(frozen=True, slots=True)
class Later:
    """An undo that is to be applied first. `xid` (64 bits) is of the transaction that it undoes."""

    id: str
    xid: int


@dataclass
class Chain:
    """One table's rows that undos have put back. `ours` are places of all that `captured`'s transaction wrote, once
    any undo was asked."""

    own: Connection
    captured: Captured
    table: Table
    others: Sequence[Undone]
    ours: sql.Identifier | None = None
    _restores: dict[int, Undone] = field(default_factory=dict)
    _asked: list[int] = field(default_factory=list)
    _next: int = 0

    @property
    def stands(self) -> sql.Identifier:
        return sql.Identifier("pg_temp", f"yett_stands_{self.table.oid}")

    @property
    def _since(self) -> int:
        """What was kept then or later was kept after `captured` was: in a later epoch no tie is enough."""
        return self.captured.until + (self.captured.xid >= EPOCH)

    async def follow(self, kept: CapturedTable, pre: Beside) -> None:
        """Ask undo after undo whose the rows are; mark those of `pre` that stand again."""
        if not await self.trace(pre, kept.filenode):
            return
        ours = f"yett_ours_{self.table.oid}"
        await self.own.execute(
            _OURS.format(
                ours=sql.Identifier(ours),
                stands=self.stands,
                table=self.table.quoted,
                xids=sql.Literal(listed(frozenset(self.captured.xids))),
                since=sql.Literal(self._since),
                top=sql.Literal(self.captured.xid),
            )
        )
        self.ours = sql.Identifier("pg_temp", ours)

    async def trace(self, pre: Beside | None = None, filenode: int = 0, since: int = 0) -> bool:
        """Ask undo after undo whose the rows are, and answer whether any was asked. `pre`: kept of that `filenode`;
        `since` (64 bits): what was put back before is not asked about.

        A step back is one to an older transaction: an undo keeps what was committed before its own restore began.
        """
        if not self.captured.until:
            return False  # it was written before this could be told
        touching = {xid: one for one in self.others if one.kept(self.table) or one.dumped(self.table) for xid in one.by}
        later = {xid for xid in touching if xid >= since}
        for xid, now in (await committed(self.own, later)).items():
            self._restores[xid], self._next = touching[xid], now
        if not self._restores:
            return False
        await self.own.execute(
            _STANDS.format(
                stands=sql.Identifier(f"yett_stands_{self.table.oid}"),
                until=sql.Literal(self._next),
                table=self.table.quoted,
                makers=sql.Literal(listed(frozenset(xid % EPOCH for xid in self._restores))),
            )
        )
        await self.own.execute(_ANALYZE.format(self.stands))
        for xid in sorted(self._restores, reverse=True):
            theirs = await self._step(xid, self._restores[xid])
            if theirs is not None:
                self._asked.append(xid)
            if theirs is not None and pre is not None and theirs.filenode == filenode:
                again = {"stands": self.stands, "table": self.table.quoted, "restore": sql.Literal(xid)}
                await self.own.execute(_AGAIN.format(**again, pre=pre.quoted, same_image=pre.same_image()))
        return True

    def stood(
        self, alias: str, next_xid: int, open_xids: Collection[int], xids: Collection[int], whole: Collection[Undone]
    ) -> sql.Composed:
        """Once traced since `next_xid` (64 bits): whether row version `alias` stood in the table then, when `open_xids`
        had not ended; or is of one of `xids` (32 bits), or put back by one of those `whole` that know no other writer
        of it."""
        asked = [xid for xid in self._asked if self._restores[xid] in whole]
        return _STOOD.format(
            alias=sql.Identifier(alias),
            stands=self.stands,
            next=sql.Literal(next_xid),
            open=sql.Literal(listed(frozenset(open_xids))),
            xids=sql.Literal(listed(frozenset(xids))),
            top=sql.Literal(self.captured.xid),
            asked=sql.Literal(asked),
        )

    async def _step(self, xid: int, undone: Undone) -> CapturedTable | None:
        """Answers what `undone` had kept of the table, if it was asked."""
        parts = {
            "stands": self.stands,
            "table": self.table.quoted,
            "maker": sql.Literal(xid % EPOCH),
            "restore": sql.Literal(xid),
        }
        (any_,) = await row(self.own, _ANY.format(**parts))
        found = await self._opened(undone) if any_ else None
        if found is None:
            return None
        then, theirs = found
        if not 0 < then.until <= xid:
            return None
        copy = await self._loaded(f"yett_chain_{xid}_{self.table.oid}", undone, then, theirs)
        columns = self.table.columns
        now = [sql.SQL("t.{}").format(column.quoted) for column in columns]
        await self.own.execute(
            _STEP.format(
                **parts,
                now=sql.SQL("ROW({})").format(sql.SQL(", ").join(now)),
                kept=copy.record("p", columns),
                copy=copy.quoted,
                which=sql.SQL("true" if theirs.key else "p.touched"),
                until=sql.Literal(then.until),
                removed=sql.Literal(then.xid),
                same_image=copy.same_image(),
            )
        )
        await self.own.execute(_ANALYZE.format(self.stands))
        return theirs

    async def _loaded(self, name: str, undone: Undone, then: Captured, theirs: CapturedTable) -> Beside:
        copy = Beside(name, self.table)
        await copy.make(self.own)
        if await kept_into(self.own, copy.quoted, then, theirs.file) != theirs.rows:
            raise YettError(f"the rows of {self.table.label} in {undone.id} are not {theirs.rows}")
        await self.own.execute(_ANALYZE.format(copy.quoted))
        return copy

    async def _opened(self, undone: Undone) -> tuple[Captured, CapturedTable] | None:
        """With its files; None if they cannot say whose a row of the table as it is now was."""
        try:
            then = await undone.opened()
        except YettError:
            return None
        if (then.system, then.database) != (self.captured.system, self.captured.database):
            return None
        if await renamed(self.own, then.labels):
            return None
        for theirs in (*then.tables, *then.versions):
            if theirs.effect.oid == self.table.oid and are_the_same(theirs.columns, self.table.columns):
                return then, theirs
        return None

    async def why(self, found: Iterable[tuple[int, str]]) -> list[tuple[str, Later | None]]:
        """Of row versions (xmin, ctid) that are not ours: what is known of who wrote each, and what to undo first."""
        found = list(found)
        known: dict[str, tuple[int, int]] = {}
        if self.ours is not None:
            places = "{" + ",".join(f'"{place}"' for _, place in found) + "}"
            query = _MAKERS.format(stands=self.stands, places=sql.Literal(places))
            known = {place: (maker, until) for place, maker, until in await rows(self.own, query)}
        return [self._told(*known.get(place, (xmin, 0))) for xmin, place in found]

    async def who_removed(self, keys: Collection[str], shown: sql.Composable) -> dict[str, tuple[str, Later | None]]:
        """Of rows that are gone, as `shown` tells a kept row `p`: the newest of later undos that holds each."""
        left, said = set(keys), dict[str, tuple[str, Later | None]]()
        after = [one for one in self.others if one.kept(self.table) and _order(one.known) > _order(self.captured)]
        for number, one in enumerate(sorted(after, key=lambda one: -one.known.xid)[:LOOKED_AT]):
            found = await self._opened(one) if left else None
            if found is None:
                continue
            copy = await self._loaded(f"yett_after_{number}_{self.table.oid}", one, *found)
            query = _HELD.format(shown=shown, copy=copy.quoted, keys=sql.Literal(sorted(left)))
            here = {key for (key,) in await rows(self.own, query)}
            said |= dict.fromkeys(here, self.later([one]))
            left -= here
        return said

    async def later_rows(self) -> tuple[str, Later | None]:
        """Where rows cannot be told one by one: what is known of later undos' rows that stand in the table."""
        after = [one for one in self.others if one.kept(self.table) and _order(one.known) > _order(self.captured)]
        xids = listed(frozenset(xid for one in after for xid in one.known.xids))
        query = _PRESENT.format(table=self.table.quoted, xids=sql.Literal(xids))
        present = {xid for (xid,) in await rows(self.own, query)}
        if self.ours is not None:
            present |= {xid for (xid,) in await rows(self.own, _TOLD.format(stands=self.stands))}
        return self.later(one for one in after if present.intersection(one.known.xids))

    def _told(self, maker: int, until: int) -> tuple[str, Later | None]:
        restores = [xid for xid in self._restores if xid % EPOCH == maker and (not until or xid < until)]
        if restores:
            undone = self._restores[max(restores)]
            return f", and what {undone.id} holds does not say whose the row was that it put back", None
        return self.later(one for one in self.others if maker in one.known.xids and one.kept(self.table))

    def later(self, candidates: Iterable[Undone]) -> tuple[str, Later | None]:
        """The newest of those that were made after this one, in words."""
        after = [one for one in candidates if _order(one.known) > _order(self.captured)]
        if not after:
            return "", None
        newest = max(after, key=lambda one: one.known.xid)
        if not newest.is_kept:
            return f", by what {newest.id} undid, which was let go", None
        return f", by what {newest.id} undoes", Later(newest.id, newest.known.xid)


async def committed(own: Connection, xids: Collection[int]) -> dict[int, int]:
    """Those of `xids` (64 bits) that the server knows as committed, each with the first id not given out by now."""
    return dict(await rows(own, _COMMITTED.format(xids=sql.Literal(sorted(xids))))) if xids else {}


def _order(captured: Captured) -> tuple[int, int]:
    return captured.until or captured.xid, captured.xid


async def no_other_epoch(own: Connection, tables: Collection[Table], xid: int) -> None:
    """Before a transaction puts rows in: none that is there carries its 32 bits from 2^32 transactions ago."""
    if xid < EPOCH:
        return
    for table in tables:
        query = sql.SQL("SELECT EXISTS (SELECT FROM ONLY {} AS t WHERE t.xmin = {}::text::xid)")
        (found,) = await row(own, query.format(table.quoted, sql.Literal(xid % EPOCH)))
        if found:
            raise YettError(f"{table.label} holds rows from 4 billion transactions ago under the same id", "try again")
