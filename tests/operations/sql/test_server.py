"""What is said of a statement, against what the server really does with it: row counters, contents, read-only mode."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psycopg
import pytest
from psycopg import sql as compose

from yett.operations.sql.statement import Statement, Verb, Way

from .test_statements import CASES

WRITES = {Verb.INSERT, Verb.UPDATE, Verb.DELETE, Verb.TRUNCATE}
APART = ("begin", "start ", "commit", "end", "rollback", "abort", "savepoint", "release", "discard", "deallocate p")
"""Not for a transaction of the test's own."""

HOLDERS = "SELECT count(*) FROM pg_class WHERE relpersistence <> 't'"
CURSOR = "DECLARE c SCROLL CURSOR FOR SELECT * FROM plain"
MAKES = ("create temp", "select * into temp", "create table pg_temp")


def _runnable(sql: str) -> bool:
    return not sql.startswith((*APART, "set transaction isolation")) and "from stdin" not in sql and "$1" not in sql


RUNNABLE = [sql for way, _, sql in CASES if way in ("pass", "guard") and _runnable(sql)]
READS = [sql for way, effect, sql in CASES if (way, effect) == ("pass", "read") and _runnable(sql)]
READS = [sql for sql in READS if not sql.startswith(MAKES)]


@pytest.fixture
def connection(database: str) -> Iterator[psycopg.Connection]:
    connection = psycopg.connect(database)
    connection.execute("SET lock_timeout = '5s'")
    connection.execute("INSERT INTO users VALUES (1, 'a'), (4, 'b')")
    connection.execute("SELECT nextval('users_id_seq') FROM generate_series(1, 5)")
    connection.execute("INSERT INTO orders VALUES (10, 1, 5, 1)")
    connection.execute("INSERT INTO items VALUES (100, 10, 's')")
    connection.execute("INSERT INTO plain VALUES (1, 2, '{}'), (3, 4, null)")
    connection.execute("INSERT INTO log (line) VALUES ('x')")
    connection.execute("INSERT INTO victim SELECT generate_series(1, 5)")
    connection.execute("INSERT INTO parted VALUES (1, '2020-03-03')")
    connection.execute("INSERT INTO audited VALUES (7, 'a')")
    connection.execute("SELECT nextval('numbers')")
    yield connection
    connection.close()


def _counters(connection: psycopg.Connection) -> dict[int, tuple[int, ...]]:
    query = "SELECT relid::oid::int, n_tup_ins, n_tup_upd, n_tup_del FROM pg_stat_xact_user_tables"
    return {relid: tuple(counts) for relid, *counts in connection.execute(query)}


@pytest.mark.parametrize("sql", RUNNABLE, ids=[sql[:70] for sql in RUNNABLE])
def test_the_server_changes_no_more_than_is_said(
    sql: str, one: Callable[[str], Statement], connection: psycopg.Connection
) -> None:
    statement = one(sql)
    before, holders = _counters(connection), connection.execute(HOLDERS).fetchone()
    _run(connection, sql)
    changed = {oid for oid, counts in _counters(connection).items() if counts != before.get(oid, (0, 0, 0))}
    temporary = {oid for (oid,) in connection.execute("SELECT oid::int FROM pg_class WHERE relpersistence = 't'")}
    said = {touched.oid for touched in statement.touched if touched.verb in WRITES}
    assert changed - temporary <= said
    assert statement.way is not Way.PASS or not changed - temporary
    assert connection.execute(HOLDERS).fetchone() == holders


@pytest.mark.parametrize("sql", READS, ids=[sql[:70] for sql in READS])
def test_a_read_is_one_for_the_server_too(sql: str, connection: psycopg.Connection) -> None:
    connection.execute("SET TRANSACTION READ ONLY")
    _run(connection, sql)


ASKED = [sql for way, effect, sql in CASES if (way, effect) == ("ask", "unknown") and _runnable(sql)]
ASKED = [sql for sql in ASKED if not sql.startswith("copy")]


def test_the_traps_are_alive(database: str) -> None:
    """What is asked about would really have emptied the victim: else the cases above would prove nothing."""
    emptied = 0
    for sql in ASKED:
        with psycopg.connect(database) as connection:
            connection.execute("INSERT INTO plain VALUES (1, 2, '{}')")
            connection.execute("INSERT INTO victim SELECT generate_series(1, 5)")
            connection.execute("SAVEPOINT before")
            try:
                connection.execute(compose.SQL(sql))  # type: ignore[arg-type]
            except psycopg.Error:
                connection.execute("ROLLBACK TO before")
            (left,) = connection.execute("SELECT count(*) FROM victim").fetchone() or (5,)
            emptied += left == 0
            connection.rollback()
    assert emptied >= 40


def _run(connection: psycopg.Connection, sql: str) -> None:
    connection.execute("SAVEPOINT ready")
    if sql.split()[0] in ("fetch", "move") or "current of c" in sql:
        connection.execute("DECLARE c CURSOR FOR SELECT * FROM plain FOR UPDATE" if "current" in sql else CURSOR)
        connection.execute("FETCH 1 FROM c")
    try:
        with connection.cursor() as cursor:
            if "stdout" in sql:
                with cursor.copy(compose.SQL(sql)) as copy:  # type: ignore[arg-type]
                    for _ in copy:
                        pass
            else:
                cursor.execute(compose.SQL(sql))  # type: ignore[arg-type]
    except (psycopg.errors.SyntaxError, psycopg.errors.UndefinedFunction):
        assert connection.info.server_version < 180000, sql  # of a newer grammar
        connection.execute("ROLLBACK TO ready")
    except psycopg.errors.FeatureNotSupported:
        assert "xml" in sql  # the wheel's server is built without
        connection.execute("ROLLBACK TO ready")
