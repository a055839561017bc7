"""A column that agents see masked: `SELECT *` works, and no value of it comes through, whatever the client."""

from __future__ import annotations

import asyncio
import subprocess
import time
from typing import Any

import asyncpg
import psycopg
import pytest
from psycopg import ClientCursor
from tests.databases.company_of_tests import PLACEHOLDER, Company
from tests.postgres_versions import binaries

from yett.gateway.postgres.catalog import TTL_S

SECRET = "@example.com"
ROW = "SELECT * FROM users WHERE id = 7"


def test_everything_of_a_row_comes_and_the_masked_value_is_starred(veiled: Company) -> None:
    ((id_, email, name, *_rest),) = veiled.run("SELECT id, email, name, plan FROM users WHERE id = 7")
    assert (id_, email, name) == (7, "***", "User 7")
    whole = veiled.run(ROW)
    assert len(whole) == 1
    assert "***" in whole[0]
    assert SECRET not in str(whole)


def test_what_holds_no_masked_value_comes_as_it_is(veiled: Company) -> None:
    assert veiled.run("SELECT count(*) FROM users") == [(400,)]
    assert veiled.run("SELECT upper(name), id + 1 FROM users WHERE email LIKE 'user7@%'") == [("USER 7", 8)]
    assert veiled.run("SELECT count(*), max(id) FROM bookings WHERE driver = 5") == veiled.truth(
        "SELECT count(*), max(id) FROM bookings WHERE driver = 5"
    )
    assert veiled.run("SELECT 1 + 1") == [(2,)]


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT email || '' FROM users",
        "SELECT row_to_json(u) FROM users u",
        "SELECT u FROM users u",
        "SELECT max(email) FROM users",
        "SELECT email FROM users UNION SELECT name FROM users",
        "SELECT x.e || '' FROM (SELECT * FROM users) x (i, e)",
        "SELECT email::int FROM users",
        "SELECT id FROM users WHERE email::int = 3",
        "UPDATE users SET plan = 'team' WHERE id = 1 RETURNING *",
        "UPDATE users SET plan = 'team' WHERE id = 1 RETURNING email",
        "UPDATE users SET name = NULL WHERE id = 1",
        "UPDATE users SET name = email WHERE id = 1",
        "INSERT INTO users (email, name) SELECT email || 'x', name FROM users WHERE id = 1 RETURNING email",
        "CREATE TEMP TABLE t AS SELECT email FROM users",
        "SELECT email INTO TEMP t FROM users",
        "SELECT set_config('a.b', email, false) FROM users WHERE id = 1",
        "PREPARE p AS UPDATE users SET name = email WHERE id = 1",
        "COPY users TO STDOUT",
        "COPY users (id, email) TO STDOUT",
        "COPY (SELECT email FROM users) TO STDOUT",
        "COPY (SELECT u FROM users u) TO STDOUT",
        "SELECT most_common_vals FROM pg_stats WHERE tablename = 'users'",
        "SELECT * FROM contacts",
        "SELECT lower(address) FROM contacts",
        "EXPLAIN (ANALYZE, VERBOSE) SELECT id FROM users WHERE email = (SELECT max(email) FROM users)",
        "DO $$ BEGIN UPDATE users SET name = email WHERE id = 1; END $$",
        "CREATE TABLE stolen AS SELECT email FROM users",
        "CREATE MATERIALIZED VIEW stolen AS SELECT * FROM users",
        "ALTER TABLE users ALTER COLUMN name TYPE text USING email",
        "ALTER TABLE users ADD COLUMN e text GENERATED ALWAYS AS (email) STORED",
        "CREATE FUNCTION f() RETURNS text LANGUAGE sql SECURITY DEFINER AS 'SELECT email FROM users LIMIT 1'",
        "GRANT SELECT ON users TO PUBLIC",
    ],
)
def test_no_statement_brings_a_masked_value(veiled: Company, statement: str) -> None:
    veiled.directly("CREATE VIEW contacts AS SELECT id, email AS address FROM users; ANALYZE users")
    role = veiled.run("SELECT current_user")[0][0]
    veiled.directly(f"GRANT SELECT ON contacts TO {role}")
    with veiled.connect(autocommit=True) as connection:
        assert SECRET not in seen(connection, statement)
        assert SECRET not in seen(connection, "SELECT * FROM users WHERE id = 1")
        for further in ("SELECT * FROM t", "SELECT name FROM users WHERE id = 1", "SELECT current_setting('a.b')"):
            assert SECRET not in seen(connection, further)
    assert veiled.truth("SELECT name FROM users WHERE id = 1") == [("User 1",)]


def seen(connection: psycopg.Connection[Any], statement: str) -> str:
    """All that a client gets to see of it, an error included."""
    try:
        if statement.startswith("COPY"):
            with connection.cursor().copy(statement) as copy:
                return str(b"".join(copy))
        cursor = connection.execute(statement)  # type: ignore[call-overload]
        return str(cursor.fetchall()) if cursor.description else ""
    except psycopg.Error as error:
        return f"{error} {error.diag.message_detail} {error.diag.context}"


def test_copy_of_a_masked_table_says_what_may_be_copied(veiled: Company) -> None:
    with veiled.connect(autocommit=True) as connection:
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match=r"users\.email") as refused:
            with connection.cursor().copy("COPY users TO STDOUT") as copy:
                list(copy)
        hint = str(refused.value.diag.message_hint)
        assert "yett database show saas users.email" in hint
        offered = hint[hint.index("COPY") : hint.index(")") + 1]
        with connection.cursor().copy(f"{offered} TO STDOUT") as copy:
            assert len(b"".join(copy).splitlines()) == 400


