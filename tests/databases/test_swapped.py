"""What is decided is what runs, when names change between the two: of statements, portals and cursors, on the protocol
and in SQL, one message at a time or all at once. Each case was a way round the wire."""

from __future__ import annotations

import re
from contextlib import suppress

import psycopg
import pytest
from tests.databases.company_of_tests import Company
from tests.databases.raw_wire import SYNC, bind, exchange, execute, message, parse

DELETE, COUNT, ALL = "DELETE FROM bookings", "SELECT count(*) FROM bookings", [(4000,)]
BOUND = bind("p", "ex")
ADDRESS = b"user3@example.com"
MARKS = {"com": "COMMIT", "one": "SELECT 1", "div": "SELECT 1/0", "ins": "INSERT INTO totals VALUES ('x', 1)"}


def query(sql: str) -> bytes:
    return message(b"Q", sql.encode() + b"\0")


def close(which: str, name: str) -> bytes:
    return message(b"C", f"{which}{name}\0".encode())


def describe(which: str, name: str) -> bytes:
    return message(b"D", f"{which}{name}\0".encode())


def parses(**texts: str) -> bytes:
    return b"".join(parse(name, text) for name, text in texts.items())


def swap(name: str, text: str) -> bytes:
    return close("S", name) + parse(name, text)


def sent(company: Company, *units: bytes) -> list[bytes]:
    """Each is answered before the next one goes; none goes to a session that has ended."""
    answers: list[bytes] = []
    with company.connect(autocommit=True) as connection:
        for unit in units:
            answers.append(exchange(connection, unit))
            if answers[-1][-6:-5] != b"Z":
                break
    return answers


@pytest.mark.parametrize(
    "run",
    [
        bind("", "ex") + swap("foo", DELETE) + execute(""),
        swap("foo", DELETE) + bind("", "ex") + execute(""),
        bind("", "ex") + describe("P", "") + swap("foo", DELETE) + describe("P", "") + execute(""),
        bind("", "ex") + message(b"H", b"") + swap("foo", DELETE) + execute(""),
        bind("p", "ex") + bind("", "ex") + swap("foo", DELETE) + execute(""),
        bind("", "explain") + swap("foo", DELETE) + execute(""),
    ],
    ids=["behind", "before", "described", "flushed", "bound twice", "explained"],
)
@pytest.mark.parametrize("inside", [False, True], ids=["", "in a transaction"])
def test_an_execute_runs_what_was_read_though_its_name_changes_beside_it(
    company: Company, run: bytes, inside: bool
) -> None:
    ready = parses(ex="EXECUTE foo", explain="EXPLAIN ANALYZE EXECUTE foo", foo="SELECT 1") + SYNC
    begin, commit = ([query("BEGIN")], [query("COMMIT")]) if inside else ([], [])
    sent(company, ready, *begin, run + SYNC, *commit)
    assert company.truth(COUNT) == ALL


def test_an_execute_goes_on_with_its_bind_and_describe(company: Company) -> None:
    run = bind("p", "ex") + describe("P", "p") + execute("p") + SYNC
    answers = sent(company, parses(foo="SELECT 17 AS seventeen", ex="EXECUTE foo") + SYNC, run, query("BEGIN"), run)
    for answer in (answers[1], answers[3]):
        assert b"seventeen" in answer
        assert answer.count(b"17") == 1


@pytest.mark.parametrize("end", ["COMMIT", "ROLLBACK"])
def test_names_that_change_beside_the_end_of_a_transaction_are_known(company: Company, end: str) -> None:
    sent(
        company,
        parses(s="SELECT 1", end=end) + SYNC,
        query("BEGIN"),
        parse("x", DELETE) + bind("c", "end") + swap("s", DELETE) + execute("c") + SYNC,
        bind("", "s") + execute("") + SYNC,
    )
    assert company.truth(COUNT) == ALL


