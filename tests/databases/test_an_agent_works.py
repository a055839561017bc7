"""An agent works on a database through the gate: reads pass, writes can be undone, what reaches far waits."""

from __future__ import annotations

import time

import psycopg
import pytest
from tests.databases.company_of_tests import Company

from yett.checkpoint import tally
from yett.daemon.verbs import databases

USERS = "SELECT count(*) FROM users"
BYTES = "SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {} t"


def content(company: Company) -> list[object]:
    tables = ("users", "bookings", "cars", "events", "totals")
    return [company.truth(BYTES.format(table))[0][0] for table in tables]


def test_a_read_passes_and_is_in_the_log(company: Company) -> None:
    assert company.run("SELECT count(*) FROM users") == [(400,)]
    summaries = [entry["body"]["summary"] for entry in company.laws.entries("read")]
    assert any("FROM users" in summary for summary in summaries)


def test_a_read_that_comes_a_hundred_times_is_counted_a_hundred_times(company: Company) -> None:
    with company.connect(autocommit=True) as connection:
        for _ in range(100):
            connection.execute("SELECT name FROM users WHERE id = 7")
    time.sleep(10 * tally.LINGER_S)
    again = [entry["body"].get("again", {}) for entry in company.laws.entries("reads")]
    first = [e for e in company.laws.entries("read") if "WHERE" in e["body"]["summary"]]
    assert len(first) + sum(sum(counts.values()) for counts in again) >= 100


def test_the_agent_is_a_role_of_its_task_that_goes_with_it(company: Company) -> None:
    ((role,),) = company.run("SELECT current_user")
    assert role.startswith("yett_")
    assert role not in ("postgres", "agent")
    company.laws.call(lambda: company.laws.plane.front.close_session(company.session.id))
    company.laws.do(company.seat.close())
    assert company.truth(f"SELECT count(*) FROM pg_roles WHERE rolname = '{role}'") == [(0,)]


def test_only_the_placeholder_opens_the_door(company: Company) -> None:
    for url in (
        company.url.replace("yett_ph_of_these_tests", "wrong"),
        company.url.replace(f"/{company.name}", "/postgres"),
    ):
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(url, connect_timeout=5)


def test_a_small_write_passes_and_comes_back(company: Company) -> None:
    before = content(company)
    company.run("UPDATE users SET plan = 'team' WHERE id = 3")
    assert company.truth("SELECT plan FROM users WHERE id = 3") == [("team",)]
    company.undo()
    assert content(company) == before


def test_a_change_of_rows_that_are_named_reads_no_large_table_as_a_whole(company: Company) -> None:
    scans = "SELECT seq_scan, idx_scan FROM pg_stat_user_tables WHERE relname = 'users'"
    with psycopg.connect(company.direct, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO users (email, name) SELECT g || '@many.example', 'Many' FROM generate_series(1, 30000) g"
        )
        connection.execute("ANALYZE users")
    before = content(company)
    company.run("UPDATE users SET plan = 'team' WHERE id = %s", 3)
    time.sleep(2)  # the server's counts come once a second from a session that does something
    company.run("UPDATE users SET plan = 'team' WHERE id IN (4, 5)")
    ((read, found),) = company.truth(scans)
    for n in (6, 7):
        time.sleep(1.2)
        company.run("UPDATE users SET plan = 'team' WHERE id = %s AND plan <> 'team'", n)
    ((read_since, found_since),) = company.truth(scans)
    assert read_since == read
    assert found_since > found
    for number in reversed(range(len(company.laws.plane.undos.records()))):
        company.undo(number)
    assert content(company) == before


def test_an_insert_is_taken_out_again(company: Company) -> None:
    before = content(company)
    company.run("INSERT INTO users (email, name) VALUES (%s, %s)", "new@example.com", "New")
    assert company.truth(USERS) == [(401,)]
    company.undo()
    assert content(company) == before


def test_a_delete_that_cascades_is_held_with_its_exact_effect_and_comes_back(company: Company) -> None:
    before = content(company)
    hold = company.held("DELETE FROM users WHERE id <= 10")
    assert content(company) == before
    rows = {one["shown"]["table"]: one["shown"] for one in hold.document["rows"]}  # type: ignore[index,union-attr]
    assert rows["public.users"]["deleted"] == 10
    assert rows["public.bookings"]["deleted"] == company.truth("SELECT count(*) FROM bookings WHERE driver <= 10")[0][0]
    assert rows["public.cars"]["updated"] == 10
    company.approve(hold)
    company.run("DELETE FROM users WHERE id <= 10")
    assert company.truth(USERS) == [(390,)]
    company.undo()
    assert content(company) == before


def test_a_mass_update_is_held(company: Company) -> None:
    before = content(company)
    hold = company.held("UPDATE users SET name = 'x'")
    assert "changes 400 of public.users" in str(hold.document["rows"]) or hold.document["rows"]
    assert content(company) == before


def test_an_approval_is_for_these_statements_and_for_once(company: Company) -> None:
    hold = company.held("DELETE FROM users WHERE id <= 10")
    company.approve(hold)
    assert company.held("DELETE FROM users WHERE id <= 11").id != hold.id
    company.run("DELETE FROM users WHERE id <= 10")
    assert company.truth(USERS) == [(390,)]
    company.undo()
    assert company.held("DELETE FROM users WHERE id <= 10").id != hold.id


def test_what_became_more_than_was_signed_for_is_held_anew(company: Company) -> None:
    hold = company.held("DELETE FROM users WHERE plan = 'gold' OR id <= 2")
    company.approve(hold)
    company.truth("UPDATE users SET plan = 'gold' WHERE id > 300 RETURNING 1")
    again = company.held("DELETE FROM users WHERE plan = 'gold' OR id <= 2")
    assert again.id != hold.id
    assert company.truth(USERS) == [(400,)]


