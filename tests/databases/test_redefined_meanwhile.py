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


@pytest.mark.parametrize(("name", "held"), [("c", ""), ("c", "WITH HOLD"), ("_yett_c", "")])
def test_a_cursor(peeking: Company, name: str, held: str) -> None:
    """Also under a name as the wire's own portals have."""
    steps = (f"DECLARE {name} CURSOR {held} FOR SELECT peek(id) FROM cars", f"FETCH 1 FROM {name}", TELLS)
    peeking.approve(peeking.held(TELLS))

    def act() -> None:
        with peeking.connect() as connection:
            for step in steps[:2]:
                connection.execute(step)
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match=f"the cursor {name} is open"):
                connection.execute(TELLS)
            with pytest.raises(psycopg.errors.InFailedSqlTransaction):
                connection.execute(f"FETCH 3 FROM {name}")  # type: ignore[arg-type]

    assert heard(peeking, act) == []
    assert peeking.approved((*steps[:2], f"CLOSE {name}", TELLS)) <= 1


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


@pytest.mark.parametrize("role_may", ["", "GRANT USAGE ON SCHEMA apart TO PUBLIC;"])
def test_a_deferred_trigger_in_a_schema_of_others(peeking: Company, role_may: str) -> None:
    """It is reached by a key; nobody who may not use its schema may name it, and the definition runs all the same."""
    peeking.directly(
        f"CREATE SCHEMA apart; {role_may} CREATE TABLE apart.notes (id int REFERENCES users ON UPDATE CASCADE);"
        "CREATE CONSTRAINT TRIGGER late AFTER INSERT ON apart.notes DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION looks()"
    )
    steps = ("UPDATE users SET plan = 'team' WHERE id = 3", TRIGGER_TELLS)
    assert heard(peeking, lambda: peeking.approved(steps)) == []
    assert peeking.truth("SELECT prosrc LIKE '%told%' FROM pg_proc WHERE proname = 'looks'") == [(True,)]


def test_what_only_makes_something_new_may_stand_beside_a_cursor(peeking: Company) -> None:
    cursor = ("DECLARE c CURSOR FOR SELECT id FROM cars", "FETCH 1 FROM c")
    assert peeking.approved((*cursor, "CREATE TABLE notes (id int)", cursor[1])) <= 1
