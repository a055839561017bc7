"""What an agent sends beside its texts: rows of a COPY, bound values. Watched like the texts, and signed with them."""

from __future__ import annotations

import base64
import re
import struct
import time
from typing import Any

import psycopg
import pytest
from tests.databases import raw_wire
from tests.databases.company_of_tests import Company

from yett.approvals.hold import Hold
from yett.approvals.reading import read

SECRET = "kT9vQ2xW7mZ4pL1sD8fG3hJ6"
CARS, USERS = "SELECT count(*) FROM cars", "SELECT count(*) FROM users"
COPY = "COPY cars (plate, seats) FROM STDIN"


@pytest.fixture
def knowing(company: Company) -> Company:
    """The vault holds a password of Yett's own."""
    keep(company, SECRET)
    return company


def keep(company: Company, secret: str) -> None:
    vault = company.laws.plane.databases._vault
    company.laws.call(lambda: vault.put("database/other", "postgres", "password", secret, "own", "ada"))


def alarms(company: Company) -> int:
    return len(company.laws.entries("alarm"))


def copy(connection: psycopg.Connection[Any], *pieces: bytes, how: str = COPY) -> None:
    with connection.cursor().copy(how) as rows:
        for piece in pieces:
            rows.write(piece)


def copied(company: Company, *pieces: bytes, how: str = COPY) -> None:
    with company.connect(autocommit=True) as connection:
        copy(connection, *pieces, how=how)


# ---- rows are watched


@pytest.mark.parametrize(
    ("how", "value"),
    [
        (COPY, f"{SECRET}\t1\n".encode()),
        (COPY, f"see {SECRET} here\t1\n".encode()),
        (f"{COPY} (FORMAT csv)", f'"a ""name"", {SECRET}",1\n'.encode()),
        (COPY, base64.b64encode(f"xx{SECRET}".encode()) + b"\t1\n"),
        (COPY, SECRET.encode().hex().upper().encode() + b"\t1\n"),
        (
            f"{COPY} (FORMAT binary)",
            b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0\0\2\0\0\0\x18" + SECRET.encode() + b"\0\0\0\4\0\0\0\1\xff\xff",
        ),
    ],
    ids=["text", "within text", "csv", "base64", "hex", "binary"],
)
def test_a_secret_in_the_rows_of_a_copy_is_refused_with_an_alarm(knowing: Company, how: str, value: bytes) -> None:
    before = alarms(knowing)
    with knowing.connect(autocommit=True) as connection:
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="secret that Yett knows"):
            copy(connection, value, how=how)
        copy(connection, b"A 1\t4\n")
    assert knowing.truth(CARS) == [(61,)]
    assert alarms(knowing) == before + 1
    assert SECRET not in str(knowing.laws.entries())


@pytest.mark.parametrize(
    ("secret", "row"),
    [
        ('pa"ss\\word/of/many$kinds', b'pa"ss\\\\word/of/many$kinds\t1\n'),
        (
            "a value of\ntwo lines/and more",
            b"a value of\\ntwo lines/and more\t1\n",
        ),
        ('pa"ss\\word/of/many$kinds', b'{"k": "pa\\\\"ss\\\\\\\\word/of/many$kinds"}\t1\n'),
    ],
    ids=["backslash", "lines", "json"],
)
def test_a_secret_that_copy_writes_with_escapes_is_found(company: Company, secret: str, row: bytes) -> None:
    keep(company, secret)
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="secret that Yett knows"):
        copied(company, row)
    assert company.truth(CARS) == [(60,)]


def test_a_secret_with_quotes_is_found_in_csv(company: Company) -> None:
    keep(company, 'pa"ss"word of many "kinds"')
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="secret that Yett knows"):
        copied(company, b'"pa""ss""word of many ""kinds""",1\n', how=f"{COPY} (FORMAT csv)")
    assert company.truth(CARS) == [(60,)]


