"""IF NOT EXISTS of what is there: programs send it whenever they start, and nobody is asked about nothing."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from tests.databases.company_of_tests import Company
from tests.databases.raw_wire import SYNC, bind, exchange, execute, parse

NOTHING = {
    "CREATE TABLE IF NOT EXISTS users (id int PRIMARY KEY)": "42P07",
    "CREATE TABLE IF NOT EXISTS public.users (id int DEFAULT nope())": "42P07",
    "CREATE INDEX IF NOT EXISTS bookings_driver ON bookings (driver)": "42P07",
    "CREATE SCHEMA IF NOT EXISTS public": "42P06",
    "CREATE EXTENSION IF NOT EXISTS plpgsql": "42710",
    "DROP TABLE IF EXISTS drafts": "00000",
    "DROP TABLE IF EXISTS drafts, old.drafts CASCADE": "00000",
}
SOMETHING = [
    "CREATE TABLE IF NOT EXISTS drafts (id int)",
    "CREATE TABLE IF NOT EXISTS users_email_key_2 (id int)",
    "CREATE INDEX IF NOT EXISTS drafts_id ON bookings (driver)",
    "CREATE SCHEMA IF NOT EXISTS drafts",
    "CREATE SCHEMA IF NOT EXISTS public AUTHORIZATION postgres",
    "CREATE EXTENSION IF NOT EXISTS dblink",
    "DROP TABLE IF EXISTS drafts, bookings",
    "DROP TABLE IF EXISTS bookings",
    "DROP VIEW IF EXISTS paying",
    "DO $$ BEGIN CREATE TABLE IF NOT EXISTS users (id int); DROP TABLE cars; END $$",
    "CREATE TABLE IF NOT EXISTS users (id int); DROP TABLE bookings",
    "CREATE TABLE IF NOT EXISTS users (id int); CREATE TABLE IF NOT EXISTS drafts (id int)",
]


@pytest.mark.parametrize(("statement", "sqlstate"), NOTHING.items())
@pytest.mark.parametrize("extended", [False, True])
def test_what_does_nothing_says_so(company: Company, statement: str, sqlstate: str, *, extended: bool) -> None:
    notices: list[tuple[str | None, str | None]] = []
    factory: Any = psycopg.RawCursor if extended else psycopg.ClientCursor
    with company.connect(autocommit=True, cursor_factory=factory) as connection:
        connection.add_notice_handler(lambda notice: notices.append((notice.severity, notice.sqlstate)))
        connection.prepare_threshold = 0 if extended else None
        cursor = connection.execute(statement.encode())
        assert str(cursor.statusmessage) == " ".join(statement.split()[:2])
        assert connection.execute("SELECT 1").fetchone() == (1,)
    assert set(notices) == {("NOTICE", sqlstate)}
    assert not company.laws.plane.desk.waiting()


def test_the_same_words_as_the_server(company: Company) -> None:
    def said(url: str) -> list[str | None]:
        found: list[str | None] = []
        with psycopg.connect(url, autocommit=True) as connection:
            connection.add_notice_handler(lambda notice: found.append(notice.message_primary))
            for statement in list(NOTHING)[:6]:
                connection.execute(statement.encode())
        return found

    assert said(company.url) == said(company.direct)


@pytest.mark.parametrize("statement", SOMETHING)
def test_what_does_something_is_held(company: Company, statement: str) -> None:
    assert company.held(statement)
    assert company.truth("SELECT count(*) FROM bookings") == [(4000,)]
    assert company.truth("SELECT to_regclass('cars') IS NULL, to_regclass('drafts') IS NULL") == [(False, True)]


def test_in_a_transaction_with_writes(company: Company) -> None:
    with company.connect() as connection:
        connection.execute("UPDATE cars SET seats = 9 WHERE id = 1")
        connection.execute("CREATE TABLE IF NOT EXISTS users (id int)")
        connection.execute("CREATE TABLE IF NOT EXISTS users (id int); UPDATE cars SET seats = 8 WHERE id = 2")
    assert company.truth("SELECT seats FROM cars WHERE id < 3 ORDER BY id") == [(9,), (8,)]


def test_one_that_does_nothing_before_writes_in_one_text(company: Company) -> None:
    company.run("CREATE TABLE IF NOT EXISTS users (id int); UPDATE cars SET seats = 8 WHERE id = 2")
    assert company.truth("SELECT seats FROM cars WHERE id = 2") == [(8,)]


def test_what_was_dropped_meanwhile_is_something_again(company: Company) -> None:
    company.directly("CREATE TABLE drafts (id int)")
    statement = "CREATE TABLE IF NOT EXISTS drafts (id int)"
    with company.connect(autocommit=True) as connection:
        for _ in range(3):
            connection.execute(statement)
        company.directly("DROP TABLE drafts")
        with pytest.raises(psycopg.errors.SerializationFailure):
            connection.execute(statement)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement)
    assert company.truth("SELECT to_regclass('drafts')") == [(None,)]


def test_a_portal_that_was_skipped_never_runs(company: Company) -> None:
    """Bound while it did nothing, executed again when it would do something."""
    company.directly("GRANT CREATE ON SCHEMA public TO PUBLIC; CREATE TABLE drafts (id int)")

    create = "CREATE TABLE IF NOT EXISTS drafts (id int)"
    with company.connect() as connection:
        connection.execute("SELECT 1")
        first = exchange(connection, parse("one", create) + bind("p", "one") + execute("p") + SYNC)
        assert b"already exists, skipping" in first
        company.directly("DROP TABLE drafts")
        assert b"C34000" in exchange(connection, execute("p") + SYNC)
    assert company.truth("SELECT to_regclass('drafts')") == [(None,)]
