"""What goes wrong on Yett's own side of a database, and what an agent notices of it."""

from __future__ import annotations

import time
from typing import Any

import psycopg
import pytest
from tests.databases.company_of_tests import Company

from yett.gateway.databases import lending

ADD = "ALTER TABLE cars ADD COLUMN wheels int"
CUT = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'yett'"
MEMBERS = "SELECT count(*) FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.member WHERE r.rolname ~ '^yett_'"


@pytest.mark.parametrize(
    "statement", ["SELECT 1", "UPDATE cars SET seats = 9 WHERE id = 2", "DELETE FROM bookings WHERE id = 1"]
)
def test_a_cut_of_yetts_own_connections_is_not_noticed(company: Company, statement: str) -> None:
    company.run("UPDATE cars SET seats = 3 WHERE id = 1")
    with company.connect(autocommit=True) as connection:
        for _ in range(2):
            company.directly(CUT)
            time.sleep(1.1)  # the catalog is old by then
            connection.execute(statement)  # type: ignore[call-overload]
    assert company.truth("SELECT seats FROM cars WHERE id = 1") == [(3,)]


def failing(times: int) -> Any:
    real, left = lending.lower, [times]

    async def lower(*given: Any) -> None:
        if left[0]:
            left[0] -= 1
            raise psycopg.OperationalError("cut")
        await real(*given)

    return lower


def approved(company: Company) -> psycopg.Connection[Any]:
    company.approve(company.held(ADD))
    return company.connect(autocommit=True)


def test_lent_rights_are_taken_back_by_another_connection(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    with approved(company) as connection:
        before = company.truth(MEMBERS)
        monkeypatch.setattr(lending, "lower", failing(1))
        connection.execute(ADD)
        assert company.truth(MEMBERS) == before
    assert company.truth("SELECT count(*) FROM pg_attribute WHERE attname = 'wheels'") == [(1,)]


def test_a_session_whose_lent_rights_stay_ends_and_no_other_begins(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    with approved(company) as connection:
        before = company.truth(MEMBERS)
        monkeypatch.setattr(lending, "lower", failing(3))
        with pytest.raises(psycopg.OperationalError, match="could not be taken back"):
            connection.execute(ADD)
        assert connection.closed
    assert company.truth("SELECT count(*) FROM pg_attribute WHERE attname = 'wheels'") == [(0,)]
    assert company.truth(MEMBERS) != before
    with pytest.raises(psycopg.OperationalError, match="cannot be taken back"):
        company.connect()
    assert company.run("SELECT 1") == [(1,)]
    assert company.truth(MEMBERS) == before
