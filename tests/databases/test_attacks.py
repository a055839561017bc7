"""Ways round the gate, tried one by one: what an agent must not get by any of them."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import struct
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from tests.databases import raw_wire
from tests.databases.company_of_tests import Company

from yett.approvals.hold import Hold
from yett.gateway.databases.seat import Doors, Seat

USERS = "SELECT count(*) FROM users"
ADDRESS = "user3@example.com"
ADD = "ALTER TABLE cars ADD COLUMN wheels int"


def approved(company: Company, *statements: str) -> None:
    """In autocommit, so that the hold is of exactly that."""
    for statement in statements:
        company.approve(company.held(statement))


def held_in(company: Company, answer: bytes) -> Hold:
    found = re.search(rb"h-[0-9a-z]+", answer)
    assert found, answer
    return company.laws.hold(found[0].decode())


def seen(connection: psycopg.Connection[Any], statement: str) -> str:
    """What a client gets to see of it."""
    try:
        return str(connection.execute(statement).fetchall())
    except psycopg.Error as error:
        return str(error)


# ---- the owner's rights, lent for an approved definition


def test_lent_rights_read_nothing_beside_the_definition_in_one_text(masked: Company) -> None:
    text = f"{ADD}; SELECT email FROM users WHERE id = 3"
    with masked.connect(autocommit=True) as connection:
        try:
            connection.execute(text)
        except psycopg.Error as error:
            if "h-" not in str(error):
                return
            masked.approve(masked.hold_of(error))
        assert ADDRESS not in seen(connection, text)


def test_no_savepoint_keeps_the_lent_rights(masked: Company) -> None:
    text = f"{ADD}; SAVEPOINT kept"
    with masked.connect(autocommit=True) as connection:
        connection.execute("BEGIN")
        try:
            connection.execute(text)
        except psycopg.Error as error:
            connection.execute("ROLLBACK")
            if "h-" not in str(error):
                return
            masked.approve(masked.hold_of(error))
        connection.execute("BEGIN")
        connection.execute(text)
        connection.execute("ROLLBACK TO kept")
        assert seen(connection, "SELECT current_user").startswith("[('yett_")
        assert ADDRESS not in seen(connection, "SELECT email FROM users WHERE id = 3")


@pytest.mark.parametrize("between", ["SELECT email FROM users WHERE id = 3", "SAVEPOINT kept"])
@pytest.mark.parametrize("lends", [ADD, "TRUNCATE bookings"])
def test_nothing_runs_with_lent_rights_between_bind_and_execute(masked: Company, lends: str, between: str) -> None:
    approved(masked, lends)
    with masked.connect(autocommit=True, sslmode="disable") as connection:
        connection.execute("BEGIN")
        messages = (
            raw_wire.parse("d", lends),
            raw_wire.parse("r", between),
            raw_wire.bind("d", "d"),
            raw_wire.bind("r", "r"),
            raw_wire.execute("r"),
            raw_wire.SYNC,
        )
        answer = raw_wire.exchange(connection, b"".join(messages))
        answer += raw_wire.exchange(connection, raw_wire.message(b"Q", b"ROLLBACK TO kept\0"))
        answer += raw_wire.exchange(connection, raw_wire.message(b"Q", b"SELECT email FROM users WHERE id = 3\0"))
        assert ADDRESS.encode() not in answer, answer


# ---- what was signed, and what runs


def test_a_prepared_name_is_signed_with_what_stands_behind_it(company: Company) -> None:
    run = raw_wire.message(b"Q", b"EXECUTE gone(10)\0")
    close = raw_wire.message(b"C", b"Sgone\0")
    with company.connect(autocommit=True, sslmode="disable") as connection:
        first = raw_wire.parse("gone", "DELETE FROM users WHERE id <= $1")
        second = raw_wire.parse("gone", "DELETE FROM users WHERE id BETWEEN 11 AND 10 + $1")
        raw_wire.exchange(connection, first + raw_wire.SYNC)
        company.approve(held_in(company, raw_wire.exchange(connection, run)))
        raw_wire.exchange(connection, close + second + raw_wire.SYNC)
        answer = raw_wire.exchange(connection, run)
    assert company.truth("SELECT count(*) FROM users") == [(400,)], answer


def test_bytes_bound_as_a_number_are_not_the_digits_that_were_signed(company: Company) -> None:
    company.directly("INSERT INTO cars (id, plate, seats) VALUES (1111, 'A', 1), (825307441, 'B', 1)")
    company.directly("INSERT INTO bookings (driver, car) VALUES (1, 1111), (1, 825307441)")
    delete = "DELETE FROM cars WHERE id = $1"

    def send(connection: psycopg.Connection[Any], *, binary: bool) -> bytes:
        messages = (
            raw_wire.parse("", delete),
            raw_wire.bind("", "", b"1111", binary=binary),
            raw_wire.execute(""),
            raw_wire.SYNC,
        )
        return raw_wire.exchange(connection, b"".join(messages))

    with company.connect(autocommit=True, sslmode="disable") as connection:
        company.approve(held_in(company, send(connection, binary=False)))
        assert b"h-" in send(connection, binary=True)
    assert company.truth("SELECT id FROM cars WHERE id > 1000 ORDER BY 1") == [(1111,), (825307441,)]
    assert struct.pack("!I", 825307441) == b"1111"


# ---- a catalog of its own: what a transaction defined, nobody else sees


def test_a_function_that_the_transaction_made_worse_deletes_nothing_unasked(company: Company) -> None:
    company.directly("CREATE FUNCTION fine() RETURNS int LANGUAGE sql AS 'SELECT 1'")
    worse = "CREATE OR REPLACE FUNCTION fine() RETURNS int LANGUAGE sql AS 'DELETE FROM users RETURNING 1'"
    assert company.run("SELECT fine()") == [(1,)]
    approved(company, worse)
    with company.connect(autocommit=True) as connection:
        connection.execute("BEGIN")
        connection.execute(worse)
        try:
            connection.execute("SELECT fine()")
            with pytest.raises(psycopg.Error) as refused:
                connection.execute("COMMIT")
            assert "h-" in str(refused.value)
        except psycopg.Error:
            pass
    assert company.truth("SELECT count(*) FROM users") == [(400,)]


def test_a_task_that_is_over_commits_nothing(company: Company) -> None:
    approved(company, ADD)
    connection = company.connect(autocommit=True)
    connection.execute("BEGIN")
    connection.execute(ADD)
    company.laws.clock.advance(7200)
    with pytest.raises(psycopg.Error, match="the task has ended"):
        connection.execute("COMMIT")
    connection.close()
    assert company.truth("SELECT count(*) FROM pg_attribute WHERE attname = 'wheels'") == [(0,)]


def test_what_was_read_against_an_old_catalog_is_read_again(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a long text is read, somebody redefines what it calls."""
    company.directly("CREATE FUNCTION fine() RETURNS int LANGUAGE sql AS 'SELECT 1'")
    assert company.run("SELECT fine()") == [(1,)]
    place = company.seat._place
    assert place is not None
    worse = "CREATE OR REPLACE FUNCTION fine() RETURNS int LANGUAGE sql AS 'DELETE FROM users RETURNING 1'"
    known, slept = place.cache.classify, []

    async def slow(*given: Any) -> Any:
        statements = await known(*given)
        if not slept:
            slept.append(1)
            await asyncio.to_thread(company.directly, worse)
            place.catalogs.defined()
        return statements

    monkeypatch.setattr(place.cache, "classify", slow)
    company.held(f"SELECT fine(), '{'long' * 5000}'")
    assert slept
    assert company.truth(USERS) == [(400,)]