@pytest.mark.parametrize(
    "unit",
    [
        bind("c", "com") + bind("f", "f") + execute("f") + execute("c"),
        bind("", "f") + execute("") + bind("", "com") + execute(""),
        bind("f", "f") + bind("c", "com") + execute("f") + execute("c"),
        bind("", "com") + describe("P", "") + bind("f", "f") + execute("f") + execute(""),
    ],
    ids=["between", "unnamed", "before", "described"],
)
def test_a_write_beside_commit_is_settled(company: Company, unit: bytes) -> None:
    sent(
        company,
        parses(com="COMMIT", **{"del": f"{DELETE} RETURNING 1"}, f="MOVE ALL IN p") + SYNC,
        query("BEGIN"),
        bind("p", "del") + SYNC,
        parse("x", DELETE) + unit + SYNC,
    )
    assert company.truth(COUNT) == ALL


def test_what_commits_in_one_unit_is_committed(company: Company) -> None:
    sent(
        company,
        parses(begin="BEGIN", com="COMMIT", few=f"{DELETE} WHERE id = 1") + SYNC,
        b"".join(bind("", name) + execute("") for name in ("begin", "few", "com")) + SYNC,
        query("BEGIN"),
        parse("", f"{DELETE} WHERE id = 2") + bind("", "") + execute("") + SYNC,
        bind("c", "com") + describe("P", "c") + execute("c") + SYNC,
    )
    assert company.truth(COUNT) == [(3998,)]


@pytest.mark.parametrize("fetch", ["FETCH ALL FROM p", "MOVE ALL IN p", "SELECT cursor_to_xml('p', 9, true, true, '')"])
@pytest.mark.parametrize("ex", ["EXECUTE foo", "EXPLAIN ANALYZE EXECUTE foo"])
def test_no_execute_stands_on_the_server_for_another_to_run(company: Company, fetch: str, ex: str) -> None:
    sent(
        company,
        query("BEGIN"),
        parses(foo="SELECT 1", ex=ex) + SYNC,
        BOUND + SYNC,
        query("ROLLBACK"),
        query("BEGIN"),
        BOUND + describe("P", "p") + SYNC,
        swap("foo", f"{DELETE} RETURNING 1") + SYNC,
        query(fetch),
        query("COMMIT"),
    )
    assert company.truth(COUNT) == ALL


def test_no_execute_stands_on_the_server_to_become_a_commit(company: Company) -> None:
    sent(
        company,
        query("BEGIN"),
        parses(foo="SELECT 1", ex="EXECUTE foo") + SYNC,
        BOUND + SYNC,
        query(DELETE),
        swap("foo", "COMMIT") + SYNC,
        query("FETCH ALL FROM p"),
    )
    assert company.truth(COUNT) == ALL


@pytest.mark.parametrize(
    "again",
    [bind("p", "one"), bind("", "div") + execute("") + bind("p", "one"), bind("p", "ins")],
    ids=["it fails", "it is skipped", "a write"],
)
@pytest.mark.parametrize("first", [b"", query("INSERT INTO totals VALUES ('y', 1)")], ids=["", "guarded"])
def test_a_bind_in_vain_hides_no_older_portal(company: Company, again: bytes, first: bytes) -> None:
    sent(
        company,
        parses(**MARKS) + SYNC,
        query("BEGIN"),
        *([first] if first else []),
        bind("p", "com") + SYNC,
        query("SAVEPOINT s"),
        again + SYNC,
        query("ROLLBACK TO s"),
        query(DELETE),
        execute("p") + SYNC,
    )
    assert company.truth(COUNT) == ALL


def test_a_bind_in_vain_hides_no_older_unnamed_portal(company: Company) -> None:
    """One with the wrong number of parameters leaves it."""
    sent(
        company,
        parses(**MARKS, sp="SAVEPOINT s", rb="ROLLBACK TO s", **{"del": DELETE}) + SYNC,
        query("BEGIN"),
        bind("", "com") + SYNC,
        bind("x", "sp") + execute("x") + SYNC,
        bind("", "one", b"1") + SYNC,
        bind("y", "rb") + execute("y") + SYNC,
        bind("z", "del") + execute("z") + SYNC,
        execute("") + SYNC,
    )
    assert company.truth(COUNT) == ALL


def test_a_portal_is_known_again_once_it_was_bound_again(company: Company) -> None:
    answers = sent(
        company,
        parses(**MARKS) + SYNC,
        query("BEGIN"),
        bind("", "com") + SYNC,
        query("SAVEPOINT s"),
        bind("", "one", b"1") + SYNC,
        query("ROLLBACK TO s"),
        bind("", "one") + SYNC,
        execute("") + SYNC,
        query("COMMIT"),
    )
    assert b"SELECT 1" in answers[-2]


