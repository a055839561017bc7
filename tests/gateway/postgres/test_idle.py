"""A client that keeps locks and says nothing loses its connection, whatever timeouts it has set."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Iterator

import psycopg
import pytest

from gateway.postgres.conftest import Place, placed
from gateway.postgres.raw import FLUSH, Raw, bind, execute, parse, query
from gateway.postgres.wire import Wire
from postgres import Server
from yett.gateway.postgres.connection import Connection
from yett.gateway.postgres.limits import WireLimits

WRITE = "delete from t where id = 1"


@pytest.fixture
def quick(each_postgres: Server) -> Iterator[Place]:
    wire = Wire(WireLimits(idle_seconds=0.6))
    yield placed(each_postgres, wire)
    wire.close()


def opened(place: Place) -> Raw:
    client = Raw(place.port).log_in(place.door.upstream.database)
    client.send(query("set idle_in_transaction_session_timeout = 0"), query("begin"))
    client.until_ready(2)
    return client


@pytest.mark.parametrize("extended", [False, True], ids=["Query", "no Sync"])
def test_a_client_that_keeps_locks_and_says_nothing_loses_its_connection(quick: Place, *, extended: bool) -> None:
    client = opened(quick)
    client.send(parse("", WRITE) + bind("", "") + execute() + FLUSH if extended else query(WRITE))
    assert client.ends() == "25P03"
    assert quick.count() == 10
    assert "rolled back" in quick.desk.moments()
    assert "refused" in quick.desk.moments()
    with psycopg.connect(quick.direct, options="-c lock_timeout=10s") as other:  # its backend may still be ending
        other.execute("select 1 from t where id = 1 for update")


def test_one_that_has_read_only_may_wait(quick: Place) -> None:
    client = opened(quick)
    client.send(query("select 1"))
    client.until_ready()
    time.sleep(1.5)
    client.send(query("commit"))
    assert client.kinds() == "CZ"


def test_one_that_goes_on_keeps_its_transaction(quick: Place) -> None:
    client = opened(quick)
    for n in range(8):
        client.send(query(WRITE if not n else "select 1"))
        client.until_ready()
        time.sleep(0.2)
    client.send(query("commit"))
    assert client.kinds() == "CZ"
    assert quick.count() == 9


@pytest.mark.parametrize("moment", ["admit", "settle"])
def test_time_in_which_others_decide_is_not_the_clients(quick: Place, moment: str) -> None:
    quick.desk.pauses[moment] = decided = threading.Event()
    client = opened(quick)
    client.send(query(WRITE), query("commit"))
    time.sleep(1.5)
    decided.set()
    assert client.kinds(2) == "CZCZ"
    assert quick.count() == 9


def test_a_long_statement_is_not_idle(quick: Place) -> None:
    client = opened(quick)
    client.send(query(WRITE), query("select pg_sleep(1.5)"), query("commit"))
    client.until_ready(3)
    assert quick.count() == 9


@pytest.mark.parametrize("ended", ["closed", "cut off in its transaction"])
def test_a_connection_that_has_ended_leaves_nothing_behind(place: Place, ended: str) -> None:
    """Its transaction was watched for minutes: neither it nor what it said may stay as long."""
    gc.collect()
    gc.freeze()  # what ten thousand tests left: none of it is looked at
    for _ in range(3):
        client = opened(place)
        client.send(query(WRITE))
        client.until_ready()
        if ended == "closed":
            client.send(query("commit"))
            client.until_ready()
        client.socket.close()
    until = time.monotonic() + 10
    while (left := _connections()) and time.monotonic() < until:
        time.sleep(0.1)
    assert not left


def _connections() -> int:
    gc.collect()
    return sum(isinstance(one, Connection) for one in gc.get_objects())
