"""Whatever a transaction does, whatever another session does: undone to the bit, or refused with the data intact."""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import psycopg
import pytest
from guarded import Agent, Cluster, Database, connected, read_back, run
from random_schema import ISOLATIONS, Drawn, schema, statement

from yett.model.errors import YettError
from yett.providers.postgres.guard.effects import Effects, Unguardable
from yett.providers.postgres.guard.executing import ServerError
from yett.providers.postgres.guard.guard import Guard
from yett.providers.postgres.guard.restore import conflicts, restore
from yett.providers.postgres.guard.rows.aim import Aim
from yett.providers.postgres.guard.sink import DirectorySink

ROUNDS = int(os.environ.get("YETT_RANDOM_ROUNDS", "12"))
Content = dict[int, Counter[str]]


def content(connection: psycopg.Connection[Any]) -> Content:
    """Every row of every table as a hash of its binary form, counted."""
    tables = connection.execute(
        "SELECT c.oid::int8, c.oid::regclass::text FROM pg_class c"
        " WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace"
    ).fetchall()
    return {
        oid: Counter(h for (h,) in connection.execute(f"SELECT md5(record_send(t.*::record)) FROM ONLY {name} t"))
        for oid, name in tables
    }


def merged(before: Content, after: Content, now: Content, only_inserted: set[int]) -> Content | None:
    """`now` without what led from `before` to `after`; None where rows of that are not there any more.

    A row that the transaction inserted may be gone: somebody removed it, and it is not wanted.
    """
    found = {}
    for oid in before:
        made, lost = after[oid] - before[oid], before[oid] - after[oid]
        if made - now[oid] and oid not in only_inserted:
            return None
        found[oid] = now[oid] - made + lost
    return found


class Beside:
    """Another session: keeps locks, has savepoints of its own, and commits now and then."""

    def __init__(self, database: Database, random: Random, tables: list[Drawn]) -> None:
        self._random, self._tables = random, tables
        self._connection = psycopg.connect(database.url, autocommit=True)
        self._connection.execute("SET lock_timeout = 50")

    def act(self) -> None:
        """Something now; it may stay open."""
        with contextlib.suppress(psycopg.Error):
            if self._connection.info.transaction_status.name == "IDLE":
                self._connection.execute("BEGIN")
            for _ in range(self._random.randint(1, 3)):
                self._once()
            if self._random.random() < 0.5:
                self._connection.execute("COMMIT")

    def _once(self) -> None:
        table = self._random.choice(self._tables).name.replace('"', '""')
        low = self._random.randint(1, 40)
        lock = self._random.choice(("KEY SHARE", "KEY SHARE", "SHARE"))
        what = self._random.choice(
            (
                f'SELECT * FROM ONLY "{table}" WHERE id BETWEEN {low} AND {low + 9} FOR {lock}',
                f'SELECT * FROM "{table}" WHERE id BETWEEN {low} AND {low + 30} FOR {lock} SKIP LOCKED',
                statement(self._random, self._tables),
                statement(self._random, self._tables, (2000, 3000)),
            )
        )
        self._connection.execute("SAVEPOINT s")
        try:
            self._connection.execute(what)
        except psycopg.Error:
            self._connection.execute("ROLLBACK TO s")
        if self._random.random() < 0.7:
            self._connection.execute("RELEASE s")

    def end(self) -> None:
        if self._connection.info.transaction_status.name != "IDLE":
            with contextlib.suppress(psycopg.errors.IntegrityError):  # of a deferred constraint
                self._connection.execute(self._random.choice(("COMMIT", "ROLLBACK")))
        self._connection.close()


