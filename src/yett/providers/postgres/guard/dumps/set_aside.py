"""What stands on tables that must make way for their dump, and is in no dump: set aside in the server's own words, and
made again when they are back.

A policy of another table that reads one of them, a rule, a function that takes its row, somebody's foreign key. What
the dump's own transaction made upon them goes, if it is a view, or does not fit the tables as they were (a policy that
reads a column that it added). Anything else is named, and then nothing is done.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import psycopg
from psycopg import sql

from yett.model.errors import YettError
from yett.providers.postgres.guard.dumps.dependents import (
    RELATION,
    Dependent,
    Relation,
    belonging,
    depending,
    relations_of,
)
from yett.providers.postgres.guard.own import Connection, answers, rows
from yett.providers.postgres.guard.words.remaking import make, place_in_order
from yett.providers.postgres.guard.words.word import FUNCTION, Word, as_written_by, words

_BY_WORDS = frozenset({"pg_proc", "pg_trigger", "pg_policy", "pg_rewrite"})
_KEYS = sql.SQL("""
SELECT k.oid::int8, format('%I.%I', n.nspname, c.relname), quote_ident(k.conname), pg_get_constraintdef(k.oid),
  quote_nullable(obj_description(k.oid, 'pg_constraint')), k.xmin::text::int8
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE k.oid = ANY ({oids}::oid[]) AND k.contype = 'f' AND k.conparentid = 0 ORDER BY k.oid""")
_IN_PARTITIONS = sql.SQL("""
SELECT oid::int8 FROM pg_constraint WHERE oid = ANY ({oids}::oid[]) AND contype = 'f' AND conparentid <> 0""")
_DOES_NOT_FIT = (
    psycopg.errors.UndefinedColumn,
    psycopg.errors.UndefinedFunction,
    psycopg.errors.InvalidForeignKey,
    psycopg.errors.UndefinedTable,
    psycopg.errors.UndefinedObject,
    psycopg.errors.DatatypeMismatch,
)


@dataclass(frozen=True, slots=True)
class Key:
    """A foreign key of another table, in the server's words; `version`: who made it."""

    oid: int
    table: str
    name: str
    definition: str
    comment: str
    version: int

    @property
    def label(self) -> str:
        return f"foreign key {self.name} on {self.table}"

    @property
    def drop(self) -> str:
        return f"ALTER TABLE {self.table} DROP CONSTRAINT {self.name}"

    @property
    def statements(self) -> tuple[str, ...]:
        made = f"ALTER TABLE {self.table} ADD CONSTRAINT {self.name} {self.definition}"
        said = f"COMMENT ON CONSTRAINT {self.name} ON {self.table} IS {self.comment}"
        return (made,) if self.comment == "NULL" else (made, said)


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands upon some relations: definitions and foreign keys that can be set aside, the oldest first, `views`,
    and all else, described. `parts` of the relations themselves use such a function, and come back with them."""

    words: tuple[Word, ...]
    parts: tuple[Word, ...]
    keys: tuple[Key, ...]
    views: tuple[Relation, ...]
    others: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Aside:
    """What is set aside. `xids`: of the transaction whose own work goes where it does not fit any more, but for what
    another undo of it keeps (`kept`, labels); `views_gone`, described: its views, which go.

    Nothing is made again within a savepoint, whose id nobody would know for this undo's later."""

    words: tuple[Word, ...]
    keys: tuple[Key, ...]
    views_gone: tuple[str, ...]
    xids: frozenset[int]
    kept: frozenset[str]

    @property
    def functions(self) -> list[Word]:
        """Which views may need, or read."""
        return [one for one in self.words if one.kind == FUNCTION]

    async def gone(self, own: Connection) -> None:
        """Drop all but the functions. Raises psycopg.Error."""
        for drop in (*(key.drop for key in self.keys), *(one.drop for one in self._but_functions)):
            await own.execute(drop.encode())

    async def functions_back(self, own: Connection) -> list[Word]:
        """As soon as the tables are there, whose rows they take. Answers those that need something else: a view's row.
        Raises psycopg.Error."""
        return await _all_that_fit(own, self.functions)

    async def rest_back(self, own: Connection, functions: Sequence[Word]) -> list[str]:
        """Once all else is. Answers what of the transaction's own work does not fit and is gone, described. Raises
        psycopg.Error, YettError."""
        gone = []
        for one in (*await _all_that_fit(own, functions), *self._but_functions):
            if self._is_its_own(one) and not await _fits(own, one):
                gone.append(one.label)
            else:
                await make(own, answers(own), one)
        for key in self.keys:
            if not await _made(own, key, may_fail=key.version in self.xids):
                gone.append(key.label)
        await self._must_be_back(own, gone)
        return gone

    async def _must_be_back(self, own: Connection, gone: Collection[str]) -> None:
        async with own.transaction(force_rollback=True):
            asked = await as_written_by(own)
            now = {one.identity: one for one in await words(asked, {one.name for one in self.words})}
        for one in self.words:
            if one.label not in gone and not one.says(now.get(one.identity)):
                raise YettError(f"the {one.label} did not come back as it was, so nothing was changed")

    @property
    def _but_functions(self) -> list[Word]:
        return [one for one in self.words if one.kind != FUNCTION]

    def _is_its_own(self, word: Word) -> bool:
        return word.label not in self.kept and all(int(version) in self.xids for _, version in word.versions)


