"""What stands on tables that must make way for their dump, and is in no dump: set aside in the server's own words, and
made again when they are back.

A policy of another table that reads one of them, a rule, a function that takes its row, somebody's foreign key. What
the dump's own transaction made upon them goes, if it is a view, or does not fit the tables as they were (a policy that
reads a column that it added). Anything else is named, and then nothing is done.
"""

from __future__ import annotations

from collections.abc import Awaitable, Collection, Sequence
from dataclasses import dataclass

import psycopg
from psycopg import sql

from yett.model.errors import YettError
from yett.providers.postgres.guard.dependents import RELATION, Dependent, Relation, belonging, depending, relations_of
from yett.providers.postgres.guard.own import Connection, answers, rows
from yett.providers.postgres.guard.remaking import make, place_in_order
from yett.providers.postgres.guard.words import FUNCTION, Word, as_written_by, words

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
    and all else, described."""

    words: tuple[Word, ...]
    keys: tuple[Key, ...]
    views: tuple[Relation, ...]
    others: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Aside:
    """What is set aside. `xids`: of the transaction whose own work goes where it does not fit any more; `views_gone`,
    described: its views, which go."""

    words: tuple[Word, ...]
    keys: tuple[Key, ...]
    views_gone: tuple[str, ...]
    xids: frozenset[int]

    @property
    def functions(self) -> list[Word]:
        """Which views may need, or read."""
        return [one for one in self.words if one.kind == FUNCTION]

    async def gone(self, own: Connection) -> None:
        """Drop all but the functions. Raises psycopg.Error."""
        for drop in (*(key.drop for key in self.keys), *(one.drop for one in self._but_functions)):
            await own.execute(drop.encode())

    async def functions_back(self, own: Connection) -> list[Word]:
        """As soon as the tables are there, whose rows they take. Answers those that need something else, a view's row
        or each other. Raises psycopg.Error."""
        await own.execute("SET LOCAL check_function_bodies = off")
        return [one for one in self.functions if not await _done(own, make(own, answers(own), one), may_fail=True)]

    async def rest_back(self, own: Connection, functions: Sequence[Word]) -> list[str]:
        """Once all else is. Answers what of the transaction's own work does not fit and is gone, described. Raises
        psycopg.Error, YettError."""
        gone = []
        await own.execute("SET LOCAL check_function_bodies = off")
        for one in (*functions, *self._but_functions):
            if not await _done(own, make(own, answers(own), one), may_fail=self._is_its_own(one)):
                gone.append(one.label)
        for key in self.keys:
            if not await _done(own, _said(own, key.statements), may_fail=key.version in self.xids):
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
        return all(int(version) in self.xids for _, version in word.versions)


async def standing_on(own: Connection, relations: Collection[int]) -> Standing:
    """What stands on these relations (oids), and is neither one of them nor a part of one."""
    found = await depending(own, relations)
    views = {one.oid for one in found if one.kind in ("v", "m")} - set(relations)
    mine = {*relations, *views} | belonging(found, {*relations, *views})
    outside = [one for one in found if not one.goes_with(mine)]
    oids = [one.oid for one in outside if one.catalog in _BY_WORDS]
    async with own.transaction(force_rollback=True):
        said = sorted(await words(await as_written_by(own), (), oids), key=place_in_order)
    constraints = sql.Literal([one.oid for one in outside if one.catalog == "pg_constraint"])
    keys = [Key(*one) for one in await rows(own, _KEYS.format(oids=constraints))]
    inherited = {oid for (oid,) in await rows(own, _IN_PARTITIONS.format(oids=constraints))}
    known = frozenset[str]().union(*(one.parts for one in said)) | {f"pg_constraint:{key.oid}" for key in keys}
    known |= {f"pg_constraint:{oid}" for oid in inherited}
    others = sorted(one.described for one in outside if one.part not in known and _blocks(one))
    return Standing(tuple(said), tuple(keys), tuple(await relations_of(own, views)), tuple(others))


def _blocks(one: Dependent) -> bool:
    return not (one.catalog == RELATION and one.kind in ("t", "i", "I"))


async def _said(own: Connection, statements: Sequence[str]) -> None:
    for statement in statements:
        await own.execute(statement.encode())


async def _done(own: Connection, doing: Awaitable[None], *, may_fail: bool) -> bool:
    """False: it does not fit what is there, which it `may`."""
    try:
        async with own.transaction():
            await doing
    except _DOES_NOT_FIT:
        if not may_fail:
            raise
        return False
    return True
