"""What no transaction takes (VACUUM, CONCURRENTLY): held, signed, run with rights that are lent for it alone."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from tests.databases.company_of_tests import Company

from yett.model.errors import YettError

AT_WORK = "SELECT count(*) FROM pg_stat_activity WHERE usename ~ '^yett_once_'"
WAITS = f"{AT_WORK} AND wait_event_type = 'Lock'"
"""Its statement has been sent: for two round trips before that it is a member."""
ROLES = "SELECT rolname FROM pg_roles WHERE rolname ~ '^yett_once_'"
MEMBERS = "SELECT count(*) FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.member WHERE r.rolname ~ '^yett_'"


def wait_for(company: Company, query: str, wanted: int) -> None:
    deadline = time.monotonic() + 15
    while company.truth(query) != [(wanted,)]:
        assert time.monotonic() < deadline, query
        time.sleep(0.05)


def nothing_is_left(company: Company) -> bool:
    return company.truth(ROLES) == [] and company.truth(MEMBERS) == [(0,)]


@pytest.mark.parametrize(
    "statement",
    [
        "VACUUM users",
        "VACUUM (FULL, ANALYZE) users, cars",
        "REINDEX TABLE CONCURRENTLY users",
        "REINDEX INDEX CONCURRENTLY users_pkey",
        "CREATE INDEX CONCURRENTLY users_by_name ON users (lower(name))",
    ],
)
@pytest.mark.parametrize("prepare", [False, True])
def test_it_runs_as_signed_and_once(company: Company, statement: str, prepare: bool) -> None:
    before = company.truth("SELECT count(*) FROM users")
    hold = company.held(statement)
    company.approve(hold)
    with company.connect(autocommit=True) as connection:
        cursor = connection.execute(statement, prepare=prepare)
        tag = {"V": "VACUUM", "R": "REINDEX", "C": "CREATE INDEX"}[statement[0]]
        assert cursor.statusmessage == tag
        assert connection.execute("SELECT current_user = session_user").fetchone() == (True,)
    assert company.truth("SELECT count(*) FROM users") == before
    assert nothing_is_left(company)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):  # it was used
        company.run(statement)


def test_what_the_server_says_reaches_the_client(company: Company) -> None:
    company.approve(company.held("VACUUM (VERBOSE) users"))
    heard: list[str] = []
    with company.connect(autocommit=True) as connection:
        connection.add_notice_handler(lambda said: heard.append(f"{said.severity} {said.message_primary}"))
        connection.execute("VACUUM (VERBOSE) users")
    assert any(one.startswith("INFO") and "public.users" in one for one in heard), heard


def test_psql_hears_what_it_would_hear_from_the_server(company: Company) -> None:
    company.approve(company.held("VACUUM users"))
    done = subprocess.run(["psql", company.url, "-c", "VACUUM users"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "VACUUM", "")


# ---- what goes comes back


def indexes(company: Company) -> list[tuple[object, ...]]:
    return company.truth(
        "SELECT pg_get_indexdef(indexrelid), indisclustered, indisvalid, obj_description(indexrelid, 'pg_class')"
        " FROM pg_index WHERE indrelid = 'bookings'::regclass ORDER BY 1"
    )


def test_an_index_that_was_dropped_comes_back_as_it_was(company: Company) -> None:
    company.directly("COMMENT ON INDEX bookings_driver IS 'it''s for drivers'")
    company.directly("ALTER TABLE bookings CLUSTER ON bookings_driver")
    before = indexes(company)
    statement = "DROP INDEX CONCURRENTLY bookings_driver"
    company.approve(company.held(statement))
    company.run(statement)
    assert len(indexes(company)) == len(before) - 1
    assert "bookings_driver" in company.undo()
    assert indexes(company) == before


def test_a_partition_that_was_detached_comes_back(company: Company) -> None:
    tree = "SELECT relid::text, level FROM pg_partition_tree('events') ORDER BY 1"
    before, rows = company.truth(tree), company.truth("SELECT count(*) FROM events")
    statement = "ALTER TABLE events DETACH PARTITION events_old CONCURRENTLY"
    company.approve(company.held(statement))
    company.run(statement)
    assert len(company.truth(tree)) == len(before) - 1
    company.undo()
    assert (company.truth(tree), company.truth("SELECT count(*) FROM events")) == (before, rows)


def test_an_undo_of_an_index_that_is_there_again_changes_nothing(company: Company) -> None:
    statement = "DROP INDEX CONCURRENTLY bookings_driver"
    company.approve(company.held(statement))
    company.run(statement)
    company.directly("CREATE INDEX bookings_driver ON bookings (car)")
    before = indexes(company)
    with pytest.raises(YettError, match="already exists"):
        company.undo()
    assert indexes(company) == before


def test_what_did_not_go_leaves_no_undo(company: Company) -> None:
    count = len(company.laws.plane.undos.records())
    statement = "DROP INDEX CONCURRENTLY users_pkey"  # a constraint needs it
    company.approve(company.held(statement))
    with pytest.raises(psycopg.errors.DependentObjectsStillExist):
        company.run(statement)
    assert len(company.laws.plane.undos.records()) == count
    assert nothing_is_left(company)


# ---- attacks


def test_an_expression_with_an_effect_never_runs_with_lent_rights(company: Company) -> None:
    company.directly(
        "CREATE FUNCTION sly(bigint) RETURNS bigint LANGUAGE plpgsql IMMUTABLE AS"
        " $$ BEGIN EXECUTE 'DELETE FROM public.bookings'; RETURN $1; END $$"
    )
    company.directly(
        "SET check_function_bodies = off; CREATE TABLE sly_one (id bigint); CREATE INDEX sly_index ON sly_one (sly(id))"
    )
    time.sleep(1.2)
    for statement in (
        "CREATE INDEX CONCURRENTLY ON users (sly(id))",
        "CREATE INDEX CONCURRENTLY ON users (id) WHERE sly(id) > 0",
        "REINDEX TABLE CONCURRENTLY sly_one",
        "REINDEX INDEX CONCURRENTLY sly_index",
        "VACUUM FULL sly_one",
        "VACUUM ANALYZE users, sly_one",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="nothing could take that back") as refused:
            company.run(statement)
        assert "(hold" not in str(refused.value)  # nobody is asked for what would not be sound
    assert company.truth("SELECT count(*) FROM bookings") == [(4000,)]


def test_a_function_that_changes_between_the_answer_and_the_run_does_not_run(company: Company) -> None:
    body = "CREATE OR REPLACE FUNCTION calm(bigint) RETURNS bigint LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN {} $$"
    company.directly(body.format("RETURN $1; END"))
    time.sleep(1.2)
    statement = "CREATE INDEX CONCURRENTLY ON users (calm(id))"
    company.approve(company.held(statement))
    company.directly(body.format("DELETE FROM public.bookings; RETURN $1; END"))
    time.sleep(1.2)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        company.run(statement)
    assert company.truth("SELECT count(*) FROM bookings") == [(4000,)]


def test_another_statement_of_the_pipeline_has_no_right_more(company: Company) -> None:
    company.approve(company.held("VACUUM users"))
    with company.connect(autocommit=True) as connection, connection.pipeline() as pipeline:
        vacuumed = connection.execute("VACUUM users")
        pipeline.sync()
        mine = connection.execute("SELECT current_user = session_user, pg_has_role('postgres', 'MEMBER')")
        pipeline.sync()
        assert vacuumed.statusmessage == "VACUUM"
        assert mine.fetchone() == (True, False)


def test_no_session_of_the_lease_has_the_right_while_it_runs(company: Company) -> None:
    """It waits for somebody's transaction; beside it the lease has what it always had."""
    statement = "CREATE INDEX CONCURRENTLY users_by_plan ON users (plan)"
    company.approve(company.held(statement))
    with psycopg.connect(company.direct) as holder, company.connect(autocommit=True) as beside:
        holder.execute("UPDATE users SET plan = plan WHERE id = 1")
        with ThreadPoolExecutor(1) as threads:
            running = threads.submit(company.run, statement)
            try:
                wait_for(company, WAITS, 1)
                assert company.truth(MEMBERS) == [(0,)]
                role = beside.execute("SELECT current_user, pg_has_role('postgres', 'MEMBER')").fetchone()
                assert role is not None
                assert role[1] is False
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    beside.execute("SET ROLE postgres")
            finally:
                holder.commit()
            running.result(30)
    assert company.truth("SELECT indisvalid FROM pg_index WHERE indexrelid = 'users_by_plan'::regclass") == [(True,)]
    assert nothing_is_left(company)


