"""The server makes values of a text's literals while it only parses it, and a domain's check runs with that."""

from __future__ import annotations

import psycopg
import pytest
from tests.databases.company_of_tests import Company

DOMAINS = """
CREATE SEQUENCE numbers;
CREATE FUNCTION jumps(text) RETURNS boolean LANGUAGE sql AS 'SELECT setval(''numbers'', 999) > 0';
CREATE DOMAIN harmful AS text CHECK (jumps(VALUE));
CREATE FUNCTION deletes(text) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN DELETE FROM bookings; RETURN true; END';
CREATE DOMAIN deleting AS text CHECK (deletes(VALUE));
CREATE FUNCTION tidy(text) RETURNS boolean LANGUAGE plpgsql AS
    'BEGIN DELETE FROM bookings WHERE id = 1; RETURN true; END';
CREATE DOMAIN tidying AS text CHECK (tidy(VALUE));
CREATE TABLE labels (id int, label deleting[]);
CREATE TABLE pairs (id int, both_of harmful[]);
GRANT ALL ON SEQUENCE numbers TO PUBLIC;
"""


@pytest.fixture
def trapped(company: Company) -> Company:
    company.directly(DOMAINS)
    return company


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT '{x}'::deleting[]",
        "SELECT '{x}'::harmful[]",
        "SELECT '{x}'::tidying[]",
        "INSERT INTO labels VALUES (1, '{x}')",
        "INSERT INTO pairs VALUES (1, '{x}')",
        "SELECT * FROM labels WHERE label = '{x}'",
        "EXPLAIN SELECT * FROM pairs WHERE both_of = '{x}'",
        "DECLARE c CURSOR FOR SELECT '{x}'::harmful[]",
        "DELETE FROM labels WHERE label = '{x}'",
    ],
)
def test_a_parse_runs_nothing_that_nobody_decided(trapped: Company, statement: str) -> None:
    with trapped.connect(autocommit=True) as connection:
        parsed = connection.pgconn.prepare(b"one", statement.encode())
        assert b"yett" in parsed.error_message
    assert trapped.truth("SELECT count(*) FROM bookings") == [(4000,)]
    assert trapped.truth("SELECT last_value FROM numbers") == [(1,)]


def test_a_parse_in_a_transaction_of_the_agent_is_decided_with_it(trapped: Company) -> None:
    with trapped.connect() as connection:
        connection.execute("UPDATE cars SET seats = 9 WHERE id = 1")
        connection.pgconn.prepare(b"one", b"SELECT '{x}'::deleting[]")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.commit()
    assert trapped.truth("SELECT count(*) FROM bookings") == [(4000,)]
    assert trapped.truth("SELECT seats FROM cars WHERE id = 1") == [(3,)]


def test_what_was_signed_is_parsed_and_runs(trapped: Company) -> None:
    statement = "SELECT '{x}'::harmful[], %s::int"
    for _ in range(2):
        trapped.approve(trapped.held(statement, 1))
    assert trapped.run(statement, 1) == [("{x}", 1)]
    assert trapped.truth("SELECT last_value FROM numbers") == [(999,)]


def test_a_domain_that_only_compares_costs_nothing(trapped: Company) -> None:
    trapped.directly("CREATE DOMAIN seat AS int CHECK (VALUE > 0); CREATE TABLE seated (seat seat[])")
    with trapped.connect(autocommit=True) as connection:
        parsed = connection.pgconn.prepare(b"one", b"INSERT INTO seated VALUES ('{1}')")
        assert not parsed.error_message