@pytest.mark.parametrize(
    "again",
    [
        [bind("p", "one") + SYNC, bind("p", "chain") + execute("p") + SYNC],
        [bind("c", "chain", b"1") + execute("c") + SYNC],
        [bind("c", "chain") + SYNC, query("CLOSE c"), query("DECLARE c CURSOR FOR SELECT 1"), execute("c") + SYNC],
    ],
    ids=["a name that is taken", "a wrong number of values", "a cursor of its name"],
)
@pytest.mark.parametrize("end", ["ROLLBACK AND CHAIN", "COMMIT AND CHAIN"])
def test_a_transaction_that_did_not_end_is_watched_on(company: Company, again: list[bytes], end: str) -> None:
    sent(
        company,
        parses(one="SELECT 1", chain=end) + SYNC,
        query("BEGIN"),
        query(DELETE),
        query("SAVEPOINT s"),
        *again,
        query("ROLLBACK TO s"),
        query("COMMIT"),
    )
    assert company.truth(COUNT) == ALL


def test_a_cursor_is_no_rollback_to_whatever_was_bound_to_its_name(company: Company) -> None:
    sent(
        company,
        parses(rb="ROLLBACK TO s") + SYNC,
        query("BEGIN"),
        query("SAVEPOINT s"),
        query(DELETE),
        bind("c", "rb") + SYNC,
        query("CLOSE c"),
        query("DECLARE c CURSOR FOR SELECT 1"),
        execute("c") + SYNC,
        query("COMMIT"),
    )
    assert company.truth(COUNT) == ALL


LATE = [query("ROLLBACK TO s"), query("COMMIT")]
SCRIPTS = {
    "a name": [
        parses(ex="EXECUTE foo", foo="SELECT 1") + SYNC,
        bind("", "ex") + swap("foo", DELETE) + execute("") + SYNC,
    ],
    "a portal": [
        query("BEGIN"),
        parses(foo="SELECT 1", ex="EXECUTE foo") + SYNC,
        BOUND + SYNC,
        swap("foo", f"{DELETE} RETURNING 1") + SYNC,
        query("FETCH ALL FROM p"),
        query("COMMIT"),
    ],
    "a commit": [
        parses(**MARKS) + SYNC,
        query("BEGIN"),
        bind("p", "com") + SYNC,
        query("SAVEPOINT s"),
        bind("p", "one") + SYNC,
        query("ROLLBACK TO s"),
        query(DELETE),
        execute("p") + SYNC,
    ],
    "a chain": [
        parses(one="SELECT 1", chain="ROLLBACK AND CHAIN") + SYNC,
        query("BEGIN"),
        query(DELETE),
        query("SAVEPOINT s"),
        bind("p", "one") + SYNC,
        bind("p", "chain") + execute("p") + SYNC,
        *LATE,
    ],
    "a chain that was bound before": [
        parses(one="SELECT 1", chain="ROLLBACK AND CHAIN") + SYNC,
        query("BEGIN"),
        bind("p", "one") + SYNC,
        query("SAVEPOINT s"),
        bind("p", "chain") + SYNC,
        query("ROLLBACK TO s"),
        query(DELETE),
        execute("p") + SYNC,
        *LATE,
    ],
    "a savepoint": [
        parses(one="SELECT 1", rb="ROLLBACK TO s") + SYNC,
        query("BEGIN"),
        query("SAVEPOINT s"),
        bind("p", "one") + SYNC,
        query("SAVEPOINT t"),
        bind("p", "rb") + SYNC,
        query("ROLLBACK TO t"),
        query(DELETE),
        execute("p") + SYNC,
        query("COMMIT"),
    ],
}


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS.keys())
def test_nothing_of_it_hangs_on_waiting_for_an_answer(company: Company, script: list[bytes]) -> None:
    with company.connect(autocommit=True) as connection:
        answer = exchange(connection, b"".join((*script, query("ROLLBACK"), query("SELECT 'the end'"))))
        while answer[-6:-5] == b"Z" and b"the end" not in answer:
            answer += exchange(connection, b"")
    assert company.truth(COUNT) == ALL


