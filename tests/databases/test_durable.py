"""What is logged as done is on the server's disk, whatever anybody has set: a crash of the server loses none of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from psycopg import ClientCursor
from tests.databases.company_of_tests import Company

WRITE = "UPDATE users SET plan = 'team' WHERE id = 3"
OFF = "synchronous_commit = off"


@pytest.fixture
def lazy(company: Company) -> Iterator[Company]:
    """A server whose writer sleeps: what no COMMIT flushes stays in memory."""
    company.directly("ALTER SYSTEM SET wal_writer_delay = '10s'")
    company.directly("SELECT pg_reload_conf()")
    yield company
    company.directly("ALTER SYSTEM RESET wal_writer_delay")
    company.directly("SELECT pg_reload_conf()")


def behind(direct: psycopg.Connection[Any]) -> int:
    """Bytes of the log that are in memory alone."""
    asked = "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), pg_current_wal_flush_lsn())"
    ((found,),) = direct.execute(asked).fetchall()
    return int(found)


def is_none(lag: Callable[[], int]) -> bool:
    """Whether one of three COMMITs left nothing in memory: the server itself writes at times, and does not flush."""
    return any(lag() <= 0 for _ in range(3))


def set_for_the_database(company: Company) -> None:
    company.directly(f"ALTER DATABASE {company.name} SET {OFF}")


def set_for_the_role(company: Company) -> None:
    company.run("SELECT 1")
    company.directly(f'ALTER ROLE "{company.seat.role}" SET {OFF}')


def set_by_a_trigger(company: Company) -> None:
    company.directly(
        f"CREATE FUNCTION lazy() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN SET LOCAL {OFF}; RETURN new; END $$;"
        "CREATE TRIGGER lazy BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION lazy()"
    )


def set_by_a_deferred_trigger(company: Company) -> None:
    company.directly(
        "CREATE FUNCTION lazy() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN PERFORM set_config('synchronous_commit', 'off', true); RETURN null; END $$;"
        "CREATE CONSTRAINT TRIGGER lazy AFTER UPDATE ON users DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION lazy()"
    )


WAYS = (set_for_the_database, set_for_the_role, set_by_a_trigger, set_by_a_deferred_trigger)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("whose", ["wire's", "agent's"])
def test_a_commit_is_on_disk_when_it_is_answered(lazy: Company, way: object, whose: str) -> None:
    way(lazy)  # type: ignore[operator]
    lazy.laws.call(lambda: lazy.laws.plane.databases.changed(lazy.seat.database))
    with psycopg.connect(lazy.direct, autocommit=True) as direct, lazy.connect(autocommit=True) as agent:
        agent.execute("SELECT 1")

        def lag() -> int:
            agent.execute(WRITE if whose == "wire's" else f"BEGIN; {WRITE}; COMMIT")
            return behind(direct)

        assert is_none(lag), "what COMMIT wrote is still in memory"
    assert lazy.truth("SELECT plan FROM users WHERE id = 3") == [("team",)]


def test_without_it_a_commit_would_not_be(lazy: Company) -> None:
    """The measure itself: the same COMMIT past the gate is still in memory when it is answered."""
    set_for_the_database(lazy)
    with psycopg.connect(lazy.direct, autocommit=True) as direct:
        found = [direct.execute(WRITE) and behind(direct) for _ in range(5)]
    assert any(lag > 0 for lag in found)


@pytest.mark.parametrize(
    "statement",
    [
        "SET synchronous_commit = off",
        "SELECT set_config('synchronous_commit', 'off', false)",
        "BEGIN; SET LOCAL synchronous_commit = off",
    ],
)
def test_what_the_agent_sets_passes_and_counts_for_nothing(lazy: Company, statement: str) -> None:
    """Loaders set it at their start: a refusal would only be in their way."""
    with psycopg.connect(lazy.direct, autocommit=True) as direct, lazy.connect(autocommit=True) as agent:

        def lag() -> int:
            ClientCursor(agent).execute(statement)
            assert agent.execute("SHOW synchronous_commit").fetchall() == [("off",)]
            agent.execute(WRITE)
            if statement.startswith("BEGIN"):
                agent.execute("COMMIT AND CHAIN")
            found = behind(direct)
            agent.execute("ROLLBACK")
            return found

        assert is_none(lag)


def test_a_stronger_value_stays(company: Company) -> None:
    company.directly(f"ALTER DATABASE {company.name} SET synchronous_commit = remote_apply")
    company.run(WRITE)
    assert company.run("SHOW synchronous_commit") == [("remote_apply",)]


def test_a_connection_asks_for_it_in_vain(company: Company) -> None:
    with company.connect(autocommit=True, options="-c synchronous_commit=off") as connection:
        assert connection.execute("SHOW synchronous_commit").fetchall() == [("on",)]