def test_a_transaction_of_the_agents_own_is_decided_at_its_commit(company: Company) -> None:
    before = content(company)
    with company.connect() as connection:
        connection.execute("UPDATE users SET name = 'Changed' WHERE id = 1")
        connection.execute("DELETE FROM bookings WHERE driver = 5")
        assert company.truth("SELECT name FROM users WHERE id = 1") == [("User 1",)]
    assert company.truth("SELECT name FROM users WHERE id = 1") == [("Changed",)]
    company.undo()
    assert content(company) == before


def test_a_transaction_that_reaches_too_far_is_rolled_back_at_its_commit_and_held_whole(company: Company) -> None:
    before = content(company)

    def migrate() -> None:
        with company.connect() as connection:
            connection.execute("UPDATE users SET name = 'Changed' WHERE id = 1")
            connection.execute("DELETE FROM users WHERE id BETWEEN 5 AND 9")

    with pytest.raises(psycopg.errors.InsufficientPrivilege) as refused:
        migrate()
    hold = company.hold_of(refused.value)
    assert content(company) == before
    (operation,) = hold.document["operations"]  # type: ignore[misc]
    assert len(operation["parameters"]["statements"]) == 2  # type: ignore[index,call-overload,arg-type]
    company.approve(hold)
    migrate()
    assert company.truth(USERS) == [(395,)]
    company.undo()
    assert content(company) == before


@pytest.mark.parametrize(
    "statement",
    [
        "TRUNCATE bookings",
        "ALTER TABLE users DROP COLUMN plan CASCADE",
        "DROP TABLE bookings",
        "DROP SCHEMA public CASCADE",
    ],
)
def test_what_destroys_objects_waits_for_a_person_leaves_a_dump_and_comes_back(
    company: Company, statement: str
) -> None:
    before = content(company)
    hold = company.held(statement)
    assert content(company) == before
    company.approve(hold)
    company.run(statement)
    with pytest.raises((AssertionError, psycopg.Error)):
        assert content(company) == before
    company.undo()
    assert content(company) == before
    assert company.truth("SELECT has_schema_privilege('public', 'public', 'USAGE')") == [(True,)]


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT pg_read_file('/etc/passwd')",
        "COPY users TO PROGRAM 'cat'",
        "SET standard_conforming_strings = off",
        "SET ROLE postgres",
        "SELECT set_config('standard_conforming_strings', 'off', false)",
        "DO $$ BEGIN EXECUTE 'DELETE FROM ' || 'users'; END $$",
        "SELECT 1; COMMIT; DROP TABLE users",
        "WITH gone AS (DELETE FROM users RETURNING 1) SELECT count(*) FROM gone",
    ],
)
def test_what_is_no_read_does_not_pass_as_one(company: Company, statement: str) -> None:
    before = content(company)
    with pytest.raises(psycopg.Error) as refused:
        company.run(statement)
    assert refused.value.sqlstate in ("42501", "42601"), refused.value
    assert content(company) == before


def test_rows_that_somebody_changed_since_are_not_overwritten(company: Company) -> None:
    from yett.model.errors import YettError

    company.run("UPDATE users SET plan = 'team' WHERE id = 3")
    company.truth("UPDATE users SET plan = 'gold' WHERE id = 3 RETURNING 1")
    with pytest.raises(YettError, match="users"):
        company.undo()
    assert company.truth("SELECT plan FROM users WHERE id = 3") == [("gold",)]


def test_lockdown_ends_open_connections_within_a_second(company: Company) -> None:
    with company.connect(autocommit=True) as connection:
        connection.execute("SELECT 1")
        company.laws.do(company.laws.plane.lockdown.lock("*", "ada", "now"))
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
    with pytest.raises(psycopg.OperationalError):
        company.connect()


def test_nothing_secret_is_in_the_log(company: Company) -> None:
    company.run("UPDATE users SET plan = 'team' WHERE email = 'user3@example.com'")
    logged = str(company.laws.entries())
    assert "user3@example.com" not in logged
    role = company.seat._role
    assert role is not None
    assert role.password.text() not in logged


def test_adding_a_database_says_what_everybody_reaches_in_it(company: Company) -> None:
    with psycopg.connect(company.direct) as connection:
        connection.execute(
            "CREATE FUNCTION reset_all() RETURNS void LANGUAGE sql SECURITY DEFINER AS 'DELETE FROM users'"
        )
        connection.execute("GRANT SELECT ON cars TO PUBLIC")
    plane = company.laws.plane
    said = company.laws.do(databases.add(plane, {"name": "again", "value": company.direct, "environment": "staging"}))
    warnings = " ".join(map(str, said["warnings"]))
    assert "reset_all()" in warnings
    assert "public.cars" in warnings
    assert company.held("SELECT reset_all()").document["decision"]


def test_a_write_that_is_prepared_in_sql_runs_again_and_again(company: Company) -> None:
    with company.connect(autocommit=True) as connection:
        connection.execute("PREPARE promote(bigint) AS UPDATE users SET plan = 'gold' WHERE id = $1")
        for number in (3, 5):
            connection.execute(f"EXECUTE promote({number})")
        connection.execute("DEALLOCATE promote")
        connection.execute("UPDATE users SET plan = 'gold' WHERE id = 7")
        with connection.transaction():
            connection.execute("PREPARE demote AS UPDATE users SET plan = 'free' WHERE id = 7")
            connection.execute("EXECUTE demote")
    assert company.truth("SELECT id FROM users WHERE plan = 'gold' ORDER BY id") == [(3,), (5,)]