# ---- what was signed


def approve_in(company: Company, answer: bytes) -> None:
    found = re.search(rb"h-[0-9a-z]+", answer)
    assert found, answer
    company.approve(company.laws.hold(found[0].decode()))


RANGE = "DELETE FROM bookings WHERE id BETWEEN {} AND {}"


def test_a_signed_execute_runs_the_rows_that_were_signed(company: Company) -> None:
    run = BOUND + execute("p") + SYNC
    with company.connect(autocommit=True) as connection:
        exchange(connection, parses(foo=RANGE.format(1, 150), ex="EXECUTE foo") + SYNC)
        for unit in (query("BEGIN"), run):
            exchange(connection, unit)
        approve_in(company, exchange(connection, query("COMMIT")))
        changed = swap("foo", RANGE.format(201, 350))
        for unit in (query("ROLLBACK"), query("BEGIN"), BOUND + SYNC, changed + SYNC, execute("p") + SYNC):
            exchange(connection, unit)
        for unit in (query("COMMIT"), query("BEGIN"), changed + SYNC, run, query("COMMIT")):
            exchange(connection, unit)
        assert company.truth(COUNT) == ALL
        for unit in (swap("foo", RANGE.format(1, 150)) + SYNC, query("BEGIN"), run, query("COMMIT")):
            exchange(connection, unit)
    assert company.truth("SELECT count(*), min(id) FROM bookings") == [(3850, 151)]


def test_a_signed_call_behind_a_name_is_no_other_call(company: Company) -> None:
    company.directly(
        "CREATE FUNCTION danger(n int) RETURNS int LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN"
        " EXECUTE 'DELETE FROM bookings WHERE id = ' || n; RETURN n; END $$"
    )
    run = BOUND + execute("p") + SYNC
    with company.connect(autocommit=True) as connection:
        exchange(connection, parses(foo="SELECT danger(1)", ex="EXECUTE foo") + SYNC)
        exchange(connection, query("BEGIN"))
        approve_in(company, exchange(connection, run))
        for unit in (query("ROLLBACK"), query("BEGIN"), swap("foo", "SELECT danger(2)") + SYNC, run, query("COMMIT")):
            exchange(connection, unit)
    assert company.truth("SELECT count(*) FROM bookings WHERE id = 2") == [(1,)]


def test_what_a_signed_text_did_behind_its_rollback_to_is_logged_as_done(company: Company) -> None:
    company.directly("CREATE TABLE junk (id int PRIMARY KEY)")
    run = query("ROLLBACK TO s0; DROP TABLE junk")
    with company.connect(autocommit=True) as connection:
        for unit in (query("BEGIN"), query("SAVEPOINT s0")):
            exchange(connection, unit)
        approve_in(company, exchange(connection, run))
        for unit in (query("ROLLBACK"), query("BEGIN"), query("SAVEPOINT s0"), run, query("COMMIT")):
            exchange(connection, unit)
    assert company.truth("SELECT to_regclass('junk')::text") == [(None,)]
    assert company.laws.entries("outcome")[-1]["body"]["outcome"] == "done"


def test_nobody_is_asked_to_sign_an_execute_of_an_execute(company: Company) -> None:
    with company.connect(autocommit=True) as connection:
        exchange(connection, parses(b=f"{DELETE} WHERE id = 1", a="EXECUTE b") + SYNC)
        answer = exchange(connection, query("EXECUTE a"))
    assert not re.search(rb"h-[0-9a-z]+", answer)
    assert company.truth(COUNT) == ALL


