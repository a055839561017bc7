"""A column that agents may not read: the role has no grant on it, so no expression brings it back."""

from __future__ import annotations

import psycopg
import pytest
from tests.databases.company_of_tests import Company


def read(masked: Company, statement: str) -> str:
    """All that the agent gets to see of it."""
    with masked.connect(autocommit=True) as connection:
        if not statement.startswith("COPY"):
            return str(connection.execute(statement).fetchall())
        with connection.cursor().copy(statement) as copy:
            return str(b"".join(copy))


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT email FROM users",
        "SELECT * FROM users",
        "SELECT u FROM users u",
        "SELECT row_to_json(u) FROM users u",
        "SELECT email || '' FROM users",
        "SELECT max(email) FROM users",
        "SELECT count(*) FROM users WHERE email LIKE 'user1%'",
        "SELECT name FROM users ORDER BY email",
        "COPY users TO STDOUT",
        "COPY (SELECT email FROM users) TO STDOUT",
        "UPDATE users SET plan = plan WHERE id = 1 RETURNING email",
        "SELECT u.email FROM users u JOIN bookings b ON b.driver = u.id",
        "WITH x AS (SELECT email AS e FROM users) SELECT e FROM x",
    ],
)
def test_no_expression_brings_it_back(masked: Company, statement: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        read(masked, statement)


def test_the_other_columns_are_there(masked: Company) -> None:
    assert masked.run("SELECT id, name, plan FROM users WHERE id = 7") == [(7, "User 7", "team")]


def test_a_row_with_a_masked_column_can_be_changed_and_comes_back(masked: Company) -> None:
    before = masked.truth("SELECT email, plan FROM users WHERE id = 3")
    masked.run("UPDATE users SET plan = 'gold' WHERE id = 3")
    assert masked.truth("SELECT plan FROM users WHERE id = 3") == [("gold",)]
    masked.undo()
    assert masked.truth("SELECT email, plan FROM users WHERE id = 3") == before


TELLS = """CREATE FUNCTION tells() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM pg_notify('changed', row_to_json(NEW)::text); PERFORM pg_notify('changed', ''); RETURN NULL; END $$;
CREATE TRIGGER told AFTER UPDATE ON {} FOR EACH ROW EXECUTE FUNCTION tells()"""


@pytest.mark.parametrize("busy", [False, True])
def test_what_others_tell_listeners_of_their_rows_does_not_show_it(masked: Company, busy: bool) -> None:
    """That something was told is heard, also between the answers to one's own statements."""
    masked.directly(TELLS.format("users"))
    with masked.connect(autocommit=True) as connection:
        connection.execute("LISTEN changed")
        if busy:
            connection.execute("INSERT INTO cars (plate, seats) VALUES ('N-1', 4)")
        masked.directly("UPDATE users SET plan = 'gold' WHERE id IN (3, 4)")
        if busy:
            connection.execute("INSERT INTO cars (plate, seats) VALUES ('N-2', 4)")
        heard = [(one.channel, one.payload) for one in connection.notifies(timeout=10, stop_after=3)]
    assert heard == [("changed", "")] * 3


def test_where_nothing_is_masked_all_is_heard(company: Company) -> None:
    company.directly(TELLS.format("cars"))
    with company.connect(autocommit=True) as connection:
        connection.execute("LISTEN changed")
        company.directly("UPDATE cars SET seats = 9 WHERE id = 3")
        heard = [one.payload for one in connection.notifies(timeout=10, stop_after=2)]
    assert '"seats":9' in heard[0]