# ---- much, in many small pieces


def test_many_small_deletes_use_up_the_budget_of_rows(company: Company) -> None:
    state = company.laws.checkpoint.state(company.session.id)
    assert state is not None
    company.laws.call(lambda: setattr(state, "limit", replace(state.limit, rows=40)))
    held = 0
    with company.connect(autocommit=True) as connection:
        for n in range(12):
            try:
                connection.execute(f"DELETE FROM bookings WHERE id BETWEEN {10 * n + 1} AND {10 * n + 10}")
            except psycopg.errors.InsufficientPrivilege:
                held += 1
    assert held == 8
    assert company.truth("SELECT count(*) FROM bookings") == [(3960,)]


def test_connections_at_once_do_not_spend_the_budget_twice(company: Company) -> None:
    state = company.laws.checkpoint.state(company.session.id)
    assert state is not None
    company.laws.call(lambda: setattr(state, "limit", replace(state.limit, rows=40)))

    def delete(n: int) -> None:
        with contextlib.suppress(psycopg.errors.InsufficientPrivilege):
            company.run(f"DELETE FROM bookings WHERE id BETWEEN {10 * n + 1} AND {10 * n + 10}")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(delete, range(8)))
    assert company.truth("SELECT count(*) FROM bookings")[0][0] >= 3960