async def transact(agent: Agent, random: Random, tables: list[Drawn], beside: Beside | None) -> None:
    savepoints = random.random() < 0.6
    for _ in range(random.randint(1, 6)):
        if beside and random.random() < 0.4:
            beside.act()
        if savepoints:
            await agent.rows("SAVEPOINT a")
        try:
            await agent.rows(statement(random, tables))
        except ServerError:
            if not savepoints:
                return
            await agent.rows("ROLLBACK TO a")
        else:
            ended = ("RELEASE a", "RELEASE a", "ROLLBACK TO a", "SELECT 1", "SELECT 1")
            await agent.rows(random.choice(ended) if savepoints else "SELECT 1")


def aims(random: Random, effects: Effects) -> dict[int, tuple[Aim, ...]]:
    """Some right, some wrong: the undo is exact whatever they say."""
    found = {}
    for table in effects.tables if random.random() < 0.8 else ():
        low, many = random.randint(0, 60), random.choice((1, 5, 30))
        values = range(1100) if random.random() < 0.4 else range(low, low + many)
        column = random.choice(("id", "id", "id", "ref", "v", "absent"))
        found[table.oid] = (Aim(((column, tuple(map(str, values))),)),)
    return found


async def one_round(database: Database, random: Random, folder: Path, tables: list[Drawn], *, alone: bool) -> str:
    beside = None if alone else Beside(database, random, tables)
    observer = psycopg.connect(database.url, autocommit=True)
    before = content(observer)
    try:
        async with connected(database) as agent:
            await agent.rows("SET lock_timeout = 50")
            await agent.rows(f"BEGIN ISOLATION LEVEL {random.choice(ISOLATIONS)}")
            guard = Guard(agent, database)
            await guard.baseline()
            await transact(agent, random, tables, beside)
            try:
                effects = await guard.measure()
                if not effects.xid:
                    return "wrote nothing"
                folder.mkdir()
                await guard.capture(effects, DirectorySink(folder), aims(random, effects))
            except (Unguardable, ServerError) as error:
                await agent.rows("ROLLBACK")
                if alone:
                    assert content(observer) == before
                return f"unguardable: {error}"
            before = content(observer)  # what others have committed, without the agent's
            if beside and random.random() < 0.5:
                beside.end()
                beside = None
                before = content(observer)
            try:
                await agent.rows("COMMIT")
            except ServerError:
                assert content(observer) == before
                return "not serializable"
        after = content(observer)
        if beside:
            for _ in range(random.randint(0, 3)):
                beside.act()
            beside.end()
            beside = None
        return await undo(database, observer, folder, before, after)
    finally:
        if beside:
            beside.end()
        observer.close()


async def undo(
    database: Database, observer: psycopg.Connection[Any], folder: Path, before: Content, after: Content
) -> str:
    captured, now = read_back(folder), content(observer)
    only_inserted = {t.effect.oid for t in captured.tables if not t.effect.updated and not t.is_partition}
    expected = merged(before, after, now, only_inserted)
    found = await conflicts(database, captured)
    assert content(observer) == now, "asking for conflicts changed rows"
    refused = None
    try:
        await restore(database, captured, verify=True)
    except YettError as error:
        refused = error
    result = content(observer)
    if refused:
        assert result == now, "a refused undo changed rows"
        assert now != after, f"nothing was changed since, and yet: {refused}"
        return "refused: " + refused.what[:20]
    assert not found, "there were conflicts, and it was applied"
    assert expected is not None, "rows of the transaction were changed, and it was applied"
    assert result == expected or all(set(result[n]) == set(expected[n]) for n in result), "not what was before"
    return "undone" + (" among later changes" if now != after else "")


@pytest.mark.parametrize("seed", range(ROUNDS))
@pytest.mark.parametrize("alone", [True, False], ids=["alone", "beside"])
def test_any_transaction_is_undone_or_refused(server: Cluster, tmp_path: Path, seed: int, alone: bool) -> None:
    random = Random(seed * 2 + alone)
    script, tables = schema(random)
    database = server.emptied()
    database.run(script)
    outcomes = Counter(
        run(one_round(database, random, tmp_path / f"u{number}", tables, alone=alone)) for number in range(5)
    )
    print(dict(outcomes))