@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("way", ["simple", "prepared", "pipeline", "server"])
def test_every_protocol_of_psycopg(veiled: Company, way: str, binary: bool) -> None:
    with veiled.connect(autocommit=way != "server") as connection:
        if way == "simple":
            rows = ClientCursor(connection).execute(ROW).fetchall()
        elif way == "prepared":
            for _ in range(3):
                rows = connection.execute(ROW, prepare=True, binary=binary).fetchall()
        elif way == "pipeline":
            with connection.pipeline():
                cursors = [connection.execute(ROW, binary=binary) for _ in range(3)]
                rows = cursors[-1].fetchall()
        else:
            with connection.cursor("c", binary=binary) as cursor:
                rows = cursor.execute(ROW).fetchall()
            with connection.cursor("d", binary=binary) as cursor:
                assert cursor.execute("SELECT count(*) FROM users").fetchall() == [(400,)]
    assert rows[0][:2] == (7, "***")
    assert SECRET not in str(rows)


def test_a_cursor_over_an_expression_shows_nothing(veiled: Company) -> None:
    with veiled.connect() as connection:
        connection.execute("DECLARE c CURSOR FOR SELECT id, upper(email) FROM users")
        assert connection.execute("FETCH 1 FROM c").fetchall() == [(1, "***")]
        connection.execute("CLOSE c")
        connection.execute("DECLARE c CURSOR FOR SELECT email, name FROM users ORDER BY id")
        assert connection.execute("FETCH 1 FROM c").fetchall() == [("***", "User 1")]


def test_asyncpg(veiled: Company) -> None:
    async def work() -> list[Any]:
        connection = await asyncpg.connect(
            host="127.0.0.1", port=veiled.port, user="agent", password=PLACEHOLDER, database=veiled.name, ssl=False
        )
        try:
            found = [await connection.fetch(ROW) for _ in range(3)]
            found.append(await connection.fetch("SELECT email || '', name FROM users WHERE id = $1", 7))
            async with connection.transaction():
                found.append([row async for row in connection.cursor(ROW)])
                await connection.execute("UPDATE users SET plan = 'team' WHERE id = 7")
            found.append([await connection.fetchval("SELECT count(*) FROM users")])
            found.append(await connection.fetch(ROW))
            return found
        finally:
            await connection.close()

    found = asyncio.run(work())
    assert found[-2] == [400]
    assert found[3][0][1] == "User 7"
    for rows in (*found[:3], found[4], found[-1]):
        assert rows[0]["email"] == "***"
        assert rows[0]["name"] == "User 7"
    assert SECRET not in str(found)


def test_psql(veiled: Company) -> None:
    asked = [part for text in (ROW, r"\d users", "SELECT count(*) FROM users") for part in ("-c", text)]
    command = [str(binaries(15) / "psql"), veiled.url, "-XAt", *asked]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert ran.stdout.startswith("7|***|User 7")
    assert ran.stdout.splitlines()[-1] == "400"
    assert SECRET not in ran.stdout


def test_writes_go_on_as_ever(veiled: Company) -> None:
    veiled.run("INSERT INTO users (email, name) VALUES ('new@example.com', 'New')")
    veiled.run("UPDATE users SET email = 'other@example.com' WHERE id = 3")
    assert veiled.truth("SELECT email FROM users WHERE id = 3") == [("other@example.com",)]
    before = veiled.truth("SELECT * FROM users ORDER BY id")
    veiled.run(
        "INSERT INTO users (email, name) VALUES ('other@example.com', 'x')"
        " ON CONFLICT (email) DO UPDATE SET email = excluded.email, name = excluded.name"
    )
    assert veiled.truth("SELECT name FROM users WHERE id = 3") == [("x",)]
    veiled.undo()
    assert veiled.truth("SELECT * FROM users ORDER BY id") == before


def test_a_column_keeps_its_mask_under_another_name(veiled: Company) -> None:
    with veiled.connect(autocommit=True) as connection:
        assert connection.execute(ROW, prepare=True).fetchall()[0][1] == "***"
        veiled.directly("ALTER TABLE users RENAME name TO spare; ALTER TABLE users RENAME email TO name")
        assert SECRET not in seen(connection, "SELECT name FROM users WHERE id = 7")
        time.sleep(TTL_S)  # what a definition is, is known a second later; what a number is, at once
        assert SECRET not in seen(connection, "SELECT lower(name) FROM users WHERE id = 7")
        assert SECRET not in seen(connection, "CREATE TEMP TABLE t AS SELECT name FROM users")
        assert SECRET not in seen(connection, "SELECT * FROM t")


def test_an_error_that_quotes_no_value_keeps_its_words(veiled: Company) -> None:
    with pytest.raises(psycopg.errors.GeneratedAlways, match='"id"'):
        veiled.run("INSERT INTO users (id, email, name) VALUES (3, 'x', 'x')")
    with pytest.raises(psycopg.errors.UndefinedColumn, match="nothing"):
        veiled.run("SELECT nothing FROM users WHERE email = 'x'")
    with pytest.raises(psycopg.errors.UniqueViolation, match="not shown") as refused:
        veiled.run("UPDATE users SET email = 'user7@example.com' WHERE id = 3")
    assert refused.value.diag.constraint_name == "users_email_key"


def test_ddl_of_the_agents_own_goes_on(veiled: Company) -> None:
    statement = "CREATE INDEX lower_email ON users (lower(email))"
    hold = veiled.held(statement)
    veiled.approve(hold)
    veiled.run(statement)
    with veiled.connect(autocommit=True) as connection:
        assert connection.execute("SELECT count(*) FROM bookings").fetchone() is not None
        assert connection.execute(ROW).fetchall()[0][1] == "***"
