"""What a person is shown before anything happens, how it was found out, and what the signature covers then."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.databases.company_of_tests import Company

from yett.approvals.hold import Hold
from yett.approvals.reading import read
from yett.approvals.words import describe
from yett.gateway.databases.guarded import trial
from yett.gateway.databases.shown import backups, looking
from yett.gateway.databases.shown.backups import NONE_KNOWN, copies

USERS = "SELECT count(*) FROM users"
BIG = "CREATE TABLE big AS SELECT n AS id, n % 10 AS part FROM generate_series(1, 50000) n; ANALYZE big"
SLOW = "UPDATE users SET name = 'u' || (SELECT count(*) FROM generate_series(1, 4000000))::text"
FEW = "UPDATE pg_class SET reltuples = 10 WHERE relname = '{}'"
LOCKS = """
SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
WHERE a.usename LIKE 'yett\\_%' AND l.locktype <> 'virtualxid'"""


def shown(hold: Hold) -> dict[str, dict[str, Any]]:
    return {one["shown"]["table"]: one["shown"] for one in hold.document["rows"]}  # type: ignore[index,union-attr,call-overload,misc]


def most(hold: Hold) -> dict[str, dict[str, Any]]:
    return {one["most"]["table"]: one["most"] for one in hold.document["rows"]}  # type: ignore[index,union-attr,call-overload,misc]


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """A trial has a fifth of a second."""
    monkeypatch.setattr(trial, "STATEMENT_MS", 200)


@pytest.fixture
def uncounted(monkeypatch: pytest.MonkeyPatch) -> None:
    """No table is small enough to be counted in time."""
    monkeypatch.setattr(looking, "COUNT_S", 0.0)


# ---- exact, or an estimate that says so


def test_a_table_that_is_counted_in_time_is_exact_and_one_that_is_not_is_an_estimate(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    company.directly(BIG)
    exact = shown(company.held("DROP TABLE big"))["public.big"]
    assert (exact["deleted"], exact["estimated"]) == (50_000, False)
    monkeypatch.setattr(looking, "COUNT_S", 0.0)
    hold = company.held("TRUNCATE big")
    guess = shown(hold)["public.big"]
    assert guess["estimated"] is True
    assert 45_000 < guess["deleted"] < 55_000
    assert "about 50,000" in read(hold.document).sentence
    company.approve(hold)
    company.run("TRUNCATE big")
    assert company.truth("SELECT count(*) FROM big") == [(0,)]


def test_a_large_table_takes_no_time_from_a_small_one(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    company.directly("CREATE TABLE huge AS SELECT n AS id FROM generate_series(1, 3000000) n; ANALYZE huge")
    monkeypatch.setattr(looking, "COUNT_S", 0.06)
    hold = company.held("DROP TABLE huge, cars CASCADE")
    assert shown(hold)["public.huge"]["estimated"] is True
    cars = shown(hold)["public.cars"]
    assert (cars["deleted"], cars["estimated"]) == (company.truth("SELECT count(*) FROM cars")[0][0], False)


@pytest.mark.usefixtures("uncounted")
def test_what_an_estimate_was_wrong_about_is_counted_under_lock_and_stops(company: Company) -> None:
    company.directly(BIG)
    company.directly(FEW.format("big"))
    hold = company.held("DROP TABLE big")
    assert most(hold)["public.big"]["deleted"] < 50_000
    company.approve(hold)
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="more than was signed for"):
        company.run("DROP TABLE big")
    assert company.truth("SELECT count(*) FROM big") == [(50_000,)]
    again = company.held("DROP TABLE big")
    assert (shown(again)["public.big"]["deleted"], shown(again)["public.big"]["estimated"]) == (50_000, False)
    company.approve(again)
    company.run("DROP TABLE big")
    assert company.truth("SELECT to_regclass('big')") == [(None,)]


# ---- what cannot be measured in time


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("own", [False, True], ids=["autocommit", "in a transaction of its own"])
def test_a_slow_statement_is_held_with_an_estimate_and_runs_when_people_have_signed(
    company: Company, own: bool
) -> None:
    company.directly("ANALYZE users")

    def send() -> None:
        with company.connect(autocommit=not own) as connection:
            connection.execute(SLOW)

    with pytest.raises(psycopg.errors.InsufficientPrivilege) as refused:
        send()
    hold = company.hold_of(refused.value)
    guess = shown(hold)["public.users"]
    assert guess["estimated"] is True
    assert 300 < guess["updated"] < 500
    assert company.truth("SELECT count(*) FROM users WHERE name = 'u4000000'") == [(0,)]
    company.approve(hold)
    send()
    assert company.truth("SELECT count(*) FROM users WHERE name = 'u4000000'") == [(400,)]
    company.undo()
    assert company.truth("SELECT count(*) FROM users WHERE name = 'u4000000'") == [(0,)]


@pytest.mark.usefixtures("hasty")
def test_more_than_an_estimate_was_signed_for_is_rolled_back_and_asked_about_with_what_was_counted(
    company: Company,
) -> None:
    company.directly("ANALYZE users")
    company.directly(FEW.format("users"))
    hold = company.held(SLOW)
    assert most(hold)["public.users"]["updated"] < 400
    company.approve(hold)
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match=r"400 rows of public\.users are updated"):
        company.run(SLOW)
    assert company.truth("SELECT count(*) FROM users WHERE name = 'u4000000'") == [(0,)]
    again = company.held(SLOW)
    assert (shown(again)["public.users"]["updated"], shown(again)["public.users"]["estimated"]) == (400, False)
    company.approve(again)
    company.run(SLOW)
    assert company.truth("SELECT count(*) FROM users WHERE name = 'u4000000'") == [(400,)]


def test_a_trial_waits_for_nobodys_lock(company: Company) -> None:
    company.run("UPDATE users SET name = 'x' WHERE id = 1")  # the catalog is known
    with psycopg.connect(company.direct) as other:
        other.execute("LOCK TABLE users IN ACCESS EXCLUSIVE MODE")
        began = time.monotonic()
        hold = company.held("UPDATE users SET name = 'x'")
        assert time.monotonic() - began < 4
    assert shown(hold)["public.users"]["estimated"] is True
    company.approve(hold)
    company.run("UPDATE users SET name = 'x'")
    assert company.truth("SELECT count(*) FROM users WHERE name = 'x'") == [(400,)]


def test_a_lock_in_the_way_of_a_write_that_nobody_is_asked_about_is_no_hold(company: Company) -> None:
    with company.connect(autocommit=True) as connection, psycopg.connect(company.direct) as other:
        connection.execute("SET lock_timeout = 300")
        other.execute("SELECT FROM users WHERE id = 1 FOR UPDATE")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            connection.execute("UPDATE users SET name = 'x' WHERE id = 1")


def test_a_transaction_that_was_approved_is_no_trial(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    def send() -> None:
        with company.connect() as connection:
            connection.execute("UPDATE users SET name = 'x' WHERE id = 1")
            connection.execute("UPDATE users SET plan = 'y' || (SELECT count(*) FROM generate_series(1, 300000))::text")

    with pytest.raises(psycopg.errors.InsufficientPrivilege) as refused:
        send()
    hold = company.hold_of(refused.value)
    assert shown(hold)["public.users"]["estimated"] is False
    company.approve(hold)
    monkeypatch.setattr(trial, "STATEMENT_MS", 1)
    send()
    assert company.truth("SELECT count(*) FROM users WHERE plan = 'y300000'") == [(400,)]


# ---- no lock waits for a person


@pytest.mark.parametrize(
    "statements",
    [
        ["DELETE FROM users WHERE id <= 10"],
        ["BEGIN", "UPDATE users SET name = 'x' WHERE id = 1", "DROP TABLE cars"],
        ["BEGIN", "UPDATE users SET name = 'x' WHERE id = 1", "SAVEPOINT s", "DROP TABLE cars"],
        ["BEGIN", "DELETE FROM users WHERE id <= 10", "COMMIT"],
    ],
)
def test_no_lock_of_the_agents_is_left_while_a_person_decides(company: Company, statements: list[str]) -> None:
    with company.connect(autocommit=True) as connection:
        for statement in statements[:-1]:
            connection.execute(statement)
        with pytest.raises(psycopg.errors.InsufficientPrivilege) as refused:
            connection.execute(statements[-1])
        assert company.hold_of(refused.value)
        assert company.truth(LOCKS) == [(0,)]
        if "SAVEPOINT s" in statements:
            with pytest.raises(psycopg.Error):
                connection.execute("ROLLBACK TO s")
        connection.execute("ROLLBACK")
        assert connection.execute(USERS).fetchall() == [(400,)]


# ---- an estimate runs nothing of the agent's


def test_planning_runs_no_function_that_is_not_proven_to_read(company: Company) -> None:
    company.directly(
        "CREATE SEQUENCE ran; GRANT USAGE ON SEQUENCE ran TO PUBLIC;"
        " CREATE FUNCTION f(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS"
        " $$ BEGIN EXECUTE 'SELECT nextval(''ran'')'; RETURN $1; END $$"
    )
    hold = company.held("DELETE FROM users WHERE id = f(1)")
    assert company.truth("SELECT is_called FROM ran") == [(False,)]
    guess = shown(hold)["public.users"]
    assert (guess["estimated"], guess["deleted"]) == (True, 400)
    assert "nobody can read" in read(hold.document).changes[-1]


# ---- many small acts are one large one


def test_a_thousand_rows_by_small_statements_are_a_hold(company: Company) -> None:
    company.directly(BIG)
    company.directly("ALTER TABLE big ADD PRIMARY KEY (id); DELETE FROM big WHERE id > 5000; ANALYZE big")
    with company.connect(autocommit=True) as connection:
        for batch in range(10):
            connection.execute(f"DELETE FROM big WHERE id BETWEEN {batch * 100 + 1} AND {batch * 100 + 100}")
        with pytest.raises(psycopg.errors.InsufficientPrivilege) as refused:
            connection.execute("DELETE FROM big WHERE id = 1001")
        hold = company.hold_of(refused.value)
        assert shown(hold)["public.big"]["before"] == 1_000
        (operation,) = hold.document["operations"]  # type: ignore[misc]
        assert operation["action"] == "postgres:delete.many.beyond"  # type: ignore[index,call-overload]
    databases = company.laws.plane.databases
    databases._done.clear()  # as a daemon that has started anew
    company.seat._place = databases.place(
        company.session, company.seat.database, company.seat.role, company.seat._place.allowance
    )
    assert company.held("DELETE FROM big WHERE id = 1002")
    company.approve(company.held("DELETE FROM big WHERE id = 1001"))
    company.run("DELETE FROM big WHERE id = 1001")
    company.run("DELETE FROM big WHERE id = 1002")
    assert company.truth("SELECT count(*) FROM big") == [(3_998,)]
    databases._done.clear()
    ((oid,),) = company.truth("SELECT 'big'::regclass::oid::int8")
    assert databases._so_far(company.session.task.id, company.seat.database).of(oid).deleted == 1


def test_what_was_rolled_back_does_not_add_up(company: Company) -> None:
    company.directly("CREATE TABLE small AS SELECT n AS id FROM generate_series(1, 90) n")
    with company.connect(autocommit=True) as connection:
        for _ in range(13):
            connection.execute("BEGIN")
            connection.execute("DELETE FROM small WHERE id <= 90")
            connection.execute("ROLLBACK")
        connection.execute("DELETE FROM small WHERE id <= 90")
    assert company.truth("SELECT count(*) FROM small") == [(0,)]


# ---- what would be left


def test_a_hold_says_what_is_known_of_the_databases_backups(
    company: Company, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    touched = read(company.held("TRUNCATE bookings").document).worst
    assert touched.copies[0] == NONE_KNOWN
    assert touched.copies[-1].startswith("Yett's own undo: ")
    assert touched.size != "unknown size"
    (tmp_path / "saas.dump").write_text("rows")
    database = replace(company.seat.database, scope={**company.seat.database.scope, "backup": str(tmp_path)})
    monkeypatch.setattr(backups, "LOOK_S", 30.0)
    (said,) = company.laws.do(copies(company.laws.plane.databases.own(database), database))
    assert f"{tmp_path}/saas.dump, 4 bytes" in said
    data = company.truth("SELECT setting FROM pg_settings WHERE name = 'data_directory'")[0][0]
    assert ("SAME BLAST RADIUS" in said) is (Path(data).stat().st_dev == tmp_path.stat().st_dev)


def test_a_server_that_is_too_slow_to_say_is_not_said_to_be_elsewhere(
    company: Company, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backups, "LOOK_S", 0.0)
    (tmp_path / "saas.dump").write_text("rows")
    database = replace(company.seat.database, scope={**company.seat.database.scope, "backup": str(tmp_path)})
    (said,) = company.laws.do(copies(company.laws.plane.databases.own(database), database))
    assert said.endswith("on the database's own machine: whether on its disk is not known")
    (said,) = company.laws.do(copies(company.laws.plane.databases.own(database), replace(database, host="db.test")))
    assert said.endswith("on this machine, the database on another")


def test_a_hold_shows_its_backups_in_the_terminal_too(company: Company) -> None:
    hold = company.held("DELETE FROM users WHERE id <= 10")
    desk = company.laws.plane.desk
    words = describe(desk.site, hold, desk.clock())
    assert NONE_KNOWN in words
    assert "deletes 10 users, cascades to" in words
    assert "(exact; signed up to 20)" in words