def test_a_secret_in_the_rows_of_a_transaction_takes_all_of_it_back(knowing: Company) -> None:
    with knowing.connect() as connection:
        connection.execute("UPDATE cars SET seats = 7 WHERE id = 1")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            copy(connection, f"{SECRET}\t1\n".encode())
        with pytest.raises(psycopg.errors.InFailedSqlTransaction):
            connection.execute("SELECT 1")
        connection.rollback()
    assert knowing.truth("SELECT count(*) FROM cars WHERE seats = 7 AND id = 1") == [(0,)]
    assert knowing.truth(CARS) == [(60,)]


@pytest.mark.parametrize("extended", [False, True], ids=["Query", "Parse"])
@pytest.mark.parametrize("cut", [1, 7, 23])
def test_a_secret_across_messages_and_packets_is_found(knowing: Company, cut: int, *, extended: bool) -> None:
    before = alarms(knowing)
    row = f"{SECRET}\t1\n".encode()
    pieces = [b"A 1\t4\n" * 2000, *(row[n : n + cut] for n in range(0, len(row), cut))]
    said = raw_wire.message(b"Q", COPY.encode() + b"\0")
    if extended:
        said = raw_wire.parse("", COPY) + raw_wire.bind("", "") + raw_wire.execute("")
    rows = b"".join(raw_wire.message(b"d", piece) for piece in pieces) + raw_wire.message(b"c", b"")
    half = len(rows) - len(row) - 5 * len(pieces) // 2
    with knowing.connect(autocommit=True, sslmode="disable") as connection:
        answer = raw_wire.exchange(connection, said + rows[:half] + rows[half:] + (raw_wire.SYNC if extended else b""))
        assert b"secret that Yett knows" in answer, answer
        assert connection.execute("SELECT 1").fetchall() == [(1,)]
    assert knowing.truth(CARS) == [(60,)]
    assert alarms(knowing) == before + 1


# ---- rows are signed


GONE = "DELETE FROM users WHERE id <= 10"
"""It takes bookings with it, which a person has to be asked about."""


def test_other_rows_are_another_act_than_those_that_were_approved(company: Company) -> None:
    rows = b"".join(b"A %d\t4\n" % n for n in range(1200))

    def send(*pieces: bytes) -> None:
        with company.connect() as connection:
            connection.execute(GONE)
            copy(connection, *pieces)

    with pytest.raises(psycopg.errors.InsufficientPrivilege) as refused:
        send(rows)
    company.approve(company.hold_of(refused.value))
    with pytest.raises(psycopg.errors.InsufficientPrivilege) as refused:
        send(rows.replace(b"A 7\t4\n", b"A 7\t9\n"))
    assert company.hold_of(refused.value).state == "waiting"
    assert company.truth(CARS) == [(60,)]
    send(rows[:5000], rows[5000:])  # cut in another place they are the same
    assert company.truth(CARS) == [(1260,)]


def test_two_copies_in_one_text_are_signed_each_with_its_own_rows(company: Company) -> None:
    text = raw_wire.message(b"Q", f"{GONE}; {COPY}; {COPY}".encode() + b"\0")

    def send(connection: psycopg.Connection[Any], *given: bytes) -> bytes:
        rows = (raw_wire.message(b"d", one) + raw_wire.message(b"c", b"") for one in given)
        return raw_wire.exchange(connection, text + b"".join(rows))

    many, few = b"".join(b"A %d\t4\n" % n for n in range(1200)), b"B 1\t4\n"
    with company.connect(autocommit=True, sslmode="disable") as connection:
        company.approve(held_in(company, send(connection, many, few)))
        assert b"h-" in send(connection, few, many)
        send(connection, many, few)
    assert company.truth(CARS) == [(1261,)]


def held_in(company: Company, answer: bytes) -> Hold:
    found = re.search(rb"h-[0-9a-z]+", answer)
    assert found, answer
    return company.laws.hold(found[0].decode())


# ---- bound values are watched, also those of reads


