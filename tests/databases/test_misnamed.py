"""A slip of the pen is the server's to tell, at once: nobody is asked about a name that is not there."""

from __future__ import annotations

import psycopg
import pytest
from tests.databases.company_of_tests import Company

SLIPS = {
    "SELECT * FROM bokings": "42P01",
    "SELECT lenght(name) FROM users": "42883",
    "SELECT ifnull(note, '') FROM bookings": "42883",
    "SELECT id === 1 FROM users": "42883",
    "SELECT id::datetime FROM users": "42704",
    "EXPLAIN SELECT * FROM bokings": "42P01",
    "EXPLAIN ANALYZE DELETE FROM bokings WHERE id = 1": "42P01",
    "WITH old AS (SELECT * FROM bokings) SELECT * FROM old": "42P01",
    "DELETE FROM bokings WHERE id = 1": "42P01",
    "UPDATE cars SET seats = sqr(2) WHERE id = 1": "42883",
    "INSERT INTO car (plate) VALUES ('K-1')": "42P01",
    "SELECT 1; SELECT * FROM bokings": "42P01",
}


@pytest.mark.parametrize(("statement", "sqlstate"), SLIPS.items())
def test_a_slip_is_answered_by_the_server_and_no_hold(company: Company, statement: str, sqlstate: str) -> None:
    with company.connect(autocommit=True) as connection:
        with pytest.raises(psycopg.Error) as refused:
            connection.execute(statement.encode())
        assert refused.value.sqlstate == sqlstate, str(refused.value)
        assert "yett" not in str(refused.value)
        assert connection.execute("SELECT count(*) FROM users").fetchone() == (400,)
    assert not company.laws.plane.desk.waiting()


def test_the_server_says_where_it_is(company: Company) -> None:
    with company.connect(autocommit=True) as connection, pytest.raises(psycopg.Error) as refused:
        connection.execute("SELECT * FROM bokings")
    assert refused.value.diag.statement_position == "15"


def test_bound_values_make_no_difference(company: Company) -> None:
    with pytest.raises(psycopg.errors.UndefinedTable):
        company.run("SELECT * FROM bokings WHERE id = %s", 1)
    assert not company.laws.plane.desk.waiting()


def test_in_a_transaction_it_fails_as_any_error_does(company: Company) -> None:
    with company.connect() as connection:
        connection.execute("UPDATE cars SET seats = 9 WHERE id = 1")
        connection.execute("SAVEPOINT before")
        with pytest.raises(psycopg.errors.UndefinedTable):
            connection.execute("DELETE FROM bokings WHERE id = 1")
        with pytest.raises(psycopg.errors.InFailedSqlTransaction):
            connection.execute("SELECT 1")
        connection.execute("ROLLBACK TO before")
        connection.commit()
    assert company.truth("SELECT seats FROM cars WHERE id = 1") == [(9,)]


DOMAIN = """
CREATE SEQUENCE numbers;
CREATE FUNCTION jumps(text) RETURNS boolean LANGUAGE sql AS 'SELECT setval(''numbers'', 999) > 0';
CREATE DOMAIN harmful AS text CHECK (jumps(VALUE));
CREATE FUNCTION deletes(text) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN DELETE FROM bookings; RETURN true; END';
CREATE DOMAIN deleting AS text CHECK (deletes(VALUE));
"""


def test_a_literal_that_runs_what_no_transaction_takes_back_is_not_read_first(company: Company) -> None:
    """The server makes values of literals while it only reads a text, and a domain's check runs with that."""
    company.directly(DOMAIN)
    company.directly("GRANT ALL ON SEQUENCE numbers TO PUBLIC")
    assert company.held("SELECT '{x}'::harmful[], lenght('x')")
    assert company.truth("SELECT last_value FROM numbers") == [(1,)]


def test_what_a_literal_sets_off_is_taken_back_with_the_slip(company: Company) -> None:
    company.directly(DOMAIN)
    with pytest.raises(psycopg.errors.UndefinedFunction):
        company.run("SELECT '{x}'::deleting[], lenght('x')")
    assert company.truth("SELECT count(*) FROM bookings") == [(4000,)]


def test_a_slip_hides_nothing_that_is_known(company: Company) -> None:
    assert company.held("SELECT setval('cars_id_seq', 1), lenght('x')")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):  # nobody alone may sign what no undo is known of
        company.run("DROP TABLE bokings")
