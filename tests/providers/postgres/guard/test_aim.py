"""Rows that a statement names are looked for where it says; what it says is never believed."""

from __future__ import annotations

import re
from pathlib import Path

import psycopg
import pytest
from guarded import Agent, Database, guarded, read_back, run

from yett.providers.postgres.guard.guard import Guard
from yett.providers.postgres.guard.restore import restore
from yett.providers.postgres.guard.rows.aim import Aim
from yett.providers.postgres.guard.sink import DirectorySink

MADE = """
CREATE TABLE people (id int PRIMARY KEY, name text, tag uuid DEFAULT gen_random_uuid(), short varchar(20), n numeric);
CREATE TABLE cars (id int PRIMARY KEY, owner int REFERENCES people ON DELETE CASCADE ON UPDATE CASCADE);
INSERT INTO people SELECT g, 'n' || g, md5(g::text)::uuid, 's' || g, g FROM generate_series(1, 200) g;
INSERT INTO cars SELECT g, g FROM generate_series(1, 200) g;
UPDATE people SET name = E'a "q" \\\\ {b,c}''s' WHERE id = 7;
GRANT ALL ON ALL TABLES IN SCHEMA public TO agent;
"""
ONE = Aim((("id", ("7",)),))


@pytest.fixture
def town(database: Database) -> Database:
    database.run(MADE)
    return database


def goes_back(town: Database, folder: Path, aim: Aim, *statements: str) -> list[str]:
    """That the undo is exact; what the agent's connection was asked."""
    before, asked = town.digest(), list[str]()
    _, captured = run(guarded(town, folder, *statements, aim=("people", aim), asked=asked))
    assert town.digest() != before
    run(restore(town, captured, verify=True))
    assert town.digest() == before
    return asked


def read_all(asked: list[str]) -> bool:
    """Whether the agent's connection read a table from end to end."""
    return any(re.search(r"pg_catalog\.(int8|text|uuid)\[\]", query) is None for query in asked)


@pytest.mark.parametrize(
    ("statement", "aim"),
    [
        ("UPDATE people SET name = 'x' WHERE id = 7", ONE),
        ("DELETE FROM people WHERE id = 7", ONE),
        ("UPDATE people SET name = 'x' WHERE id IN (7, 8)", Aim((("id", ("7", "8")),))),
        ("UPDATE people SET n = 0 WHERE name = E'a \"q\" \\\\ {b,c}''s'", Aim((("name", ('a "q" \\ {b,c}\'s',)),))),
        ("UPDATE people SET n = 0 WHERE short = 's7'", Aim((("short", ("s7",)),))),
        (
            "UPDATE people SET n = 0 WHERE tag = md5('7')::uuid",
            Aim((("tag", ("8f14e45f-ceea-167a-5a36-dedd4bea2543",)),)),
        ),
        ("UPDATE people SET n = 0 WHERE id = 7 AND short = 's7'", Aim((("id", ("7",)), ("short", ("s7",))))),
        ("UPDATE people SET n = 0 WHERE id = 7 AND n = 7", Aim((("id", ("7",)), ("n", ("7.0",))))),
    ],
)
def test_rows_are_found_without_reading_the_table(town: Database, tmp_path: Path, statement: str, aim: Aim) -> None:
    town.run("DROP TABLE cars")
    assert not read_all(goes_back(town, tmp_path / "u", aim, statement))


@pytest.mark.parametrize(
    "statements",
    [
        ["UPDATE people SET name = 'x' WHERE id = 8"],
        ["UPDATE people SET name = 'x' WHERE id IN (7, 8)"],
        ["SELECT * FROM people WHERE id = 7 FOR UPDATE", "UPDATE people SET name = 'x' WHERE id = 8"],
        ["SELECT * FROM people WHERE id = 7 FOR KEY SHARE", "DELETE FROM people WHERE id = 8"],
        ["UPDATE people SET name = 'x' WHERE id = 7", "UPDATE people SET name = 'y' WHERE id = 7"],
        ["UPDATE people SET name = 'x' WHERE id = 7", "DELETE FROM people WHERE id = 7"],
        ["DELETE FROM people WHERE id = 7", "INSERT INTO people VALUES (7, 'new')", "DELETE FROM people WHERE id = 7"],
        ["INSERT INTO people VALUES (900)", "DELETE FROM people WHERE id = 900", "DELETE FROM people WHERE id = 7"],
        [
            "SAVEPOINT a",
            "UPDATE people SET name = 'x' WHERE id = 7",
            "ROLLBACK TO a",
            "DELETE FROM people WHERE id = 8",
        ],
        ["SAVEPOINT a", "UPDATE people SET name = 'x' WHERE id = 7", "RELEASE a", "DELETE FROM people WHERE id = 8"],
        ["SAVEPOINT a", "INSERT INTO people VALUES (900)", "ROLLBACK TO a", "UPDATE people SET n = 0 WHERE id = 7"],
        ["UPDATE people SET id = 907 WHERE id = 7"],
        ["UPDATE people SET id = 907 WHERE id = 7", "UPDATE people SET id = 7 WHERE id = 8"],
        ["DELETE FROM cars WHERE id = 7", "INSERT INTO cars VALUES (900, 7)", "UPDATE people SET n = 0 WHERE id = 9"],
        ["UPDATE people SET name = 'x' WHERE id = 7", "INSERT INTO people VALUES (901, 'new')"],
    ],
)
def test_what_is_not_as_said_is_found_all_the_same(town: Database, tmp_path: Path, statements: list[str]) -> None:
    goes_back(town, tmp_path / "u", ONE, *statements)