@pytest.mark.parametrize("binary", [False, True], ids=["text", "binary"])
@pytest.mark.parametrize("sql", ["SELECT $1", "SELECT $1::text", "INSERT INTO cars (plate, seats) VALUES ($1, 1)"])
def test_a_secret_that_is_bound_is_refused_with_an_alarm(knowing: Company, sql: str, *, binary: bool) -> None:
    before = alarms(knowing)

    def send(connection: psycopg.Connection[Any], value: bytes) -> bytes:
        messages = raw_wire.bind("", "s", value, binary=binary) + raw_wire.execute("") + raw_wire.SYNC
        return raw_wire.exchange(connection, messages)

    with knowing.connect(autocommit=True, sslmode="disable") as connection:
        raw_wire.exchange(connection, raw_wire.parse("s", sql) + raw_wire.SYNC)
        for harmless in (b"a", b"a longer one than any short secret"):
            assert b"42501" not in send(connection, harmless)
        for n in range(3):
            assert b"42501" in send(connection, b"x" * n + SECRET.encode())
        assert connection.execute("SELECT 2").fetchall() == [(2,)]
    assert alarms(knowing) == before + 3
    assert knowing.truth(f"SELECT count(*) FROM cars WHERE plate LIKE '%{SECRET}'") == [(0,)]


def test_a_secret_among_many_short_values_is_found(knowing: Company) -> None:
    with knowing.connect(autocommit=True) as connection:
        sql = "SELECT " + ", ".join(["%s::text"] * 40)
        values = [str(n) for n in range(40)]
        for _ in range(3):
            connection.execute(sql, values, prepare=True)
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="secret that Yett knows"):
            connection.execute(sql, [*values[:-1], SECRET], prepare=True)


def test_a_secret_in_the_settings_of_a_connection_is_refused(knowing: Company) -> None:
    with pytest.raises(psycopg.OperationalError, match="secret that Yett knows"):
        knowing.connect(application_name=f"app {SECRET}")


# ---- declared types are signed

BY_LENGTH = "DELETE FROM users WHERE id <= length($1)"


def declared(name: str, sql: str, *types: int) -> bytes:
    body = name.encode() + b"\0" + sql.encode() + b"\0" + struct.pack(f"!h{len(types)}I", len(types), *types)
    return raw_wire.message(b"P", body)


def test_a_parameter_of_another_type_is_another_act(company: Company) -> None:
    text, bytea = 25, 17
    value = r"\x00112233445566778899"

    def send(connection: psycopg.Connection[Any], kind: int) -> bytes:
        messages = declared("", BY_LENGTH, kind), raw_wire.bind("", "", value.encode()), raw_wire.execute("")
        return raw_wire.exchange(connection, b"".join(messages) + raw_wire.SYNC)

    with company.connect(autocommit=True, sslmode="disable") as connection:
        send(connection, bytea)  # what stood behind the empty name before is no part of what is signed
        company.approve(held_in(company, send(connection, text)))
        assert b"h-" in send(connection, bytea)
        assert company.truth(USERS) == [(400,)]
        assert b"h-" not in send(connection, text)
    assert company.truth(USERS) == [(400 - len(value),)]


def test_the_types_behind_a_name_are_a_part_of_what_executes_it(company: Company) -> None:
    text, bytea = 25, 17
    run = raw_wire.message(b"Q", rb"EXECUTE gone('\x00112233445566778899')" + b"\0")
    close = raw_wire.message(b"C", b"Sgone\0")
    with company.connect(autocommit=True, sslmode="disable") as connection:
        raw_wire.exchange(connection, declared("gone", BY_LENGTH, text) + raw_wire.SYNC)
        company.approve(held_in(company, raw_wire.exchange(connection, run)))
        raw_wire.exchange(connection, close + declared("gone", BY_LENGTH, bytea) + raw_wire.SYNC)
        assert b"h-" in raw_wire.exchange(connection, run)
        raw_wire.exchange(connection, close + declared("gone", BY_LENGTH, text) + raw_wire.SYNC)
        assert b"h-" not in raw_wire.exchange(connection, run)
    assert company.truth(USERS) == [(378,)]


EMPTYING = """
CREATE FUNCTION emptied(int) RETURNS bool LANGUAGE plpgsql AS 'BEGIN DELETE FROM public.cars; RETURN true; END';
CREATE DOMAIN emptying AS int CHECK (emptied(VALUE));
GRANT USAGE ON TYPE emptying TO PUBLIC;
"""