def test_a_huge_insert_is_over_the_budget(company: Company) -> None:
    company.held("INSERT INTO cars (plate, seats) SELECT 'x', 1 FROM generate_series(1, 100001)")
    assert company.truth("SELECT count(*) FROM cars") == [(60,)]


def test_a_flood_of_holds_ends(company: Company) -> None:
    refused = ""
    with company.connect(autocommit=True) as connection:
        for n in range(300):
            with pytest.raises(psycopg.Error) as one:
                connection.execute(f"DELETE FROM users WHERE id <= {20 + n}")
            refused = str(one.value)
            if "h-" not in refused:
                break
    assert "h-" not in refused, n
    assert company.truth(USERS) == [(400,)]


# ---- writes that look like others


def test_rows_whose_keys_changed_come_back(company: Company) -> None:
    before = company.truth("SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM cars t")
    company.directly("DELETE FROM bookings WHERE car = 60")
    company.run("UPDATE cars SET id = 9000 + id WHERE id = 60")
    company.undo()
    assert company.truth("SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM cars t") == before


def test_writes_through_a_view_and_a_partitioned_table_are_measured(company: Company) -> None:
    company.held("DELETE FROM events WHERE at < '2025-12-01'")
    company.run("UPDATE events SET at = at + interval '1 year' WHERE at = (SELECT min(at) FROM events)")
    company.undo()
    assert company.truth("SELECT count(*) FROM events_old") == company.truth(
        "SELECT count(*) FROM events WHERE at < '2026-01-01'"
    )


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TEMP TABLE users (id int)",
        "SET search_path = pg_temp, public",
        "SET session_replication_role = replica",
        "SELECT set_config('search_path', 'pg_temp', false)",
        "ALTER ROLE CURRENT_USER SET synchronous_commit = off",
        "SELECT set_config('statement_timeout', '0', false)",
        "SET SESSION AUTHORIZATION postgres",
        "PREPARE TRANSACTION 'x'",
        "NOTIFY everybody, 'go'",
        "SELECT pg_notify('everybody', 'go')",
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity",
        "SELECT lo_unlink(1)",
        "SELECT setval('cars_id_seq', 1)",
        "GRANT ALL ON users TO PUBLIC",
        "COPY users TO '/tmp/x'",
        "SELECT * FROM pg_authid",
        "CREATE EXTENSION dblink",
        "EXPLAIN ANALYZE DELETE FROM users",
        "VACUUM users",
        "VACUUM FULL users",
        "LOCK TABLE users",
        "CHECKPOINT",
        "ANALYZE",
        "DROP VIEW paying",
        "DROP INDEX bookings_driver",
        "CREATE INDEX CONCURRENTLY ON users (plan)",
        "REINDEX TABLE CONCURRENTLY users",
        "ALTER TABLE bookings DROP CONSTRAINT bookings_driver_fkey",
        "ALTER TABLE events DETACH PARTITION events_old",
        "ALTER TABLE users ALTER COLUMN plan DROP DEFAULT",
        "DELETE FROM cars WHERE id = opaque(1)",
        "UPDATE cars SET seats = opaque(1) WHERE id = 1",
        "INSERT INTO cars (plate, seats) VALUES ('x', opaque(1))",
        "SELECT opaque(1)",
        "DECLARE c CURSOR WITH HOLD FOR SELECT lo_unlink(1)",
    ],
)
def test_what_changes_the_meaning_or_reaches_beyond_never_just_passes(company: Company, statement: str) -> None:
    company.directly(
        "CREATE FUNCTION opaque(int) RETURNS int LANGUAGE plpgsql AS"
        " $$ BEGIN EXECUTE 'DELETE FROM users WHERE id = ' || $1; RETURN $1; END $$"
    )
    with pytest.raises(psycopg.Error) as refused:
        company.run(statement)
    assert refused.value.sqlstate in ("42501", "42601", "0A000"), refused.value
    assert "yett" in str(refused.value)


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT email FROM users",
        "SELECT users FROM users",
        "SELECT row_to_json(u) FROM users u",
        "SELECT count(*) FROM users WHERE email LIKE 'user3@%'",
        "COPY users TO STDOUT",
        "COPY (SELECT email FROM users) TO STDOUT",
        "UPDATE users SET plan = plan WHERE id = 3 RETURNING email",
        "UPDATE users SET name = email WHERE id = 3 RETURNING name",
        "DELETE FROM users WHERE id = 3 RETURNING *",
        "SELECT most_common_vals FROM pg_stats WHERE attname = 'email'",
        "SELECT histogram_bounds FROM pg_stats WHERE attname = 'email'",
        "SELECT email FROM contacts",
        "SELECT * FROM contacts",
        "SELECT lookup(3)",
        "SELECT query_to_xml('SELECT email FROM users', true, true, '')",
        "SELECT table_to_xml('users', true, true, '')",
        "INSERT INTO users (email, name) SELECT email || 'x', 'y' FROM users RETURNING email",
        "INSERT INTO users (email, name) VALUES ('user3@example.com', 'y') ON CONFLICT (email) DO UPDATE SET"
        " name = users.email RETURNING name",
    ],
)
def test_a_masked_column_comes_out_by_no_expression(masked: Company, statement: str) -> None:
    masked.directly("CREATE VIEW contacts AS SELECT id, email FROM users; ANALYZE users")
    masked.directly(
        "CREATE FUNCTION lookup(bigint) RETURNS text SECURITY DEFINER LANGUAGE sql AS"
        " 'SELECT email FROM users WHERE id = $1'"
    )
    with masked.connect(autocommit=True) as connection:
        try:
            if statement.startswith("COPY"):
                with connection.cursor().copy(statement) as copy:
                    found = b"".join(copy).decode()
            else:
                found = str(connection.execute(statement).fetchall())
        except psycopg.Error as error:
            found = str(error)
    assert "@example.com" not in found.replace("user3@example.com) already", ""), found


