"""Small acts of one task that add up: how many there may be is said with the database, and raised by a person's key."""

from __future__ import annotations

import pytest
from tests.databases.company_of_tests import Company

from yett.daemon.verbs import databases
from yett.model.errors import YettError


def write(company: Company, n: int) -> None:
    company.run("UPDATE users SET plan = 'team' WHERE id = %s", n)


def more(company: Company, **numbers: int) -> None:
    act = company.laws.do(databases.allow(company.laws.plane, {"name": "saas", **numbers}))
    company.laws.sign(str(act["act"]))


def test_what_was_said_with_the_database_counts(few_changes: Company) -> None:
    """Three rows, or a hundredth of the table's four hundred, which is more."""
    for n in (1, 2, 3, 4):
        write(few_changes, n)
    held = few_changes.held("UPDATE users SET plan = 'team' WHERE id = %s", 5)
    assert few_changes.truth("SELECT plan FROM users WHERE id = 5") == [("free",)]
    few_changes.approve(held)
    write(few_changes, 5)
    write(few_changes, 6)  # since people have signed, it counts from nothing


def test_rows_deleted_have_a_number_of_their_own(few_changes: Company) -> None:
    few_changes.directly("CREATE TABLE public.notes AS SELECT g AS id FROM generate_series(1, 9) g")
    few_changes.laws.do(databases.add(few_changes.laws.plane, asked(few_changes)))
    few_changes.directly(f"GRANT SELECT, DELETE ON notes TO {role(few_changes)}")
    few_changes.laws.call(lambda: few_changes.laws.plane.databases.changed(few_changes.seat.database))
    few_changes.run("DELETE FROM notes WHERE id = 1")
    few_changes.held("DELETE FROM notes WHERE id = 2")


def role(company: Company) -> str:
    company.run("SELECT 1")
    return company.seat.role


def asked(company: Company, **scope: object) -> dict[str, object]:
    return {
        "name": "saas",
        "value": company.direct,
        "environment": "staging",
        "deleted_rows": 1,
        "changed_rows": 3,
        "share_percent": 1,
        "changed_tables": 1,
        **scope,
    }


def test_a_person_may_allow_a_running_task_more_also_over_a_restart(few_changes: Company) -> None:
    for n in (1, 2, 3):
        write(few_changes, n)
    more(few_changes, changed_rows=2)
    write(few_changes, 4)
    plane = few_changes.laws.plane

    async def anew() -> None:
        plane.databases._done.clear()
        few_changes.seat._place = few_changes.seat._role = None

    few_changes.laws.do(anew())
    write(few_changes, 5)
    few_changes.held("UPDATE users SET plan = 'team' WHERE id = 6")


def test_one_table_too_many_is_a_hold(few_changes: Company) -> None:
    write(few_changes, 1)
    other = few_changes.held("UPDATE cars SET id = id WHERE id = 1")
    more(few_changes, changed_tables=1)
    few_changes.run("UPDATE cars SET id = id WHERE id = 1")
    assert other.id


@pytest.mark.parametrize("limit", ["deleted_rows", "changed_rows", "share_percent", "changed_tables"])
def test_looser_is_signed_for_and_tighter_is_not(few_changes: Company, limit: str) -> None:
    plane = few_changes.laws.plane
    assert "sign" in few_changes.laws.do(databases.add(plane, asked(few_changes, **{limit: 90})))
    assert "sign" in few_changes.laws.do(databases.add(plane, asked(few_changes, **{limit: 0})))
    assert "database" in few_changes.laws.do(databases.add(plane, asked(few_changes)))


def test_the_list_says_what_counts(few_changes: Company) -> None:
    (listed,) = few_changes.laws.do(databases.list_(few_changes.laws.plane, {}))["databases"]
    assert listed["limits"] == {
        "result_mb": 1024,
        "result_rows": 5_000_000,
        "statement_seconds": 30,
        "deleted_rows": 1,
        "changed_rows": 3,
        "share_percent": 1,
        "changed_tables": 1,
    }


@pytest.mark.parametrize("numbers", [{}, {"changed_rows": -1}, {"result_mb": 0}, {"statement_seconds": 9}])
def test_nothing_and_less_than_nothing_are_not_asked_for(few_changes: Company, numbers: dict[str, int]) -> None:
    with pytest.raises(YettError):
        few_changes.laws.do(databases.allow(few_changes.laws.plane, {"name": "saas", **numbers}))
