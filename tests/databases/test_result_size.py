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
    act = company.laws.do(databases.allow(company.laws.plane, {"name": "saas", "mb": 3}))
    company.laws.sign(str(act["act"]))
    assert company.laws.entries("budget")[-1]["body"]["more MB"] == 3


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