async def standing_on(own: Connection, relations: Collection[int]) -> Standing:
    """What stands on these relations (oids), and is neither one of them nor a part of one."""
    found = await depending(own, relations)
    views = {one.oid for one in found if one.kind in ("v", "m")} - set(relations)
    mine = {*relations, *views} | belonging(found, {*relations, *views})
    outside = [one for one in found if not one.goes_with(mine)]
    functions = [one for one in outside if one.catalog == "pg_proc"]
    async with own.transaction(force_rollback=True):
        asked = await as_written_by(own)
        said = sorted(await words(asked, (), [one.oid for one in outside if _has_words(one)]), key=place_in_order)
        inside = [one.oid for one in found if one.goes_with(mine) and _has_words(one)] if functions else []
        parts = await words(asked, (), inside)
    constraints = sql.Literal([one.oid for one in outside if one.catalog == "pg_constraint"])
    keys = [Key(*one) for one in await rows(own, _KEYS.format(oids=constraints))]
    inherited = {oid for (oid,) in await rows(own, _IN_PARTITIONS.format(oids=constraints))}
    known = frozenset[str]().union(*(one.parts for one in said)) | {f"pg_constraint:{key.oid}" for key in keys}
    known |= {f"pg_constraint:{oid}" for oid in inherited}
    others = sorted(one.described for one in outside if one.part not in known and _blocks(one))
    return Standing(tuple(said), tuple(parts), tuple(keys), tuple(await relations_of(own, views)), tuple(others))


def _has_words(one: Dependent) -> bool:
    return one.catalog in _BY_WORDS or (one.catalog == RELATION and one.kind == "i")


def _blocks(one: Dependent) -> bool:
    return not (one.catalog == RELATION and one.kind == "t")


async def _all_that_fit(own: Connection, wanted: Sequence[Word]) -> list[Word]:
    """Make them, in whichever order they need each other; answers those that do not fit yet."""
    await own.execute("SET LOCAL check_function_bodies = off")
    left, before = list(wanted), -1
    while left and len(left) != before:
        before, still = len(left), []
        for one in left:
            if await _fits(own, one):
                await make(own, answers(own), one)
            else:
                still.append(one)
        left = still
    return left


async def _fits(own: Connection, one: Word) -> bool:
    """Tried, and taken back."""
    try:
        async with own.transaction(force_rollback=True):
            await make(own, answers(own), one)
    except _DOES_NOT_FIT:
        return False
    return True


async def _made(own: Connection, key: Key, *, may_fail: bool) -> bool:
    """False: it does not fit what is there, which it `may`."""
    if may_fail:
        try:
            async with own.transaction(force_rollback=True):
                await _say(own, key.statements)
        except _DOES_NOT_FIT:
            return False
    await _say(own, key.statements)
    return True


async def _say(own: Connection, statements: Sequence[str]) -> None:
    for statement in statements:
        await own.execute(statement.encode())