@pytest.mark.parametrize(
    ("before", "after", "ids"),
    [
        ("SET application_name = '1'", "SET application_name = '1001'", "current_setting('application_name')::int"),
        ("SET hnsw.ids = '1'", "SET hnsw.ids = '1001'", "current_setting('hnsw.ids')::int"),
        ("SET hnsw.ids = '1'", "SET hnsw.ids = '1001'", "current_setting('hnsw' || '.ids')::int"),
        ("SET hnsw.ids = '1'", "SET hnsw.ids = '1001'", """pg_catalog."current_setting" ( 'hnsw.ids' , true )::int"""),
        ("SET hnsw.ids = '1'", "SET hnsw.ids = '1001'", """U&"current\\005fsetting"('hnsw.ids')::int"""),
        ("SET hnsw.\u212a = '1'", "SET hnsw.\u212a = '1001'", "current_setting('hnsw.\u212a')::int"),
        (
            "SET work_mem = '64'",
            "SET work_mem = '1064'",
            "(SELECT setting::int - 63 FROM pg_settings WHERE name = 'work_mem')",
        ),
        ("INSERT INTO own VALUES (1)", "UPDATE own SET id = 1001", "(SELECT id FROM own)"),
        ("INSERT INTO own VALUES (1)", "UPDATE own SET id = 1001", "(SELECT id FROM pg_temp.own)"),
        ("INSERT INTO own VALUES (1)", "UPDATE own SET id = 1001", """(SELECT id FROM U&"o\\0077n")"""),
    ],
)
def test_what_a_signed_text_reads_of_its_session_is_signed(company: Company, before: str, after: str, ids: str) -> None:
    text = f"DELETE FROM bookings WHERE id BETWEEN {ids} AND {ids} + 199"
    with company.connect(autocommit=True) as connection:
        connection.execute("CREATE TEMP TABLE own (id int)")
        connection.execute(before)
        with pytest.raises(psycopg.errors.InsufficientPrivilege) as refused:
            connection.execute(text)
        company.approve(company.hold_of(refused.value))
        connection.execute(after)
        with suppress(psycopg.Error):
            connection.execute(text)
    assert company.truth("SELECT count(*) FROM bookings WHERE id BETWEEN 1001 AND 1200") == [(200,)]


@pytest.mark.parametrize("ids", ["current_setting('application_name')::int", "(SELECT id FROM own)"])
def test_what_was_signed_with_what_it_reads_runs_in_another_session(company: Company, ids: str) -> None:
    def send() -> None:
        with company.connect(autocommit=True, application_name="1") as connection:
            connection.execute("CREATE TEMP TABLE own (id int)")
            connection.execute("INSERT INTO own VALUES (1)")
            connection.execute(f"DELETE FROM bookings WHERE id BETWEEN {ids} AND {ids} + 199")

    with pytest.raises(psycopg.errors.InsufficientPrivilege) as refused:
        send()
    company.approve(company.hold_of(refused.value))
    send()
    assert company.truth(COUNT) == [(3800,)]


# ---- what is hidden


def test_a_described_execute_of_another_text_shows_nothing(veiled: Company) -> None:
    answers = sent(
        veiled,
        query("PREPARE foo AS SELECT name FROM users WHERE id < 4"),
        parse("ex", "EXECUTE foo") + describe("S", "ex") + SYNC,
        close("S", "foo") + SYNC,
        parse("foo", "SELECT email FROM users WHERE id < 4") + SYNC,
        BOUND + execute("p") + SYNC,
    )
    assert ADDRESS not in answers[-1]


@pytest.mark.parametrize("after", [False, True], ids=["before its Bind", "after its Bind"])
def test_a_described_fetch_from_another_portal_shows_nothing(veiled: Company, *, after: bool) -> None:
    other = parse("m", "SELECT email FROM users WHERE id < 4") + close("P", "c") + bind("c", "m") + SYNC
    fetch = bind("x", "f") + SYNC
    answers = sent(
        veiled,
        query("BEGIN"),
        query("DECLARE c CURSOR FOR SELECT name FROM users WHERE id < 4"),
        parse("f", "FETCH ALL FROM c") + describe("S", "f") + SYNC,
        *((fetch, other) if after else (other, fetch)),
        execute("x") + SYNC,
    )
    assert ADDRESS not in answers[-1]


def test_a_fetch_that_was_described_once_is_shown_again_and_again(veiled: Company) -> None:
    fetch = bind("", "f") + execute("") + SYNC
    answers = sent(
        veiled,
        query("BEGIN"),
        query("DECLARE c CURSOR FOR SELECT name, 'seen' FROM users WHERE id < 4"),
        parse("f", "FETCH 1 FROM c") + describe("S", "f") + SYNC,
        fetch,
        parse("other", "SELECT 1") + bind("", "other") + execute("") + SYNC,
        fetch,
    )
    assert b"seen" in answers[3]
    assert b"seen" in answers[5]
