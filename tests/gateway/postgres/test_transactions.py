"""How each way of a statement is carried out on a real server, with success and with a refusal at every moment."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import psycopg
import pytest
from psycopg import errors, pq

from gateway.postgres.conftest import Place
from yett.gateway.postgres.desk import Told

NO = Told("yett: not this one", "ask for it", hold="h123")
GUARDED = ["begin", "admit", "settle", "committed"]
BOTH = pytest.mark.parametrize("prepare", [False, True], ids=["simple", "extended"])


def run(
    connection: psycopg.Connection[tuple[object, ...]], sql: str, extended: bool
) -> psycopg.Cursor[tuple[object, ...]]:
    """By a simple Query, or (a binary result needs it) by Parse, Bind, Describe, Execute."""
    return connection.cursor(binary=extended).execute(sql)


@BOTH
def test_a_write_outside_a_transaction_is_measured_before_its_commit(place: Place, prepare: bool) -> None:
    with place.connect() as c:
        found = run(c, "delete from t where id < 4 returning id", prepare).fetchall()
        assert sorted(found) == [(1,), (2,), (3,)]
        assert c.info.transaction_status is pq.TransactionStatus.IDLE
    assert place.count() == 7
    assert place.desk.moments() == GUARDED


@BOTH
@pytest.mark.parametrize("moment", ["begin", "admit", "settle"])
def test_a_write_that_is_stopped_leaves_nothing(place: Place, moment: str, prepare: bool) -> None:
    place.desk.stops[moment, ""] = NO
    with place.connect() as c:
        with pytest.raises(errors.InsufficientPrivilege) as refused:
            run(c, "delete from t", prepare)
        assert refused.value.diag.message_primary == "yett: not this one (hold h123)"
        assert "h123" in str(refused.value.diag.message_hint)
        assert c.info.transaction_status is pq.TransactionStatus.IDLE
        assert run(c, "select count(*) from t", prepare).fetchone() == (10,)
    assert place.count() == 10
    assert "committed" not in place.desk.moments()
    assert (place.desk.moments()[-1] == "rolled back") is (moment != "begin")


@BOTH
def test_a_text_that_never_passes_reaches_nobody(place: Place, prepare: bool) -> None:
    with place.connect() as c:
        with pytest.raises(errors.InsufficientPrivilege, match="never"):
            run(c, "load 'plpgsql'", prepare)
        assert run(c, "select 1", prepare).fetchone() == (1,)


@BOTH
def test_the_servers_own_error_is_told_and_rolled_back(place: Place, prepare: bool) -> None:
    with place.connect() as c:
        with pytest.raises(errors.UniqueViolation):
            run(c, "insert into t values (100, 'x'), (1, 'y')", prepare)
        assert c.info.transaction_status is pq.TransactionStatus.IDLE
    assert place.count() == 10
    assert place.desk.moments() == ["begin", "admit", "rolled back"]


@BOTH
def test_a_constraint_that_fails_at_commit_fails_the_statement(place: Place, prepare: bool) -> None:
    with place.connect() as c:
        with pytest.raises(errors.ForeignKeyViolation):
            run(c, "insert into child values (1, 99)", prepare)
        assert c.info.transaction_status is pq.TransactionStatus.IDLE
    assert place.rows("select count(*) from child") == [(0,)]
    assert place.desk.moments()[-1] == "rolled back"


@BOTH
def test_the_agents_own_transaction_is_settled_at_its_commit(place: Place, prepare: bool) -> None:
    with place.connect() as c:
        run(c, "begin", prepare)
        run(c, "delete from t where id = 1", prepare)
        assert run(c, "select count(*) from t", prepare).fetchone() == (9,)
        run(c, "update t set name = 'x'", prepare)
        assert place.desk.moments() == ["begin", "admit", "admit"]
        assert place.count() == 10
        run(c, "commit", prepare)
        assert c.info.transaction_status is pq.TransactionStatus.IDLE
    assert place.desk.moments() == ["begin", "admit", "admit", "settle", "committed"]
    assert place.rows("select count(*) from t where name = 'x'") == [(9,)]


@BOTH
def test_a_transaction_that_does_not_settle_is_rolled_back_at_its_commit(place: Place, prepare: bool) -> None:
    place.desk.stops["settle", ""] = NO
    with place.connect() as c:
        run(c, "begin", prepare)
        run(c, "delete from t", prepare)
        with pytest.raises(errors.InsufficientPrivilege):
            run(c, "commit", prepare)
        assert c.info.transaction_status is pq.TransactionStatus.IDLE
        assert run(c, "select count(*) from t", prepare).fetchone() == (10,)
    assert place.desk.moments()[-1] == "rolled back"
    assert place.count() == 10


@BOTH
def test_a_refusal_inside_a_transaction_fails_it_as_an_error_would(place: Place, prepare: bool) -> None:
    place.desk.stops["admit", "update"] = replace(NO, hold="")
    with place.connect() as c:
        run(c, "begin", prepare)
        run(c, "delete from t where id = 1", prepare)
        run(c, "savepoint before", prepare)
        with pytest.raises(errors.InsufficientPrivilege):
            run(c, "update t set name = 'x'", prepare)
        assert c.info.transaction_status is pq.TransactionStatus.INERROR
        with pytest.raises(errors.InFailedSqlTransaction):
            run(c, "delete from t", prepare)
        with pytest.raises(errors.InFailedSqlTransaction):
            run(c, "select 1", prepare)
        run(c, "rollback to before", prepare)
        assert c.info.transaction_status is pq.TransactionStatus.INTRANS
        run(c, "commit", prepare)
    assert place.rows("select count(*), count(*) filter (where name = 'x') from t") == [(9, 0)]
    assert place.desk.moments() == ["begin", "admit", "admit", "settle", "committed"]


@BOTH
def test_a_hold_inside_a_transaction_rolls_all_of_it_back(place: Place, prepare: bool) -> None:
    """No lock waits for a person, and no savepoint keeps one."""
    place.desk.stops["admit", "update"] = NO
    with place.connect() as c:
        run(c, "begin", prepare)
        run(c, "delete from t where id = 1", prepare)
        run(c, "savepoint before", prepare)
        with pytest.raises(errors.InsufficientPrivilege):
            run(c, "update t set name = 'x'", prepare)
        assert c.info.transaction_status is pq.TransactionStatus.INERROR
        assert place.rows("select count(*) from t") == [(10,)]
        with pytest.raises(errors.InvalidSavepointSpecification):
            run(c, "rollback to before", prepare)
        run(c, "commit", prepare)
    assert place.rows("select count(*) from t") == [(10,)]
    assert place.desk.moments() == ["begin", "admit", "admit", "rolled back"]


@BOTH
def test_commit_of_a_failed_transaction_settles_nothing(place: Place, prepare: bool) -> None:
    with place.connect() as c:
        run(c, "begin", prepare)
        run(c, "delete from t", prepare)
        with pytest.raises(errors.DivisionByZero):
            run(c, "select 1/0", prepare)
        assert run(c, "commit", prepare).statusmessage == "ROLLBACK"
    assert place.desk.moments() == ["begin", "admit", "rolled back"]
    assert place.count() == 10


@BOTH
def test_rollback_is_told(place: Place, prepare: bool) -> None:
    with place.connect() as c:
        run(c, "begin", prepare)
        run(c, "delete from t", prepare)
        run(c, "rollback", prepare)
        assert c.info.transaction_status is pq.TransactionStatus.IDLE
        run(c, "delete from t where id = 1", prepare)
    assert place.desk.moments() == ["begin", "admit", "rolled back", *GUARDED]
    assert place.count() == 9


@BOTH
def test_commit_and_chain_begins_a_transaction_of_its_own(place: Place, prepare: bool) -> None:
    with place.connect() as c:
        run(c, "begin", prepare)
        run(c, "delete from t where id = 1", prepare)
        run(c, "commit and chain", prepare)
        assert c.info.transaction_status is pq.TransactionStatus.INTRANS
        run(c, "delete from t where id = 2", prepare)
        run(c, "rollback", prepare)
    assert place.desk.moments() == [*GUARDED, "begin", "admit", "rolled back"]
    assert place.count() == 9


@BOTH
def test_two_phase_commit_is_refused(place: Place, prepare: bool) -> None:
    with place.connect() as c:
        run(c, "begin", prepare)
        run(c, "delete from t", prepare)
        with pytest.raises(errors.InsufficientPrivilege, match="two-phase"):
            run(c, "prepare transaction 'x'", prepare)
        run(c, "rollback", prepare)
    assert place.count() == 10


@BOTH
def test_a_definition_makes_what_was_known_old_once_it_is_final(place: Place, prepare: bool) -> None:
    with place.connect() as c:
        run(c, "create table made (id int)", prepare)
        assert place.desk.moments() == ["begin", "admit", "defined inside", "settle", "defined", "committed"]
        run(c, "begin", prepare)
        run(c, "drop table made", prepare)
        run(c, "rollback", prepare)
    assert place.desk.moments().count("defined") == 1


@pytest.mark.parametrize(
    ("text", "left", "moments"),
    [
        ("begin; delete from t where id = 1; commit", 9, GUARDED),
        ("delete from t where id = 1; delete from t where id = 2", 8, GUARDED),
        ("begin; delete from t where id = 1; rollback", 10, ["begin", "admit", "rolled back"]),
        ("select 1; delete from t where id = 1; select 2", 9, GUARDED),
        (
            "begin; delete from t; commit and chain; delete from t; rollback",
            0,
            [*GUARDED, "begin", "admit", "rolled back"],
        ),
    ],
)
def test_several_statements_in_one_query(place: Place, text: str, left: int, moments: list[str]) -> None:
    with place.connect() as c:
        c.execute(text)
        assert c.info.transaction_status is pq.TransactionStatus.IDLE
    assert place.count() == left
    assert place.desk.moments() == moments


@pytest.mark.parametrize(
    "text",
    [
        "commit; drop table t",
        "select 1; commit; delete from t",
        "begin; delete from t; commit; delete from child",
        "delete from t; begin; select 1; commit",
        "begin; select 1; commit; truncate t",
        "rollback; delete from t",
        "delete from t; rollback",
    ],
)
@pytest.mark.parametrize("inside", [False, True])
def test_a_change_behind_the_end_of_a_block_is_refused(place: Place, text: str, inside: bool) -> None:
    with place.connect() as c:
        if inside:
            c.execute("begin")
        if inside and text in ("delete from t; begin; select 1; commit", "delete from t; rollback"):
            return  # inside a transaction these are sound
        with pytest.raises(errors.InsufficientPrivilege, match="between BEGIN and COMMIT"):
            c.execute(text)
    assert place.count() == 10
    assert place.desk.moments() == []


def test_an_error_in_a_script_ends_it(place: Place) -> None:
    with place.connect() as c:
        with pytest.raises(errors.DivisionByZero):
            c.execute("begin; delete from t; select 1/0; commit")
        assert c.info.transaction_status is pq.TransactionStatus.INERROR
        c.execute("rollback")
    assert place.count() == 10


def test_an_answer_that_is_larger_than_what_can_wait_is_rolled_back(place: Place) -> None:
    with place.connect() as c:
        with pytest.raises(errors.ProgramLimitExceeded):
            c.execute("update t set name = repeat('x', 2000000) returning name")
        with c.transaction():
            found = c.execute("update t set name = repeat('x', 2000000) returning name").fetchall()
            assert len(found) == 10
    assert place.desk.moments()[:4] == ["begin", "admit", "rolled back", "begin"]
    assert place.rows("select min(length(name)) from t") == [(2000000,)]


def test_a_commit_whose_answer_is_lost_is_told_so(place: Place) -> None:
    """The server is stopped in the middle of COMMIT by a deferred trigger that waits."""
    with psycopg.connect(place.direct, autocommit=True) as direct:
        direct.execute(
            "create function slow() returns trigger language plpgsql"
            " as $$begin perform pg_sleep(30); return null; end$$"
        )
        direct.execute(
            "create constraint trigger slow after insert on child deferrable initially deferred"
            " for each row execute function slow()"
        )
        c = place.connect()
        ran = threading.Thread(target=lambda: _quietly(c, "insert into child values (1, 1)"))
        ran.start()
        _until(lambda: "settle" in place.desk.moments())
        _until(
            lambda: direct.execute("select 1 from pg_stat_activity where wait_event = 'PgSleep'").fetchone() is not None
        )
        direct.execute("select pg_terminate_backend(pid) from pg_stat_activity where wait_event = 'PgSleep'")
        ran.join(10)
    _until(lambda: "lost" in place.desk.moments())


def test_a_client_that_goes_in_the_middle_leaves_nothing(place: Place) -> None:
    c = place.connect()
    c.execute("begin")
    c.execute("delete from t")
    c.close()
    _until(lambda: place.desk.moments() == ["begin", "admit", "rolled back"])
    assert place.count() == 10
    _until(lambda: place.door.ended == 1)


def test_a_client_that_goes_while_a_person_is_asked_leaves_nothing(place: Place) -> None:
    place.desk.pauses["admit"] = threading.Event()
    c = place.connect()
    c.pgconn.send_query(b"delete from t")
    c.pgconn.flush()
    _until(lambda: "begin" in place.desk.moments())
    c.close()
    _until(lambda: place.door.ended == 1)
    assert place.desk.moments() == ["begin", "rolled back"]
    assert place.count() == 10


def _quietly(c: psycopg.Connection[tuple[object, ...]], sql: str) -> None:
    try:
        c.execute(sql)
    except psycopg.Error:
        return


def _until(true: object) -> None:
    until = time.monotonic() + 10
    while not true():  # type: ignore[operator]
        assert time.monotonic() < until
        time.sleep(0.01)