@pytest.mark.parametrize("sql", ["SELECT 1", "SELECT 1;", "SELECT 1 -- ", "", "SHOW work_mem", "BEGIN"])
def test_a_value_of_a_declared_domain_is_checked_before_the_text_runs_and_counts(company: Company, sql: str) -> None:
    with psycopg.connect(company.direct, autocommit=True) as connection:
        connection.execute(EMPTYING)
    ((domain,),) = company.truth("SELECT 'emptying'::regtype::oid::int8")
    before = company.truth(CARS)
    for name in ("", "kept"):
        messages = declared(name, sql, domain), raw_wire.bind("", name, b"3"), raw_wire.execute("")
        with company.connect(autocommit=True, sslmode="disable") as connection:
            connection.execute("SELECT 1")
            raw_wire.exchange(connection, b"".join(messages) + raw_wire.SYNC)
            raw_wire.exchange(connection, declared("by_name", sql, domain) + raw_wire.SYNC)
            raw_wire.exchange(connection, raw_wire.message(b"Q", b"EXECUTE by_name(3)\0"))
        assert company.truth(CARS) == before


# ---- settings of the session are signed

BY_DATE = "DELETE FROM users WHERE id <= CASE WHEN date '01/02/2026' < '2026-01-15' THEN 10 ELSE 9 END"


@pytest.mark.parametrize("how", ["SET", "startup", "set_config", "SET LOCAL"])
def test_another_datestyle_is_another_act(company: Company, how: str) -> None:
    def send(style: str) -> str:
        options = f"-c datestyle=ISO,{style}" if how == "startup" else ""
        with company.connect(autocommit=True, options=options) as connection:
            if how == "SET":
                connection.execute(f"SET datestyle = ISO, {style}")
            elif how == "set_config":
                connection.execute("SELECT set_config('DateStyle', %s, false)", [f"ISO, {style}"])
            try:
                with connection.transaction():
                    if how == "SET LOCAL":
                        connection.execute(f"SET LOCAL datestyle TO ISO, {style}")
                    connection.execute(BY_DATE)
            except psycopg.errors.InsufficientPrivilege as refused:
                return company.hold_of(refused).id
            return ""

    hold = company.laws.hold(send("MDY"))
    company.approve(hold)
    other = company.laws.hold(send("DMY"))
    assert other.digest != hold.digest
    (shown,) = read(other.document).statements
    assert shown == f"{BY_DATE}\n-- where DateStyle=ISO, DMY"
    assert company.truth(USERS) == [(400,)]
    assert send("MDY") == ""
    assert company.truth(USERS) == [(390,)]


def test_what_a_client_sets_at_every_login_is_no_other_act(company: Company) -> None:
    def send(more: str) -> None:
        with company.connect(autocommit=True, application_name=more) as connection:
            connection.execute("SET client_min_messages = warning")
            connection.execute(f"SET work_mem = '{len(more)}MB'")
            connection.execute(GONE)

    with pytest.raises(psycopg.errors.InsufficientPrivilege) as refused:
        send("one")
    company.approve(company.hold_of(refused.value))
    send("another")
    assert company.truth(USERS) == [(390,)]


# ---- rows that nobody could sign before they act

DYNAMIC = """
CREATE FUNCTION dynamic() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN EXECUTE NEW.plate; RETURN NEW; END $$;
CREATE TRIGGER dynamic BEFORE INSERT ON cars FOR EACH ROW EXECUTE FUNCTION dynamic()"""


@pytest.mark.parametrize("how", [COPY, f"{COPY} (FORMAT csv)", f"BEGIN; {COPY}; COMMIT"])
def test_a_copy_that_sets_off_what_nobody_knows_is_refused_and_an_insert_waits(company: Company, how: str) -> None:
    with psycopg.connect(company.direct, autocommit=True) as connection:
        connection.execute(DYNAMIC)
    time.sleep(1.1)  # a definition made by others counts within a second
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="send them as INSERT") as refused:
        copied(company, b"DELETE FROM users\t1\n", how=how)
    assert "(hold " not in str(refused.value)
    hold = company.held("INSERT INTO cars (plate, seats) VALUES ('DELETE FROM users', 1)")
    assert "DELETE FROM users" in str(read(hold.document))
    assert company.truth(USERS) == [(400,)]
