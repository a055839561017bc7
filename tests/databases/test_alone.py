"""What no transaction takes (VACUUM, CONCURRENTLY): held, signed, run with rights that are lent for it alone."""

from __future__ import annotations

import psycopg
import pytest
from tests.databases.company_of_tests import Company

ROLES = "SELECT rolname FROM pg_roles WHERE rolname ~ '^yett_once_'"
MEMBERS = "SELECT count(*) FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.member WHERE r.rolname ~ '^yett_'"


def nothing_is_left(company: Company) -> bool:
    return company.truth(ROLES) == [] and company.truth(MEMBERS) == [(0,)]


@pytest.mark.parametrize(
    "statement",
    [
        "VACUUM users",
        "VACUUM (FULL, ANALYZE) users, cars",
        "REINDEX TABLE CONCURRENTLY users",
        "REINDEX INDEX CONCURRENTLY users_pkey",
        "CREATE INDEX CONCURRENTLY users_by_name ON users (lower(name))",
    ],
)
@pytest.mark.parametrize("prepare", [False, True])
def test_it_runs_as_signed_and_once(company: Company, statement: str, prepare: bool) -> None:
    before = company.truth("SELECT count(*) FROM users")
    hold = company.held(statement)
    company.approve(hold)
    with company.connect(autocommit=True) as connection:
        cursor = connection.execute(statement, prepare=prepare)
        tag = {"V": "VACUUM", "R": "REINDEX", "C": "CREATE INDEX"}[statement[0]]
        assert cursor.statusmessage == tag
        assert connection.execute("SELECT current_user = session_user").fetchone() == (True,)
    assert company.truth("SELECT count(*) FROM users") == before
    assert nothing_is_left(company)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):  # it was used
        company.run(statement)


def test_what_the_server_says_reaches_the_client(company: Company) -> None:
    company.approve(company.held("VACUUM (VERBOSE) users"))
    heard: list[str] = []
    with company.connect(autocommit=True) as connection:
        connection.add_notice_handler(lambda said: heard.append(f"{said.severity} {said.message_primary}"))
        connection.execute("VACUUM (VERBOSE) users")
    assert any(one.startswith("INFO") and "public.users" in one for one in heard), heard