# ---- other places, other sessions, other moments


def seat_for(company: Company, **session: Any) -> tuple[Company, Seat]:
    """The same database for another session, behind a door of its own."""
    laws = company.laws
    plane = laws.plane
    made = laws.session(session.pop("environment", "staging"), **session)
    seat = Seat(plane.databases, made, plane.databases.named("saas"), {"": "yett_ph_of_another"})
    listener = socket.create_server(("127.0.0.1", 0), backlog=8)
    laws.call(lambda: plane.front.listen(made.id, listener, Doors([seat])))
    return replace(company, port=int(listener.getsockname()[1]), session=made, seat=seat), seat


def test_the_placeholder_of_one_session_opens_no_other(company: Company) -> None:
    other, seat = seat_for(company)
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        other.run("SELECT 1")
    assert not seat.role


def test_a_database_whose_place_nobody_signed_is_not_even_read(company: Company) -> None:
    other, seat = seat_for(company, environment="production")
    other_url = other.url.replace("yett_ph_of_these_tests", "yett_ph_of_another")
    try:
        with pytest.raises(psycopg.OperationalError) as refused:
            psycopg.connect(other_url, connect_timeout=10).execute("SELECT 1")
        assert "yett" in str(refused.value)
    finally:
        company.laws.do(seat.close())


def test_observing_still_leaves_an_undo_and_stops_what_destroys(company: Company) -> None:
    other, seat = seat_for(company, observe=True)
    other_url = other.url.replace("yett_ph_of_these_tests", "yett_ph_of_another")
    before = company.truth("SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM users t")
    try:
        with psycopg.connect(other_url, autocommit=True) as connection:
            with pytest.raises(psycopg.Error, match="h-"):
                connection.execute("DROP TABLE bookings")
            with pytest.raises(psycopg.Error, match="h-"):
                connection.execute("TRUNCATE users CASCADE")
            connection.execute("DELETE FROM users WHERE id <= 10")
        assert company.truth(USERS) == [(390,)]
        company.undo()
        assert company.truth("SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM users t") == before
    finally:
        company.laws.do(seat.close())


def test_another_database_at_the_same_address_gets_nothing(company: Company) -> None:
    company.run("SELECT 1")
    server = company.direct.rpartition("/")[0] + "/postgres"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{company.name}" WITH (FORCE)')
        connection.execute(f'CREATE DATABASE "{company.name}"')
    time.sleep(1.1)  # a catalog may be a second old
    company.directly("CREATE TABLE users (id int); INSERT INTO users VALUES (1); GRANT ALL ON users TO PUBLIC")
    for statement in ("SELECT count(*) FROM users", "DELETE FROM users"):
        with pytest.raises(psycopg.Error, match="yett"):
            company.run(statement)
    assert company.truth(USERS) == [(1,)]