@pytest.mark.parametrize("how", ["cancels", "leaves"])
def test_a_client_that_gives_up_ends_it_and_nothing_is_left(company: Company, how: str) -> None:
    statement = "CREATE INDEX CONCURRENTLY users_by_plan ON users (plan)"
    company.approve(company.held(statement))
    with psycopg.connect(company.direct) as holder:
        holder.execute("UPDATE users SET plan = plan WHERE id = 1")
        connection = company.connect(autocommit=True)
        with ThreadPoolExecutor(1) as threads:
            running = threads.submit(connection.execute, statement)
            wait_for(company, "SELECT count(*) FROM pg_class WHERE relname = 'users_by_plan'", 1)
            if how == "cancels":
                connection.cancel_safe()
                with pytest.raises(psycopg.errors.QueryCanceled) as told:
                    running.result(30)
                assert "DROP INDEX CONCURRENTLY public.users_by_plan" in str(told.value.diag.message_hint)
            else:
                socket.socket(fileno=os.dup(connection.fileno())).shutdown(socket.SHUT_RDWR)
                with pytest.raises(psycopg.OperationalError):
                    running.result(30)
        wait_for(company, AT_WORK, 0)
        wait_for(company, "SELECT count(*) FROM pg_roles WHERE rolname ~ '^yett_once_'", 0)
        connection.close()
    assert nothing_is_left(company)


