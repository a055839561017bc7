"""What was let run in a transaction, and would be another thing when it runs: the transaction has redefined it."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest
from tests.databases.company_of_tests import Company
from tests.databases.raw_wire import SYNC, bind, exchange, execute, message, parse

FUNCTION = """CREATE OR REPLACE FUNCTION public.peek(int) RETURNS int LANGUAGE plpgsql AS $$
BEGIN {body} RETURN $1; END $$"""
TRIGGER = """CREATE OR REPLACE FUNCTION public.looks() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN {body} RETURN NULL; END $$"""
MADE = f"""{FUNCTION.format(body="")}; {TRIGGER.format(body="")};
CREATE TRIGGER looks AFTER UPDATE ON cars FOR EACH ROW EXECUTE FUNCTION looks();
CREATE CONSTRAINT TRIGGER "late ""one"" " AFTER UPDATE ON users DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION looks()"""
TELLS = FUNCTION.format(body="PERFORM pg_notify('told', $1::text);")
TRIGGER_TELLS = TRIGGER.format(body="PERFORM pg_notify('told', NEW.id::text);")
UPDATE = "UPDATE cars SET seats = 9 WHERE id = 3"


@pytest.fixture
def peeking(company: Company) -> Company:
    company.directly(MADE)
    return company


def heard(company: Company, act: Callable[[], object]) -> list[str]:
    with psycopg.connect(company.direct, autocommit=True) as listener:
        listener.execute("LISTEN told")
        act()
        return [one.payload for one in listener.notifies(timeout=0.5)]


@pytest.mark.parametrize("held", ["WITHOUT HOLD", "WITH HOLD"])
def test_a_cursor(peeking: Company, held: str) -> None:
    steps = (f"DECLARE c CURSOR {held} FOR SELECT peek(id) FROM cars", "FETCH 1 FROM c", TELLS)
    peeking.approve(peeking.held(TELLS))

    def act() -> None:
        with peeking.connect() as connection:
            for step in steps[:2]:
                connection.execute(step)
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="the cursor c is open"):
                connection.execute(TELLS)
            with pytest.raises(psycopg.errors.InFailedSqlTransaction):
                connection.execute("FETCH 3 FROM c")

    assert heard(peeking, act) == []
    assert peeking.approved((*steps[:2], "CLOSE c", TELLS)) <= 1


@pytest.mark.parametrize("portal", ["p", ""])
@pytest.mark.parametrize("sql", [UPDATE, "SELECT peek(3)"])
def test_a_portal(peeking: Company, sql: str, portal: str) -> None:
    define = TELLS if "peek" in sql else TRIGGER_TELLS
    peeking.approve(peeking.held(define))
    defining = parse("f", define) + bind("g", "f") + execute("g")
    answers = list[bytes]()

    def act() -> None:
        with peeking.connect(autocommit=True) as connection:
            connection.execute("BEGIN")
            bound = parse("u", sql) + bind(portal, "u") + defining + execute(portal) + SYNC
            answers.append(exchange(connection, bound))
            answers.append(exchange(connection, message(b"Q", b"COMMIT\0")))

    assert heard(peeking, act) == []
    assert b"the cursor p is open" in answers[0] if portal else b'portal "" does not exist' in answers[0]
    assert b"ROLLBACK" in answers[1]
    assert peeking.truth("SELECT seats FROM cars WHERE id = 3") == [(5,)]


@pytest.mark.parametrize("again", [(), ("SET CONSTRAINTS ALL DEFERRED", "UPDATE users SET plan = 'x' WHERE id = 5")])
def test_a_deferred_trigger(peeking: Company, again: tuple[str, ...]) -> None:
    """It runs before the definition, as what it was when its statement was let; behind it, it is asked about."""
    steps = ("UPDATE users SET plan = 'team' WHERE id = 3", *again, TRIGGER_TELLS)
    assert heard(peeking, lambda: peeking.approved(steps)) == []
    assert peeking.truth("SELECT plan FROM users WHERE id = 3") == [("team",)]
    peeking.held("UPDATE users SET plan = 'team' WHERE id = 4")


def test_what_only_makes_something_new_may_stand_beside_a_cursor(peeking: Company) -> None:
    cursor = ("DECLARE c CURSOR FOR SELECT id FROM cars", "FETCH 1 FROM c")
    assert peeking.approved((*cursor, "CREATE TABLE notes (id int)", cursor[1])) <= 1
