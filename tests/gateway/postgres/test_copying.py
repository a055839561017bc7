"""COPY FROM STDIN: its rows are shown to the desk before the server gets them, and may be refused at any point."""

from __future__ import annotations

import time

import pytest

from gateway.postgres.conftest import Place
from gateway.postgres.raw import SYNC, Raw, bind, execute, fields, parse, query
from yett.gateway.postgres.desk import Told
from yett.gateway.postgres.messages import message

NO = Told("not these rows", "leave them out")
DONE = message(0x63, b"")


def data(rows: bytes) -> bytes:
    return message(0x64, rows)


def opened(place: Place) -> Raw:
    return Raw(place.port).log_in(place.door.upstream.database)


@pytest.mark.parametrize("extended", [False, True], ids=["Query", "Parse"])
@pytest.mark.parametrize("size", [100, 700_000], ids=["a short row", "a row in many pieces"])
def test_rows_are_refused_in_the_middle_of_one(place: Place, size: int, *, extended: bool) -> None:
    place.desk.stops["rows", "forbidden"] = NO
    client = opened(place)
    sql = "copy t from stdin"
    client.send(parse("", sql) + bind("", "") + execute() if extended else query(sql))
    row = data(b"100\t" + b"x" * size + b"forbidden" + b"x" * size + b"\n")
    client.send(data(b"99\tx\n") + row[:size])
    time.sleep(0.2)
    client.send(row[size:] + data(b"101\tx\n") + DONE + (SYNC if extended else b""))
    said = client.until_ready()
    (error,) = (fields(body) for kind, body in said if kind == b"E")
    assert (error["C"], error["M"], error["H"]) == ("42501", NO.message, NO.hint)
    assert said[-1] == (b"Z", b"I")
    client.send(query("select count(*) from t"))
    assert (b"D", b"\0\1\0\0\0\x0210") in client.until_ready()
    assert place.desk.moments() == ["begin", "admit", "rolled back"]
    assert not place.desk.copied


def test_a_client_that_waits_with_its_rows_is_told_at_once(place: Place) -> None:
    place.desk.stops["rows", "forbidden"] = NO
    client = opened(place)
    client.send(query("begin"), query("copy t from stdin"))
    client.until_ready()
    client.send(data(b"100\tforbidden\n"))
    assert [kind for kind, _ in client.until_ready()][-2:] == [b"E", b"Z"]
    client.send(data(b"101\tx\n"), DONE, query("rollback"))
    assert client.until_ready()[-1] == (b"Z", b"I")
    assert place.count() == 10


def test_what_is_digested_is_what_the_server_gets(place: Place) -> None:
    client = opened(place)
    rows = b"".join(b"%d\tx\n" % n for n in range(100, 40_000))
    client.send(query("copy t from stdin"))
    pieces = (rows[:3], rows[3:100_001], rows[100_001:])
    client.send(b"".join(data(piece) for piece in pieces), SYNC, DONE)
    client.until_ready()
    assert place.desk.copied == [rows]
    assert place.count() == 10 + 39_900


def test_a_copy_that_the_client_gives_up_is_not_settled(place: Place) -> None:
    client = opened(place)
    client.send(query("copy t from stdin"), data(b"100\tx\n"), message(0x66, b"no more\0"))
    assert [kind for kind, _ in client.until_ready()][-2:] == [b"E", b"Z"]
    assert not place.desk.copied
    assert place.desk.moments() == ["begin", "admit", "rolled back"]
