"""What no transaction takes is asked about, runs over another connection, and is answered in its place."""

from __future__ import annotations

import threading
import time
from typing import LiteralString

import psycopg
import pytest
from psycopg import errors

from gateway.postgres.conftest import Place
from gateway.postgres.raw import SYNC, Raw, bind, execute, parse, query
from gateway.postgres.test_transactions import BOTH, NO, run


@BOTH
def test_what_no_transaction_takes_runs_elsewhere(place: Place, prepare: bool) -> None:
    heard: list[tuple[str | None, ...]] = []
    with place.connect() as c:
        c.add_notice_handler(lambda said: heard.append((said.severity, said.message_primary, said.message_hint)))
        assert run(c, "vacuum t", prepare).statusmessage == "VACUUM"
        assert place.desk.moments() == ["alone", "run", "defined"]
        assert heard == [("WARNING", "two\nlines", "and a hint")]
        run(c, "begin", prepare)
        with pytest.raises(errors.ActiveSqlTransaction):
            run(c, "vacuum t", prepare)
        run(c, "rollback", prepare)
        place.desk.stops["alone", ""] = NO
        with pytest.raises(errors.InsufficientPrivilege):
            run(c, "vacuum t", prepare)
        place.desk.stops.clear()
        place.desk.stops["run", ""] = NO
        with pytest.raises(errors.InsufficientPrivilege):
            run(c, "vacuum t", prepare)
        place.desk.stops.clear()
        with pytest.raises(errors.UndefinedTable):
            run(c, "vacuum nothing", prepare)
        run(c, "select 1", prepare)
    assert "lost" not in place.desk.moments()


def piped(connection: psycopg.Connection[tuple[object, ...]], *statements: LiteralString) -> None:
    with connection.pipeline():
        for statement in statements:
            connection.execute(statement)


def test_nothing_in_a_pipeline_runs_beside_it_or_behind_its_failure(place: Place) -> None:
    with place.connect() as c:
        with pytest.raises(errors.UndefinedTable):
            piped(c, "vacuum nothing", "delete from t")
        assert place.count() == 10
        with pytest.raises(errors.ActiveSqlTransaction):
            piped(c, "delete from t", "vacuum t")
    assert place.count() == 10
    assert place.desk.moments().count("run") == 1


def test_a_portal_of_it_runs_once(place: Place) -> None:
    """The server has a portal, too, which nobody has executed: a second Execute must not reach it."""
    raw = Raw(place.port).log_in(place.door.upstream.database)
    raw.send(parse("", "vacuum t"), bind("", ""), execute(), execute(), SYNC)
    assert raw.kinds() == "12NCEZ"
    assert place.desk.moments().count("run") == 1


def test_a_client_can_cancel_what_runs_elsewhere(place: Place) -> None:
    place.desk.pauses["run"] = threading.Event()
    with place.connect() as c:
        threading.Timer(0.3, c.cancel_safe).start()
        with pytest.raises(errors.QueryCanceled):
            c.execute("vacuum t")
        place.desk.pauses.clear()
        c.execute("vacuum t")


def test_a_client_that_leaves_while_it_runs_is_noted(place: Place) -> None:
    place.desk.pauses["run"] = threading.Event()
    raw = Raw(place.port).log_in(place.door.upstream.database)
    raw.send(query("vacuum t"))
    deadline = time.monotonic() + 10
    while "alone" not in place.desk.moments() and time.monotonic() < deadline:
        time.sleep(0.01)
    raw.socket.close()
    while "lost" not in place.desk.moments() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert place.desk.moments() == ["alone", "lost"]
