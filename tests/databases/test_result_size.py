"""What a task may be sent of a database has an end: an ordinary error, and a session that goes on."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from psycopg import ClientCursor
from tests.databases.company_of_tests import Company

from yett.daemon.verbs import databases

MUCH = "SELECT g, repeat('x', 1000) FROM generate_series(1, 5000) g"
COPIED = f"COPY ({MUCH}) TO STDOUT"
LONG = "SELECT repeat('x', 700000) FROM generate_series(1, 4)"
Limit = psycopg.errors.ConfigurationLimitExceeded


def read(connection: psycopg.Connection[Any], way: str) -> object:
    match way:
        case "simple":
            return ClientCursor(connection).execute(MUCH).fetchall()
        case "several":
            return ClientCursor(connection).execute(f"{MUCH}; SELECT 1").fetchall()
        case "binary":
            return connection.execute(MUCH, binary=True, prepare=True).fetchall()
        case "long":
            return connection.execute(LONG).fetchall()
        case "stream":
            return list(connection.cursor().stream(MUCH))
        case "copy":
            with connection.cursor().copy(COPIED) as copy:
                return list(copy)
        case "pipeline":
            with connection.pipeline():
                cursors = [connection.execute(one) for one in ("SELECT 1", MUCH, "SELECT 2")]
                return [cursor.fetchall() for cursor in cursors]
        case "cursor":
            with connection.transaction(), connection.cursor("c") as cursor:
                return cursor.execute(MUCH).fetchall()
    raise AssertionError(way)


WAYS = ("simple", "several", "binary", "long", "stream", "copy", "pipeline", "cursor")


@pytest.mark.parametrize("way", WAYS)
def test_an_answer_beyond_it_ends_with_an_error_that_says_how_to_ask(metered: Company, way: str) -> None:
    ends(metered, way)


@pytest.mark.parametrize("way", ["simple", "binary", "pipeline"])
def test_the_same_behind_a_mask(metered_veiled: Company, way: str) -> None:
    ends(metered_veiled, way)


def ends(company: Company, way: str) -> None:
    with company.connect(autocommit=True) as connection:
        with pytest.raises(Limit, match="1 MB") as cut:
            read(connection, way)
        assert "yett database allow saas" in str(cut.value.diag.message_hint)
        with pytest.raises(Limit):
            connection.execute("SELECT 1")
        connection.execute("ROLLBACK")
        more(company)
        assert connection.execute("SELECT count(*) FROM users").fetchall() == [(400,)]
        assert ClientCursor(connection).execute("SELECT 1; SELECT 2").fetchall() == [(1,)]
        with connection.cursor().copy("COPY (SELECT 7) TO STDOUT") as copy:
            assert b"".join(copy) == b"7\n"


def more(company: Company) -> None:
    """A person signs for more."""
    act = company.laws.do(databases.allow(company.laws.plane, {"name": "saas", "result_mb": 3}))
    company.laws.sign(str(act["act"]))
    assert company.laws.entries("budget")[-1]["body"]["more"] == {"MB that a task may be sent": 3}


def test_it_is_one_for_all_connections_of_a_session(metered: Company) -> None:
    with metered.connect(autocommit=True) as one, metered.connect(autocommit=True) as other:
        assert other.execute("SELECT name FROM users WHERE id = 1").fetchall() == [("User 1",)]
        with pytest.raises(Limit):
            one.execute(MUCH)
        with pytest.raises(Limit):
            other.execute("SELECT name FROM users WHERE id = 1")
    with pytest.raises(Limit):
        metered.run("SELECT 1")


def test_what_changes_rows_is_final_or_not_but_never_half_told(metered: Company) -> None:
    with metered.connect() as connection:
        connection.execute("UPDATE users SET plan = 'team' WHERE id = 3")
        with pytest.raises(Limit):
            connection.execute(MUCH)
        connection.rollback()
    assert metered.truth("SELECT plan FROM users WHERE id = 3") == [("free",)]


def test_little_by_little_it_comes_to_its_end_too(metered: Company) -> None:
    with metered.connect(autocommit=True) as connection:
        for _ in range(30):
            connection.execute("SELECT repeat('x', 30000)").fetchall()
        with pytest.raises(Limit):
            read_on(connection)


def read_on(connection: psycopg.Connection[Any]) -> None:
    for _ in range(20):
        connection.execute("SELECT repeat('x', 30000)").fetchall()


# ---- rows


ROWS = "SELECT g FROM generate_series(1, 1500) g"
ROWS_COPIED = f"COPY ({ROWS}) TO STDOUT"


def read_rows(connection: psycopg.Connection[Any], way: str) -> object:
    match way:
        case "simple":
            return ClientCursor(connection).execute(ROWS).fetchall()
        case "several":
            return ClientCursor(connection).execute(f"{ROWS}; SELECT 1").fetchall()
        case "extended":
            return connection.execute(ROWS, binary=True, prepare=True).fetchall()
        case "copy":
            with connection.cursor().copy(ROWS_COPIED) as copy:
                return list(copy)
        case "cursor":
            with connection.transaction(), connection.cursor("c") as cursor:
                return cursor.execute(ROWS).fetchall()
    raise AssertionError(way)


@pytest.mark.parametrize("way", ["simple", "several", "extended", "copy", "cursor"])
def test_rows_have_an_end_of_their_own(few_rows: Company, way: str) -> None:
    end_of_rows(few_rows, way)


@pytest.mark.parametrize("way", ["simple", "extended", "cursor"])
def test_rows_behind_a_mask_too(few_rows_veiled: Company, way: str) -> None:
    end_of_rows(few_rows_veiled, way)


def read_twice(connection: psycopg.Connection[Any], way: str) -> None:
    read_rows(connection, way)
    read_rows(connection, way)


def end_of_rows(company: Company, way: str) -> None:
    """The answer that goes beyond may still come whole, if it is one packet; nothing comes after it."""
    with company.connect(autocommit=True) as connection:
        with pytest.raises(Limit, match="1,000 rows") as cut:
            read_twice(connection, way)
        assert "yett database allow saas --rows 1000" in str(cut.value.diag.message_hint)
        connection.execute("ROLLBACK")
        act = company.laws.do(databases.allow(company.laws.plane, {"name": "saas", "result_rows": 500}))
        company.laws.sign(str(act["act"]))
        assert connection.execute("SELECT count(*) FROM users").fetchall() == [(400,)]
        with pytest.raises(Limit, match="rows"):
            read_twice(connection, way)


def test_answers_that_wait_for_the_commit_count_too(few_rows: Company) -> None:
    with few_rows.connect(autocommit=True) as connection:
        for _ in range(3):
            connection.execute("UPDATE users SET plan = plan WHERE id <= 390 RETURNING *").fetchall()
        with pytest.raises(Limit, match="1,000 rows"):
            connection.execute("SELECT 1")


def forgotten(company: Company) -> None:
    """A daemon that was killed: nothing of it was settled, and the next one reads what lies in the store."""
    company.laws.call(lambda: company.laws.plane.databases._allowances.clear())

    async def anew() -> None:
        company.seat._place = company.seat._role = None

    company.laws.do(anew())


@pytest.mark.parametrize("ended", ["killed", "closed"])
def test_a_daemon_that_starts_anew_counts_on(few_rows: Company, ended: str) -> None:
    few_rows.run("SELECT g FROM generate_series(1, 600) g")
    if ended == "closed":
        few_rows.laws.do(
            few_rows.laws.plane.databases.settle_allowance(few_rows.session, few_rows.laws.plane.databases.all[0])
        )
    forgotten(few_rows)
    few_rows.run("SELECT g FROM generate_series(1, 500) g")
    with pytest.raises(Limit, match="1,000 rows"):
        few_rows.run("SELECT 1")
    forgotten(few_rows)
    with pytest.raises(Limit, match="1,000 rows"):
        few_rows.run("SELECT 1")
    act = few_rows.laws.do(databases.allow(few_rows.laws.plane, {"name": "saas", "result_rows": 5000}))
    few_rows.laws.sign(str(act["act"]))
    forgotten(few_rows)
    assert few_rows.run("SELECT 1") == [(1,)]


def test_a_session_that_ended_is_charged_for_what_it_was_sent_and_not_for_more(few_rows: Company) -> None:
    plane = few_rows.laws.plane
    few_rows.run("SELECT g FROM generate_series(1, 600) g")
    few_rows.laws.do(plane.databases.settle_allowance(few_rows.session, plane.databases.all[0]))
    forgotten(few_rows)
    few_rows.run("SELECT 1")
    allowance = few_rows.laws.call(lambda: next(iter(plane.databases._allowances.values())))
    assert allowance.sent.rows == 601


# ---- time


def test_a_statement_that_takes_too_long_says_how_long_it_may_and_what_to_do(quick: Company) -> None:
    with quick.connect(autocommit=True) as connection:
        for cursor in (connection.cursor(), ClientCursor(connection)):
            with pytest.raises(psycopg.errors.QueryCanceled, match="statement timeout") as late:
                cursor.execute("SELECT count(*) FROM generate_series(1, 1000000000)")
            assert "may take 1 s" in str(late.value.diag.message_hint)
            assert "yett database add saas --statement-seconds" in str(late.value.diag.message_hint)
        assert connection.execute("SELECT 1").fetchall() == [(1,)]


@pytest.mark.parametrize("asked", ["0", "2000", "1h", "-1", "1.5s", "garbage"])
def test_a_connection_gives_itself_no_more_time(quick: Company, asked: str) -> None:
    with quick.connect(autocommit=True, options=f"-c statement_timeout={asked}") as connection:
        assert connection.execute("SHOW statement_timeout").fetchall() == [("1s",)]


def test_a_connection_may_give_itself_less(quick: Company) -> None:
    with quick.connect(autocommit=True, options="-c statement_timeout=500") as connection:
        assert connection.execute("SHOW statement_timeout").fetchall() == [("500ms",)]
        connection.execute("SET statement_timeout = 2000")
        assert connection.execute("SHOW statement_timeout").fetchall() == [("1s",)]