@pytest.mark.parametrize(
    "aim",
    [
        Aim((("nothing", ("7",)),)),
        Aim((("id", ("seven",)),)),
        Aim((("id", ("99999999999999999999",)),)),
        Aim((("id", ("1.5",)),)),
        Aim((("tag", ("8",)),)),
        Aim((("name", ("a\0b",)),)),
        Aim((("n", ("7",)),)),
        Aim((("id", tuple(map(str, range(1000, 60_000)))),)),
        Aim((('i"d', ("7",)),)),
        Aim((("name", ("'); DROP TABLE people; --", "\\'); DROP TABLE people; --")),)),
    ],
)
def test_nothing_that_is_said_does_harm(town: Database, tmp_path: Path, aim: Aim) -> None:
    goes_back(town, tmp_path / "u", aim, "UPDATE people SET name = 'x' WHERE id = 7")


@pytest.mark.parametrize("row", [7, 8])
def test_another_sessions_lock_beside_it_hides_nothing(town: Database, tmp_path: Path, row: int) -> None:
    before, update = town.digest(), f"UPDATE people SET name = 'x' WHERE id = {row}"
    with psycopg.connect(town.url) as other:
        other.execute("SELECT * FROM people WHERE id IN (7, 8) FOR KEY SHARE")
        _, captured = run(guarded(town, tmp_path / "u", update, aim=("people", ONE)))
    run(restore(town, captured, verify=True))
    assert town.digest() == before


def test_partitions_and_heirs(town: Database, tmp_path: Path) -> None:
    town.run("""
        CREATE TABLE heirs () INHERITS (people);
        INSERT INTO heirs (id, name) VALUES (7, 'heir');
        GRANT ALL ON heirs TO agent""")
    goes_back(town, tmp_path / "u", ONE, "UPDATE people SET name = 'x' WHERE id = 7")


HIDDEN = "CREATE FUNCTION hidden() RETURNS void LANGUAGE sql AS 'UPDATE people SET n = -1 WHERE id = 8'"


@pytest.mark.parametrize("isolation", ["REPEATABLE READ", "SERIALIZABLE"])
def test_a_lock_on_a_row_that_the_agent_cannot_see_yet_is_no_change(
    town: Database, tmp_path: Path, isolation: str
) -> None:
    """A foreign key locks the newest version, which an older snapshot does not show: it looks as if it were gone."""
    town.run(HIDDEN)

    async def meanwhile() -> None:
        town.run("UPDATE people SET short = 'other' WHERE id = 7")

    _, captured = run(
        guarded(
            town,
            tmp_path / "u",
            "SELECT 1 FROM people",
            meanwhile,
            "INSERT INTO cars VALUES (900, 7)",
            "SELECT hidden()",
            before=f"BEGIN ISOLATION LEVEL {isolation}",
            aim=("people", ONE),
        )
    )
    run(restore(town, captured, verify=True))
    assert town.ask("SELECT id, n, short FROM people WHERE id IN (7, 8) ORDER BY id") == [(7, 7, "other"), (8, 8, "s8")]


def test_a_change_by_another_session_between_the_two_looks_hides_no_lock(town: Database, tmp_path: Path) -> None:
    town.run(HIDDEN)
    aim = Aim((("short", ("s7",)),))

    class Raced(Agent):
        async def rows(self, sql: str) -> list[tuple[str | None, ...]]:
            if sql.rstrip().endswith("LIMIT 1"):
                town.run("UPDATE people SET short = 'moved' WHERE id = 7")
            return await super().rows(sql)

    async def kept() -> None:
        url = town.url.replace("postgres@", "agent@")
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
            agent = Raced(connection)
            await agent.rows("BEGIN")
            guard = Guard(agent, town)
            await guard.baseline()
            await agent.rows("INSERT INTO cars VALUES (900, 7)")
            await agent.rows("SELECT hidden()")
            effects = await guard.measure()
            aims = {table.oid: (aim,) for table in effects.tables if table.name == "people"}
            await guard.capture(effects, DirectorySink(tmp_path), aims)
            await agent.rows("COMMIT")

    run(kept())
    run(restore(town, read_back(tmp_path), verify=True))
    found = town.ask("SELECT id, n, short FROM people WHERE id IN (7, 8) ORDER BY id")
    assert found == [(7, 7, "moved"), (8, 8, "s8")]
    assert town.ask("SELECT 1 FROM cars WHERE id = 900") == []