def test_a_failure_says_what_it_left_and_no_value(company: Company) -> None:
    company.directly("UPDATE bookings SET note = 'told-to-nobody' WHERE id < 3")
    statement = "CREATE UNIQUE INDEX CONCURRENTLY notes ON bookings (note)"
    company.approve(company.held(statement))
    with pytest.raises(psycopg.errors.UniqueViolation) as told:
        company.run(statement)
    assert "told-to-nobody" not in str(told.value)
    assert "public.notes" in str(told.value.diag.message_hint)
    assert nothing_is_left(company)
    again = "DROP INDEX CONCURRENTLY notes"
    time.sleep(1.2)
    company.approve(company.held(again))
    company.run(again)
    assert company.truth("SELECT count(*) FROM pg_class WHERE relname = 'notes'") == [(0,)]


def test_where_columns_are_masked_a_failure_says_nothing_of_values(masked: Company) -> None:
    statement = "CREATE INDEX CONCURRENTLY ON users ((email::int))"
    masked.approve(masked.held(statement))
    with pytest.raises(psycopg.errors.InvalidTextRepresentation) as told:
        masked.run(statement)
    assert "@" not in str(told.value)
    assert "not shown" in str(told.value)


@pytest.mark.parametrize(
    "statement",
    [
        "VACUUM",
        "VACUUM FULL",
        "CLUSTER",
        "REINDEX SCHEMA public",
        "CREATE DATABASE other",
        "DROP DATABASE other",
        "ALTER SYSTEM SET work_mem = '1MB'",
        "CREATE TABLESPACE t LOCATION '/x'",
        "ALTER DATABASE postgres SET TABLESPACE t",
        "VACUUM pg_class",
        "DROP INDEX CONCURRENTLY no_such_index",
    ],
)
def test_what_names_nothing_or_reaches_further_is_refused_and_nobody_asked(company: Company, statement: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege) as refused:
        company.run(statement)
    assert "cannot be approved" in str(refused.value.diag.message_hint)


def test_a_temporary_table_is_its_own_sessions(company: Company) -> None:
    with company.connect(autocommit=True) as connection:
        connection.execute("CREATE TEMP TABLE mine (id int)")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("VACUUM mine")
