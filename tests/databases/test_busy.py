"""One session that keeps the gate busy with texts that take long to read, and another beside it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from tests.databases.company_of_tests import PLACEHOLDER, Company

from yett.gateway.databases.seat import Doors, Seat
from yett.operations.sql.cache import View

LONG = "SELECT 1 WHERE 1 IN (" + ",".join(map(str, range(10_000))) + ")"
"""One that only a worker may read."""


@contextmanager
def second(company: Company) -> Iterator[str]:
    """Another session on the same database: its address."""
    laws = company.laws
    session = laws.session("staging", agent="scripted.bo")
    seat = Seat(laws.plane.databases, session, laws.plane.databases.named("saas"), {"": PLACEHOLDER})
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    laws.call(lambda: laws.plane.front.listen(session.id, listener, Doors([seat])))
    try:
        yield f"postgresql://agent:{PLACEHOLDER}@127.0.0.1:{listener.getsockname()[1]}/{company.name}"
    finally:
        laws.call(lambda: laws.plane.front.close_session(session.id))
        laws.do(seat.close())


class Reading:
    """Notes who reads a long text, and lets nobody end before `end`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.begun: list[bytes] = []
        self.end = threading.Event()
        real = View.classify

        def classify(view: View, sql: bytes, prepared: Any) -> Any:
            found = real(view, sql, prepared)
            if len(sql) > 16_384:
                self.begun.append(sql[-3:])
                self.end.wait(20)
            return found

        monkeypatch.setattr(View, "classify", classify)

    def until(self, count: int) -> None:
        end = time.monotonic() + 20
        while len(self.begun) < count and time.monotonic() < end:
            time.sleep(0.01)


def read(url: str, mark: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"{LONG} --{mark}")  # type: ignore[call-overload]


def test_a_session_has_one_long_text_read_at_a_time(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    reading = Reading(monkeypatch)
    with second(company) as other, ThreadPoolExecutor(9) as clients:
        flood = [clients.submit(read, company.url, f"{number:03}") for number in range(8)]
        reading.until(1)
        beside = clients.submit(read, other, "two")
        reading.until(2)
        time.sleep(0.3)
        assert sorted(reading.begun)[1:] == [b"two"]
        reading.end.set()
        for each in (*flood, beside):
            each.result(20)
    assert len(set(reading.begun)) == 9


def test_a_client_that_leaves_does_not_free_its_turn(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    reading = Reading(monkeypatch)
    with ThreadPoolExecutor(1) as clients:
        for number in range(3):
            gone = psycopg.connect(company.url, autocommit=True)
            gone.pgconn.send_query(f"{LONG} --{number:03}".encode())
            gone.pgconn.flush()
            reading.until(1)
            gone.close()
        after = clients.submit(read, company.url, "aft")
        time.sleep(0.5)
        assert reading.begun == [b"000"]
        reading.end.set()
        after.result(20)