def test_lockdown_between_the_measure_and_the_commit(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last look at the gate is inside the intent's own step; what comes later ends the connection."""
    from yett.gateway.databases.undos.undo import Capturing

    capture, plane = Capturing.capture, company.laws.plane

    async def locked(self: Capturing, hold: str) -> Any:
        made = await capture(self, hold)
        await plane.lockdown.lock("*", "ada", "now")
        return made

    monkeypatch.setattr(Capturing, "capture", locked)
    with pytest.raises(psycopg.Error):
        company.run("DELETE FROM bookings WHERE id <= 3")
    assert company.truth("SELECT count(*) FROM bookings") == [(4000,)]


def test_the_lease_ends_between_the_measure_and_the_commit(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    from yett.gateway.databases.undos.undo import Capturing

    capture = Capturing.capture

    async def revoked(self: Capturing, hold: str) -> Any:
        made = await capture(self, hold)
        await company.seat.close()
        return made

    monkeypatch.setattr(Capturing, "capture", revoked)
    with pytest.raises(psycopg.Error):
        company.run("DELETE FROM bookings WHERE id <= 3")
    assert company.truth("SELECT count(*) FROM bookings") == [(4000,)]


def test_without_yetts_own_connections_nothing_is_final(company: Company) -> None:
    company.run("UPDATE cars SET seats = 3 WHERE id = 1")
    before = len(company.laws.plane.undos.records())
    for n in range(4):
        company.directly("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'yett'")
        with contextlib.suppress(psycopg.Error):
            company.run(f"UPDATE cars SET seats = 9 WHERE id = {2 + n}")
    changed = company.truth("SELECT count(*) FROM cars WHERE seats = 9")[0][0]
    assert changed == len(company.laws.plane.undos.records()) - before
    time.sleep(1.1)
    company.run("SELECT 1")
    company.run("UPDATE cars SET seats = 9 WHERE id = 40")
    assert company.truth("SELECT seats FROM cars WHERE id = 40") == [(9,)]


def test_the_end_of_the_client_at_every_moment_of_a_write_leaves_all_or_nothing(company: Company) -> None:
    for n in range(12):
        connection = company.connect(autocommit=True, sslmode="disable")
        connection.pgconn.send_query(f"UPDATE cars SET seats = 77 WHERE id = {n + 1}".encode())
        time.sleep(0.006 * n)
        connection.pgconn.finish()
    time.sleep(1)
    changed = company.truth("SELECT count(*) FROM cars WHERE seats = 77")[0][0]
    undos = company.laws.plane.undos
    deadline = time.monotonic() + 10
    while (certain := sum(one.became == "committed" for one in undos.all())) != changed:
        assert time.monotonic() < deadline, f"{changed} rows changed, {certain} undos count"
        time.sleep(0.1)


# ---- hostile text, secrets


def test_names_that_are_hostile_text_reach_no_log_line_or_list_as_such(company: Company) -> None:
    name = "evil\x1b[2J\u202egone\r\nyett: all is well"
    company.directly(f'CREATE TABLE "{name}" (id int PRIMARY KEY, "c\x1b[1m" text)')
    company.directly(f'INSERT INTO "{name}" VALUES (1, null)')
    company.laws.do(company.seat.close())
    other, seat = seat_for(company)
    try:
        with psycopg.connect(other.url.replace("yett_ph_of_these_tests", "yett_ph_of_another"), autocommit=True) as one:
            one.execute(f'DELETE FROM "{name}"')
    except psycopg.Error:
        pass
    shown = runner_output(company)
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    company.laws.do(seat.close())


def runner_output(company: Company) -> str:
    from yett.approvals.hostile import visible

    return "".join(str(visible(str(record))) for record in company.laws.plane.undos.records())


def test_yetts_own_password_in_a_statement_is_refused_with_an_alarm(company: Company) -> None:
    secret = "kT9vQ2xW7mZ4pL1sD8fG3hJ6"
    company.laws.call(
        lambda: company.laws.plane.databases.keep_login(
            "database/other", f"postgresql://own:{secret}@127.0.0.1:1/x", "ada", "staging"
        )
    )
    before = len(company.laws.entries("alarm"))
    for statement in (f"SELECT '{secret}'", f"INSERT INTO cars (plate, seats) VALUES ('{secret}', 1)"):
        with pytest.raises(psycopg.Error):
            company.run(statement)
    with pytest.raises(psycopg.Error):
        company.run("INSERT INTO cars (plate, seats) VALUES (%s, 1)", secret)
    assert len(company.laws.entries("alarm")) >= before + 3
    assert secret not in str(company.laws.entries())
    assert company.truth("SELECT count(*) FROM cars") == [(60,)]
