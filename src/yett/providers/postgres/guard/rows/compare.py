"""Compare one table as it is with what was kept of it: what is to come back, and what somebody changed since."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from psycopg import sql

from yett.model.errors import YettError
from yett.providers.postgres.guard.captured import Captured, CapturedTable
from yett.providers.postgres.guard.copying import kept_into
from yett.providers.postgres.guard.own import Connection, row, rows
from yett.providers.postgres.guard.rows.beside import Beside
from yett.providers.postgres.guard.rows.chain import Chain, Later, Undone
from yett.providers.postgres.guard.table import KeyColumn, Table, are_the_same
from yett.providers.postgres.guard.xids import EPOCH, listed

SHOWN = 1000
"""Conflicts that are named one by one, a table and a kind."""

LATER_SHOWN = 20
"""Rows with a later mark that are named where only their number tells that some were changed."""

# `gone`: the version that was kept does not lie in its place any more. `settled`: the same row stands there again, or
# another's change to it is a conflict.
_PREPARE = sql.SQL("ALTER TABLE {pre} ADD COLUMN gone bool NOT NULL DEFAULT true")
_STILL_THERE = sql.SQL("""
UPDATE {pre} p SET gone = false FROM ONLY {table} AS t WHERE t.ctid = p.row_at AND t.xmin = p.row_xmin""")
_THE_SAME_AGAIN = sql.SQL("""
UPDATE {pre} p SET gone = false FROM ONLY {table} AS t
WHERE p.gone AND {same_key} AND NOT {ours} AND {same_image}""")
_THERE = sql.SQL("""
CREATE TEMPORARY TABLE {there} ON COMMIT DROP AS
SELECT t.ctid AS row_at{key} FROM ONLY {table} AS t WHERE {ours}""")
_NEW = sql.SQL("CREATE TEMPORARY TABLE {new} ON COMMIT DROP AS SELECT {key} FROM ONLY {table} AS t WITH NO DATA")
_CHANGED = sql.SQL("""
SELECT {shown}, t.xmin::text::int8, t.ctid::text FROM {pre} p JOIN ONLY {table} AS t ON {same_key}
WHERE p.gone AND NOT {ours} LIMIT {limit}""")
_MISSING = sql.SQL("""
SELECT {shown} FROM {pre} p WHERE p.gone AND {which}
AND NOT EXISTS (SELECT FROM ONLY {table} AS t WHERE {same_key}) LIMIT {limit}""")
_NEW_CHANGED = sql.SQL("""
SELECT {shown}, t.xmin::text::int8, t.ctid::text FROM {new} p JOIN ONLY {table} AS t ON {same_key}
WHERE NOT {ours} AND NOT EXISTS (SELECT FROM {pre} o WHERE {same_as_kept}) LIMIT {limit}""")
_NEW_MISSING = sql.SQL("""
SELECT {shown} FROM {new} p WHERE NOT EXISTS (SELECT FROM ONLY {table} AS t WHERE {same_key})
AND NOT EXISTS (SELECT FROM {pre} o WHERE {same_as_kept}) LIMIT {limit}""")
_UNEXPLAINED = sql.SQL("""
SELECT {shown} FROM {there} t WHERE NOT EXISTS (SELECT FROM {new} p WHERE {same_key}) LIMIT {limit}""")
_LATER = sql.SQL("""
SELECT {shown} FROM ONLY {table} AS t
WHERE ((t.xmin::text::int8 - {first}) & 4294967295) < ((age('3'::xid)::int8 + 3 - {first}) & 4294967295)
  AND NOT {ours} LIMIT {limit}""")
_COUNTS = sql.SQL("""
SELECT (SELECT count(*) FROM {pre} p WHERE p.gone), (SELECT count(*) FROM {pre} p WHERE p.gone AND p.touched),
  (SELECT count(*) FROM {pre} p WHERE NOT p.gone AND p.touched), (SELECT count(*) FROM {there})""")


@dataclass(frozen=True, slots=True)
class Conflict:
    """A row that somebody changed after the transaction. `key` is "column=value, ...", or what is known of it.

    `later`: the undo of what changed it, if it is one of Yett's own.
    """

    table: str
    key: str
    why: str
    later: Later | None = None


@dataclass(frozen=True, slots=True)
class Compared:
    """`pre` holds the kept rows, of which those that are `gone` come back; `there` the places of rows to take out."""

    table: Table
    key: tuple[KeyColumn, ...]
    pre: Beside
    there: sql.Identifier
    returning: int
    removing: int
    conflicts: tuple[Conflict, ...]


async def compared(
    own: Connection, captured: Captured, kept: CapturedTable, table: Table, others: Sequence[Undone]
) -> Compared:
    """Load what was kept beside the table, which the caller has locked, and compare. `others` may have put rows back.

    Raises:
        YettError: the table has other columns now, or the undo's files are not what was written.
    """
    _must_have_same_shape(kept, table)
    comparing = _Comparing(own, captured, kept, table, _key(kept, table), Chain(own, captured, table, others))
    await comparing.load()
    found = await comparing.by_key() if comparing.key else []
    returning, touched, untouched, removing = await row(
        own, _COUNTS.format(pre=comparing.pre.quoted, there=comparing.there)
    )
    found += await comparing.by_count(returning, touched, untouched, removing)
    return Compared(table, comparing.key, comparing.pre, comparing.there, returning, removing, tuple(found))


def _must_have_same_shape(kept: CapturedTable, table: Table) -> None:
    if table.obstacle:
        raise YettError(f"{table.label} {table.obstacle}")
    if table.label != kept.effect.label or not are_the_same(table.columns, kept.columns):
        raise YettError(
            f"{kept.effect.label} has other columns, or another name, than when its rows were kept",
            "change the table back to what it was, then apply the undo again",
        )


def _key(kept: CapturedTable, table: Table) -> tuple[KeyColumn, ...]:
    if not kept.key:
        if table.filenode != kept.filenode:
            raise YettError(
                f"{table.label} has no key, and its rows were moved since (VACUUM FULL, CLUSTER), or came from a dump",
                "restore the undo beside and compare by hand",
            )
        return ()
    for key in table.keys:
        if tuple(column.name for column in key) == kept.key:
            return key
    raise YettError(f"the key of {table.label} ({', '.join(kept.key)}) is not there any more", "make it again")


@dataclass(frozen=True, slots=True)
class _Comparing:
    own: Connection
    captured: Captured
    kept: CapturedTable
    table: Table
    key: tuple[KeyColumn, ...]
    chain: Chain

    @property
    def pre(self) -> Beside:
        return Beside(f"yett_pre_{self.table.oid}", self.table)

    @property
    def there(self) -> sql.Identifier:
        return sql.Identifier("pg_temp", f"yett_there_{self.table.oid}")

    @property
    def new(self) -> sql.Identifier:
        return sql.Identifier("pg_temp", f"yett_new_{self.table.oid}")

    @property
    def ours(self) -> sql.Composable:
        """Whether the transaction wrote row version `t`, or an undo put back what it wrote."""
        if self.chain.ours is not None:  # not IN: a subplan of many rows is slow
            return sql.SQL("EXISTS (SELECT FROM {} o WHERE o.row_at = t.ctid)").format(self.chain.ours)
        return sql.SQL("(t.xmin = ANY ({}::xid[]))").format(sql.Literal(listed(frozenset(self.captured.xids))))

    async def load(self) -> None:
        """Fill `pre` and `new` from the undo's files, `there` from the table."""
        own, table = self.own, self.table
        await self.pre.make(own)
        loaded = await kept_into(own, self.pre.quoted, self.captured, self.kept.file)
        if loaded != self.kept.rows:
            raise YettError(f"the undo's rows of {table.label} are {loaded}, not {self.kept.rows}")
        await own.execute(_PREPARE.format(pre=self.pre.quoted))
        await own.execute(sql.SQL("ANALYZE {}").format(self.pre.quoted))
        if table.filenode == self.kept.filenode:
            await own.execute(_STILL_THERE.format(pre=self.pre.quoted, table=table.quoted))
        await self.chain.follow(self.kept, self.pre)
        names = [sql.Identifier("t", column.name) for column in self.key]
        await own.execute(
            _THERE.format(
                there=sql.Identifier(f"yett_there_{table.oid}"),
                key=sql.SQL("").join([sql.SQL(", {}").format(name) for name in names]),
                table=table.quoted,
                ours=self.ours,
            )
        )
        if self.kept.new_file:
            await own.execute(
                _NEW.format(
                    new=sql.Identifier(f"yett_new_{table.oid}"), key=sql.SQL(", ").join(names), table=table.quoted
                )
            )
            await kept_into(own, self.new, self.captured, self.kept.new_file)

    async def by_key(self) -> list[Conflict]:
        """Row by row; also finds kept rows that somebody has already put back as they were."""
        parts = {
            "pre": self.pre.quoted,
            "table": self.table.quoted,
            "ours": self.ours,
            "same_key": self.pre.same_key(self.key),
            "shown": self._shown("p", kept=True),
            "limit": sql.Literal(SHOWN),
        }
        await self.own.execute(_THE_SAME_AGAIN.format(**parts, same_image=self.pre.same_image()))
        found = await self._changed(_CHANGED.format(**parts), "was changed since")
        missing = _MISSING.format(**parts, which=self._must_be_there())
        found += await self._removed(missing, "was removed since")
        if self.kept.new_file:
            found += await self._new_rows(parts)
        return found

    async def _new_rows(self, parts: dict[str, sql.Composable]) -> list[Conflict]:
        ours = {
            **parts,
            "new": self.new,
            "there": self.there,
            "same_key": _join(self.key, "t", "p"),
            "same_as_kept": self._kept_has("p"),
            "shown": self._shown("p", kept=False),
        }
        found = await self._changed(_NEW_CHANGED.format(**ours), "was made by the transaction and changed since")
        if self.kept.effect.updated or self.kept.is_partition:
            # It may be what an updated row had become: under another key, or in another partition.
            found += await self._removed(_NEW_MISSING.format(**ours), "was made by the transaction and removed since")
        strange = _UNEXPLAINED.format(**{**ours, "shown": self._shown("t", kept=False)})
        return found + await self._found(strange, "is under the transaction's id, but was not made by it")

    async def by_count(self, returning: int, touched: int, untouched: int, removing: int) -> list[Conflict]:
        """Where rows cannot be told one by one, their number tells that one of them was changed."""
        found = list(self._by_count(returning, touched, untouched, removing))
        if not found:
            return []
        why, later = await self.chain.later_rows()
        if not later:
            why += await self._later()
        return [replace(one, why=one.why + why, later=later) for one in found]

    def _by_count(self, returning: int, touched: int, untouched: int, removing: int) -> Iterator[Conflict]:
        kept = self.kept
        expected = kept.new
        if expected is None:
            expected = touched if kept.effect.updated else 0
        elif not kept.whole and removing != expected:
            expected -= untouched  # counted as changed, and only locked
        if removing != expected and not kept.new_file:
            words = f"{expected} rows that the transaction left there, of which {removing} are as it left them"
            yield Conflict(self.table.label, words, "the others were changed since")
        if kept.changed is not None and touched != kept.changed:
            words = f"{touched} rows are not where they were, and the transaction moved {kept.changed}"
            yield Conflict(self.table.label, words, "the others were changed since")
        if not self.key and returning != touched:
            words = f"{returning - touched} rows that the transaction did not change"
            yield Conflict(self.table.label, words, "were changed since")

    async def _later(self) -> str:
        """Names rows that were made or changed since: what was changed is among them, unless it was removed."""
        if not self.key:
            return ""
        first, shown = sql.Literal(self.captured.xid % EPOCH), self._shown("t", kept=False)
        query = _LATER.format(
            shown=shown, table=self.table.quoted, first=first, ours=self.ours, limit=sql.Literal(LATER_SHOWN + 1)
        )
        named = [str(key) for (key,) in await rows(self.own, query)]
        more = ", ..." if len(named) > LATER_SHOWN else ""
        return f" or removed; made or changed since: {', '.join(named[:LATER_SHOWN])}{more}" if named else " or removed"

    def _must_be_there(self) -> sql.Composable:
        """Of the kept rows, those that the transaction did not delete."""
        if self.kept.new_file:
            return sql.SQL("(NOT p.touched OR EXISTS (SELECT FROM {} o WHERE {}))").format(
                self.new, sql.SQL(" AND ").join([self._equal(k, sql.Identifier("o", k.name)) for k in self.key])
            )
        only_updates = self.kept.new is None and self.kept.effect.updated
        return sql.SQL("true") if only_updates else sql.SQL("NOT p.touched")

    def _equal(self, key: KeyColumn, other: sql.Composable) -> sql.Composed:
        return key.equal(other, sql.SQL("p.{}").format(self.pre.column(key.name)))

    def _kept_has(self, alias: str) -> sql.Composed:
        parts = [
            key.equal(sql.SQL("o.{}").format(self.pre.column(key.name)), sql.Identifier(alias, key.name))
            for key in self.key
        ]
        return sql.SQL(" AND ").join(parts)

    def _shown(self, alias: str, *, kept: bool) -> sql.Composed:
        parts = []
        for key in self.key:
            column = self.pre.column(key.name) if kept else sql.Identifier(key.name)
            value = sql.SQL("{}.{}::text").format(sql.Identifier(alias), column)
            parts.append(sql.SQL("{} || {}").format(sql.Literal(f"{key.name}="), value))
        return sql.SQL("concat_ws(', ', {})").format(sql.SQL(", ").join(parts))

    async def _found(self, query: sql.Composable, why: str) -> list[Conflict]:
        return [Conflict(self.table.label, str(shown), why) for (shown,) in await rows(self.own, query)]

    async def _removed(self, query: sql.Composable, why: str) -> list[Conflict]:
        keys = [str(shown) for (shown,) in await rows(self.own, query)]
        said = await self.chain.who_removed(keys, self._shown("p", kept=True)) if keys else {}
        found = [(key, *said.get(key, ("", None))) for key in keys]
        return [Conflict(self.table.label, key, why + by, later) for key, by, later in found]

    async def _changed(self, query: sql.Composable, why: str) -> list[Conflict]:
        found = await rows(self.own, query)
        said = await self.chain.why((xmin, place) for _, xmin, place in found)
        return [
            Conflict(self.table.label, str(shown), why + by, later)
            for (shown, *_), (by, later) in zip(found, said, strict=True)
        ]


def _join(key: tuple[KeyColumn, ...], left: str, right: str) -> sql.Composed:
    parts = [k.equal(sql.Identifier(left, k.name), sql.Identifier(right, k.name)) for k in key]
    return sql.SQL(" AND ").join(parts)
