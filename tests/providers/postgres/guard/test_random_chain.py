"""Whatever several transactions do to the same rows: undone one after the other, each step is as it was, to the bit."""

from __future__ import annotations

import contextlib
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import psycopg
import pytest
from chained import Steps
from guarded import Cluster, Database, connected, read_back, run
from random_schema import ISOLATIONS, Drawn, schema, statement
from test_random import ROUNDS, Content, content, merged, transact

from yett.model.errors import YettError
from yett.providers.postgres.guard.effects import Unguardable
from yett.providers.postgres.guard.executing import ServerError
from yett.providers.postgres.guard.guard import Guard
from yett.providers.postgres.guard.sink import DirectorySink


async def step(database: Database, random: Random, folder: Path, tables: list[Drawn]) -> bool:
    """Whether there is something to undo."""
    folder.mkdir()
    async with connected(database) as agent:
        await agent.rows(f"BEGIN ISOLATION LEVEL {random.choice(ISOLATIONS)}")
        guard = Guard(agent, database)
        await guard.baseline()
        await transact(agent, random, tables, None)
        try:
            effects = await guard.measure()
            if effects.xid:
                await guard.capture(effects, DirectorySink(folder))
        except (Unguardable, ServerError):
            await agent.rows("ROLLBACK")
            return False
        await agent.rows("COMMIT")
        return bool(effects.xid)


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_any_steps_go_back_the_newest_first(server: Cluster, tmp_path: Path, seed: int) -> None:
    random = Random(1000 + seed)
    script, tables = schema(random)
    steps = Steps(server.emptied(), tmp_path)
    steps.database.run(script)
    contents, names = [steps.database.digest()], []
    for number in range(8):
        name = f"u{number}"
        if names and random.random() < 0.3:
            steps.undo(names.pop())
            contents.pop()
            assert steps.database.digest() == contents[-1]
        if run(step(steps.database, random, tmp_path / name, tables)):
            steps.kept[name], steps.by[name] = read_back(tmp_path / name), []
            names.append(name)
            contents.append(steps.database.digest())
    while names:
        contents.pop()
        steps.undo(names.pop())
        assert steps.database.digest() == contents[-1]


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_any_order_among_others_changes_is_right_or_refused(server: Cluster, tmp_path: Path, seed: int) -> None:
    """What is refused changes nothing; what was applied is what is there without what its transaction did."""
    random = Random(2000 + seed)
    script, tables = schema(random)
    steps, outcomes = Steps(server.emptied(), tmp_path), Counter[str]()
    steps.database.run(script)
    did: dict[str, tuple[Content, Content]] = {}
    with psycopg.connect(steps.database.url, autocommit=True) as observer:
        for number in range(14):
            now = content(observer)
            if did and random.random() < 0.5:
                name = random.choice(list(did))
                outcomes[undone(steps, observer, name, *did[name])] += 1
                if content(observer) != now:
                    del did[name]
            elif random.random() < 0.3:
                with contextlib.suppress(psycopg.Error):
                    observer.execute(statement(random, tables).encode())
            elif run(step(steps.database, random, tmp_path / f"u{number}", tables)):
                name = f"u{number}"
                steps.kept[name], steps.by[name] = read_back(tmp_path / name), []
                did[name] = now, content(observer)
    print(dict(outcomes))


def undone(steps: Steps, observer: psycopg.Connection[Any], name: str, before: Content, after: Content) -> str:
    now = content(observer)
    only_inserted = {t.effect.oid for t in steps.kept[name].tables if not t.effect.updated and not t.is_partition}
    expected = merged(before, after, now, only_inserted)
    try:
        steps.undo(name)
    except YettError:
        assert content(observer) == now
        return "refused"
    result = content(observer)
    assert expected is not None, "rows of the transaction were changed, and it was applied"
    assert result == expected or all(set(result[n]) == set(expected[n]) for n in result), "not what was before"
    return "followed" if steps.opened else "undone"
