"""What goes wrong on Yett's own side of a database, and what an agent notices of it."""

from __future__ import annotations

import socket
import struct
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


# ---- refused logins


def refusals(company: Company) -> int:
    return sum("a login" in str(entry) for entry in company.laws.entries("refusal"))


def test_a_login_with_a_wrong_password_is_noted(company: Company) -> None:
    alarms = len(company.laws.entries("alarm"))
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        company.connect(password="something else")
    assert refusals(company) == 1
    assert len(company.laws.entries("alarm")) == alarms


@pytest.mark.parametrize("database", ["that is here", "that is not"])
def test_a_login_with_a_real_password_raises_an_alarm(company: Company, database: str) -> None:
    """By its SCRAM proof alone: in clear it is never sent. The client sees what it sees of any other."""
    secret = "kT9v ±Q2x W7mZ4"
    vault = company.laws.plane.databases._vault
    company.laws.call(lambda: vault.put("database/other", "postgres", "password", secret, "own", "ada"))
    for user in ("agent", "whoever"):
        before = len(company.laws.entries("alarm"))
        more = {"dbname": "another"} if database == "that is not" else {}
        with pytest.raises(psycopg.OperationalError, match="password authentication failed") as refused:
            company.connect(user=user, password=secret, **more)
        assert "secret" not in str(refused.value).replace(secret, "")
        assert len(company.laws.entries("alarm")) == before + 1
    assert secret not in str(company.laws.entries())


def test_a_real_password_in_clear_raises_an_alarm(company: Company) -> None:
    secret = "kT9vQ2xW7mZ4pL1sD8fG3hJ6"
    vault = company.laws.plane.databases._vault
    company.laws.call(lambda: vault.put("database/other", "postgres", "password", secret, "own", "ada"))
    before = len(company.laws.entries("alarm"))
    with socket.create_connection(("127.0.0.1", company.port), timeout=10) as client:
        body = b"user\0agent\0database\0" + company.name.encode() + b"\0\0"
        client.sendall(struct.pack("!II", len(body) + 8, 3 << 16) + body)
        assert client.recv(4096)[:1] == b"R"
        client.sendall(b"p" + struct.pack("!I", len(secret) + 5) + secret.encode() + b"\0")
        assert b"28P01" in client.recv(4096)
    assert len(company.laws.entries("alarm")) == before + 1


# ---- names made by SQL


@pytest.mark.parametrize("transaction", [False, True], ids=["autocommit", "BEGIN"])
def test_a_write_that_sql_prepared_runs(company: Company, *, transaction: bool) -> None:
    with company.connect(autocommit=not transaction) as connection:
        connection.execute("PREPARE gone(bigint) AS DELETE FROM bookings WHERE id = $1")
        connection.execute("EXECUTE gone(1)")
        connection.execute("EXECUTE gone(2)")
    assert company.truth("SELECT count(*) FROM bookings WHERE id < 3") == [(0,)]


# ---- what a savepoint took back


def outcomes(company: Company) -> list[str]:
    return [str(entry["body"]["outcome"]) for entry in company.laws.entries("outcome")]


PLAN = "UPDATE users SET plan = 'gold' WHERE id = 1"
WAYS_BACK = {
    "named": (["SAVEPOINT a", ADD, "ROLLBACK TO a"], True),
    "set before the first write": (["SAVEPOINT a", "SAVEPOINT b", ADD, "ROLLBACK TO SAVEPOINT a"], True),
    "of the same name": (
        ["SAVEPOINT a", PLAN, "SAVEPOINT a", ADD, "ROLLBACK TO a"],
        True,
    ),
    "through one released": (
        [PLAN, "SAVEPOINT a", "SAVEPOINT b", ADD, "RELEASE b", "ROLLBACK TO a"],
        True,
    ),
    "behind it": (
        [PLAN, ADD, "SAVEPOINT a", "UPDATE users SET plan = 'free' WHERE id = 2", "ROLLBACK TO a"],
        False,
    ),
    "released": (["SAVEPOINT a", ADD, "RELEASE a"], False),
}


@pytest.mark.parametrize("prepare", [False, True], ids=["Query", "Parse"])
@pytest.mark.parametrize("way", list(WAYS_BACK))
def test_what_a_savepoint_took_back_is_not_recorded_as_done(company: Company, way: str, *, prepare: bool) -> None:
    statements, undone = WAYS_BACK[way]
    company.approve(company.held(ADD))
    before = outcomes(company)
    with company.connect() as connection:
        for statement in statements:
            connection.execute(statement, prepare=prepare)  # type: ignore[call-overload]
    columns = company.truth("SELECT count(*) FROM pg_attribute WHERE attname = 'wheels'")
    assert columns == [(0 if undone else 1,)]
    new = outcomes(company)[len(before) :]
    assert ("refused" in new) is undone, new
    definitions = [record for record in company.laws.plane.undos.records() if "dump" in record.how]
    assert len(definitions) == (0 if undone else 1)


DESTROYED_AGAIN = {
    "dropped": ("DROP TABLE bookings CASCADE", ""),
    "dropped as another left it": ("DROP TABLE bookings CASCADE", "UPDATE bookings SET driver = 5 WHERE id = 1"),
    "emptied": ("TRUNCATE bookings", ""),
    "in part": ("DELETE FROM bookings WHERE id < 3", ""),
}


@pytest.mark.parametrize("prepare", [False, True], ids=["Query", "Parse"])
@pytest.mark.parametrize("again", list(DESTROYED_AGAIN))
def test_what_a_savepoint_gave_free_is_kept_anew_before_it_is_destroyed(
    company: Company, again: str, *, prepare: bool
) -> None:
    """The dump that was made for the first statement, and its lock, went with the savepoint."""
    first, (second, between) = "ALTER TABLE bookings DROP COLUMN car", DESTROYED_AGAIN[again]
    company.approve(company.held(first))
    if again != "in part":
        company.approve(company.held(second))
    with company.connect() as connection:
        for statement in ("SAVEPOINT a", first, "ROLLBACK TO a"):
            connection.execute(statement, prepare=prepare)  # type: ignore[call-overload]
        if between:
            company.directly(between)
        before = company.truth("SELECT * FROM bookings ORDER BY 1")
        connection.execute(second, prepare=prepare)  # type: ignore[call-overload]
    kept = company.laws.plane.undos.records()
    assert len(kept) == 1, kept
    assert company.truth("SELECT to_regclass('bookings')") == [(None,)] or before != company.truth(
        "SELECT * FROM bookings ORDER BY 1"
    )
    company.undo()
    assert company.truth("SELECT * FROM bookings ORDER BY 1") == before
