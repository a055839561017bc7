"""pg_dump through the gate, as an agent that wants a copy runs it; and what it sets, for other ends."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import psycopg
import pytest
from tests.databases.company_of_tests import Company

from yett.lab.postgres import find_binaries

OLDER = Path("/usr/lib/postgresql/15/bin")
LIMIT = "SHOW statement_timeout"


def dumped(program: Path, url: str, *options: str) -> str:
    command = [program, "--no-owner", "--no-acl", "-n", "public", *options, url]
    environment = os.environ | {"PGCONNECT_TIMEOUT": "10"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    return "\n".join(
        one for one in done.stdout.splitlines() if not one.startswith(("--", "\\restrict", "\\unrestrict"))
    )


@pytest.mark.parametrize("options", [[], ["--schema-only"], ["--data-only"], ["--inserts"], ["-t", "users"]], ids=str)
def test_a_dump_is_what_a_dump_past_the_gate_is(company: Company, options: list[str]) -> None:
    is_15 = company.truth("SHOW server_version_num")[0][0].startswith("15")
    for folder in (find_binaries(), *([OLDER] if is_15 and OLDER.is_dir() else [])):
        program = folder / "pg_dump"
        assert dumped(program, company.url, *options) == dumped(program, company.direct, *options)
    assert not company.laws.plane.desk.waiting()


# ---- no limit


@pytest.mark.parametrize(
    "statement",
    [
        "SET statement_timeout = 0",
        "SET SESSION statement_timeout TO '30d'",
        "SET STATEMENT_TIMEOUT = 0; SELECT 1",
        "SET statement_timeout = 0; BEGIN; SELECT 1; COMMIT",
    ],
)
@pytest.mark.parametrize("before", ["", "SET statement_timeout = 7000"])
def test_no_limit_is_the_sessions_own(company: Company, statement: str, before: str) -> None:
    notices: list[str | None] = []
    with company.connect(autocommit=True) as connection:
        connection.add_notice_handler(lambda notice: notices.append(notice.message_primary))
        ((own,),) = connection.execute(LIMIT).fetchall()
        if before:
            connection.execute(before.encode())
        connection.execute(statement.encode())
        assert connection.execute(LIMIT).fetchall() == [(own,)]
    assert own != "0"
    assert [one for one in notices if one and "no statement of this session runs longer" in one]
    assert not company.laws.plane.desk.waiting()


@pytest.mark.parametrize("prepare", [False, True])
def test_a_local_one_ends_with_its_transaction(company: Company, *, prepare: bool) -> None:
    with company.connect(autocommit=True) as connection:
        ((own,),) = connection.execute(LIMIT).fetchall()
        connection.execute("SET statement_timeout = '7s'")
        for _ in range(3):
            connection.execute("BEGIN")
            connection.execute("SET LOCAL statement_timeout = 0", prepare=prepare)
            assert connection.execute(LIMIT).fetchall() == [(own,)]
            connection.execute("UPDATE users SET plan = 'team' WHERE id = 3")
            connection.execute("COMMIT")
            assert connection.execute(LIMIT).fetchall() == [("7s",)]


@pytest.mark.parametrize(
    "body", ["SET statement_timeout = 0;", "UPDATE users SET plan = 'x'; SET LOCAL statement_timeout = 0;"]
)
def test_a_block_that_lifts_the_limit_never_passes(company: Company, body: str) -> None:
    with company.connect(autocommit=True) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(f"DO $$BEGIN {body} END$$".encode())
    assert company.truth("SELECT count(*) FROM users WHERE plan = 'x'") == [(0,)]


def test_a_failed_transaction_sets_nothing(company: Company) -> None:
    with company.connect(autocommit=True) as connection:
        connection.execute("BEGIN")
        with pytest.raises(psycopg.errors.DivisionByZero):
            connection.execute("SELECT 1 / 0")
        with pytest.raises(psycopg.errors.InFailedSqlTransaction):
            connection.execute("SET statement_timeout = 0")


@pytest.mark.parametrize(
    "call", ["set_config('statement_timeout', '0', false)", "set_config('transaction_timeout', '0', true)"]
)
def test_a_call_that_lifts_the_limit_never_passes(company: Company, call: str) -> None:
    with company.connect(autocommit=True) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(f"SELECT {call}".encode())


# ---- no search_path


@pytest.mark.parametrize("statement", ["SET search_path = ''", "SELECT set_config('search_path', '', false)"])
@pytest.mark.parametrize("first", [True, False])
def test_without_a_search_path_what_is_qualified_is_written_and_undone(
    company: Company, statement: str, *, first: bool
) -> None:
    before = company.truth("SELECT * FROM users ORDER BY id")
    with company.connect(autocommit=True) as connection:
        if not first:
            connection.execute("UPDATE users SET plan = 'team' WHERE id = 3")
        connection.execute(statement.encode())
        with pytest.raises(psycopg.errors.UndefinedTable):
            connection.execute("SELECT * FROM users")
        connection.execute("UPDATE public.users SET plan = 'none' WHERE id = 3")
        connection.execute("RESET search_path")
        if not first:
            connection.execute("UPDATE users SET plan = 'gone' WHERE id = 3")
    for number in range(1 if first else 3):
        company.undo(-1 - number)
    assert company.truth("SELECT * FROM users ORDER BY id") == before


@pytest.mark.parametrize(
    "path", ["other", "public, pg_catalog", "'', other", "'public, other'", "pg_temp", '"PUBLIC"', "\u00a0public"]
)
def test_any_other_search_path_never_passes(company: Company, path: str) -> None:
    company.directly("CREATE SCHEMA other")
    with company.connect(autocommit=True) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(f"SET search_path = {path}".encode())


def test_a_function_that_sets_it_behind_the_gates_back_ends_the_session(company: Company) -> None:
    company.directly(
        "CREATE SCHEMA other; CREATE FUNCTION turned() RETURNS trigger LANGUAGE plpgsql AS"
        " $$BEGIN PERFORM set_config(concat('search', '_path'), 'other', false); RETURN NEW; END$$;"
        "CREATE TRIGGER turned BEFORE UPDATE ON cars FOR EACH ROW EXECUTE FUNCTION turned()"
    )
    hold = company.held("UPDATE public.cars SET name = 'x' WHERE id = 1")
    company.approve(hold)
    with company.connect(autocommit=True) as connection:
        connection.execute("SET search_path = ''")
        with pytest.raises(psycopg.Error):  # noqa: PT012 - at once, or with the next statement
            connection.execute("UPDATE public.cars SET name = 'x' WHERE id = 1")
            connection.execute("UPDATE public.users SET plan = 'x' WHERE id = 1")
    assert company.truth("SELECT count(*) FROM users WHERE plan = 'x'") == [(0,)]


# ---- no row security


def test_without_row_security_there_is_an_error_and_no_row_more(company: Company) -> None:
    company.directly("ALTER TABLE users ENABLE ROW LEVEL SECURITY; CREATE POLICY few ON users USING (id < 4)")
    with company.connect(autocommit=True) as connection:
        assert connection.execute("SELECT count(*) FROM users").fetchall() == [(3,)]
        connection.execute("SET row_security = off")
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
            connection.execute("SELECT count(*) FROM users")
