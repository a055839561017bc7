"""A session's connections: lockdown, cancel requests, pinned settings, slow clients, the ends of both sides."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable

import psycopg
import pytest
from psycopg import errors

from gateway.postgres.conftest import Place
from gateway.postgres.raw import Raw, query
from gateway.postgres.wire import SESSION, TableDesk, TableDoor


def until(true: Callable[[], object], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def backends(place: Place) -> int:
    database = place.door.upstream.database
    query = f"select count(*) from pg_stat_activity where datname = '{database}' and pid <> pg_backend_pid()"
    return int(str(place.rows(query)[0][0]))


# ---- lockdown


@pytest.mark.parametrize("doing", ["nothing", "a read", "a write", "a transaction", "asking", "a login"])
def test_lockdown_ends_everything_within_a_second(place: Place, doing: str) -> None:
    raw = Raw(place.port)
    if doing != "a login":
        raw.log_in(place.door.upstream.database)
    if doing == "a read":
        raw.send(query("select pg_sleep(30)"))
    elif doing == "a write":
        raw.send(query("delete from t where pg_sleep(30) is not null"))
    elif doing == "a transaction":
        raw.send(query("begin; delete from t"))
        raw.until_ready()
    elif doing == "asking":
        place.desk.pauses["admit"] = threading.Event()
        raw.send(query("delete from t"))
    time.sleep(0.2)
    began = time.monotonic()
    place.wire.call(place.wire.front.drop)
    assert raw.ends() == ""
    assert time.monotonic() - began < 1
    until(lambda: backends(place) == 0, 1.5)
    assert place.wire.call(lambda: place.wire.front.count(SESSION)) == 0
    assert place.count() == 10
    if doing not in ("nothing", "a read", "a login"):
        assert place.desk.moments()[-1] == "rolled back"
    place.connect().close()  # the listener is still there


def test_the_end_of_a_session_closes_its_listeners(place: Place) -> None:
    other = TableDoor(place.door.upstream, TableDesk())
    port = place.wire.listen(other, session="s2")
    with place.connect() as c:
        place.wire.call(lambda: place.wire.front.close_session(SESSION))
        with pytest.raises(psycopg.OperationalError):
            c.execute("select 1")
    with pytest.raises(psycopg.OperationalError):
        place.connect()
    psycopg.connect(place.url, port=port).close()


# ---- cancel


def cancel(port: int, pid: int, secret: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port)) as other:
        other.sendall(struct.pack(">III", 12 + len(secret), 80877102, pid) + secret)
        other.settimeout(5)
        assert other.recv(1) == b""


def test_a_client_cancels_its_statement(place: Place) -> None:
    with place.connect() as c:
        for text in ("select pg_sleep(30)", "delete from t where pg_sleep(30) is null"):
            timer = threading.Timer(0.3, c.cancel_safe)
            timer.start()
            with pytest.raises(errors.QueryCanceled):
                c.execute(text)
            timer.join()
        c.execute("select 1")
    assert place.count() == 10


def test_a_client_cancels_while_a_person_is_asked(place: Place) -> None:
    place.desk.pauses["admit"] = threading.Event()
    with place.connect() as c:
        timer = threading.Timer(0.3, c.cancel_safe)
        timer.start()
        with pytest.raises(errors.QueryCanceled):
            c.execute("delete from t")
        timer.join()
        assert c.execute("select count(*) from t").fetchone() == (10,)
    assert place.desk.moments()[-1] == "rolled back"


def test_no_other_session_and_no_guess_cancels(place: Place) -> None:
    other = place.wire.listen(TableDoor(place.door.upstream, TableDesk()), session="s2")
    raw = Raw(place.port).log_in(place.door.upstream.database)
    raw.send(query("select pg_sleep(1.5)"))
    time.sleep(0.2)
    cancel(other, raw.pid, raw.secret)
    cancel(place.port, raw.pid, bytes(4))
    cancel(place.port, raw.pid, raw.secret + b"\0")
    cancel(place.port, raw.pid ^ 1, raw.secret)
    real = place.rows("select pid from pg_stat_activity where query like 'select pg_sleep%'")[0][0]
    assert real != raw.pid
    assert raw.kinds() == "TDCZ"
    raw.send(query("select pg_sleep(30)"))
    time.sleep(0.2)
    cancel(place.port, raw.pid, raw.secret)
    assert raw.kinds() == "TEZ"
    raw.close()


def test_keys_are_random(place: Place) -> None:
    keys = set()
    for _ in range(5):
        raw = Raw(place.port).log_in(place.door.upstream.database)
        keys |= {raw.pid, raw.secret}
        raw.close()
    assert len(keys) == 10


# ---- what a text means


@pytest.mark.parametrize(
    "text",
    [
        "do $$begin perform set_config('standard_conforming_strings', 'off', false); end$$",
        "do $$begin set client_encoding to latin1; end$$",
        "do $$begin perform set_config('search_path', 'pg_temp', false); end$$",
        "do $$begin set session role pg_read_all_data; end$$",
        "do $$begin set session authorization pg_monitor; end$$",
        "do $$begin set backslash_quote to on; end$$",
        "do $$begin execute 'prepare p as delete from t'; end$$",
    ],
)
@pytest.mark.parametrize("inside", [False, True])
def test_a_session_whose_texts_would_mean_something_else_ends(place: Place, text: str, inside: bool) -> None:
    if "authorization" in text or "role" in text:
        text = text.replace("pg_monitor", "other_one").replace("pg_read_all_data", "other_one")
        with psycopg.connect(place.direct, autocommit=True) as direct:
            direct.execute("do $$begin create role other_one login; exception when others then null; end$$")
    raw = Raw(place.port).log_in(place.door.upstream.database)
    if inside:
        raw.send(query("begin"))
        raw.until_ready()
    raw.send(query(text), query(r"select '\' as a, '; delete from t; -- '"), query("execute p"))
    assert raw.ends() == "08P01"
    assert "refused" in place.desk.moments()
    assert place.count() == 10


def test_a_role_whose_settings_drifted_still_means_the_same(place: Place) -> None:
    """ALTER ROLE .. SET is outranked by what the wire says when it logs in."""
    database = place.door.upstream.database
    with psycopg.connect(place.direct, autocommit=True) as direct:
        direct.execute(f"alter database {database} set standard_conforming_strings = off")
        direct.execute(f"alter database {database} set client_encoding = latin1")
        direct.execute(f"alter database {database} set backslash_quote = on")
        try:
            with place.connect() as c:
                c.execute("reset all")
                c.execute("discard all")
                for name, value in (
                    ("standard_conforming_strings", "on"),
                    ("client_encoding", "UTF8"),
                    ("backslash_quote", "safe_encoding"),
                ):
                    assert c.execute(f"show {name}").fetchone() == (value,)
        finally:
            direct.execute(f"alter database {database} reset all")


# ---- the ends, and their pace


def test_a_slow_client_slows_the_server_down(place: Place) -> None:
    raw = Raw(place.port).log_in(place.door.upstream.database)
    raw.send(query("select repeat('x', 1000) from generate_series(1, 300000)"))
    time.sleep(1.5)
    held = place.wire.call(lambda: _held(place))
    assert held < 4 << 20
    assert sum(kind == b"D" for kind, _ in raw.until_ready()) == 300_000
    raw.close()


def test_a_client_that_sends_while_a_person_is_asked_is_slowed_down(place: Place) -> None:
    go = place.desk.pauses["admit"] = threading.Event()
    raw = Raw(place.port).log_in(place.door.upstream.database)
    raw.send(query("delete from t where id = 1"))
    time.sleep(0.2)
    filler = query("select '" + "x" * 100_000 + "'")
    sender = threading.Thread(target=lambda: raw.send(*[filler] * 300))
    sender.start()
    time.sleep(0.5)
    waiting = place.wire.call(lambda: [one.requests.waiting for one in _connections(place)])
    assert waiting[0] < 2 << 20
    go.set()
    assert raw.kinds(301).count("D") == 300
    sender.join()
    raw.close()


def _connections(place: Place) -> list[object]:
    return list(place.wire.front._sessions[SESSION]._connections.values())


def _held(place: Place) -> int:
    return sum(one.agent.transport.get_write_buffer_size() for one in _connections(place))  # type: ignore[attr-defined]


def test_both_sides_end_together(place: Place) -> None:
    c = place.connect()
    assert backends(place) == 1
    c.close()
    until(lambda: backends(place) == 0)
    until(lambda: place.door.ended == 1)
    with place.connect() as c:
        with psycopg.connect(place.direct, autocommit=True) as direct:
            direct.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where application_name = ''"
                " and datname = current_database() and pid <> pg_backend_pid()"
            )
        with pytest.raises(psycopg.OperationalError, match="terminating connection"):
            c.execute("select 1")
    until(lambda: place.door.ended == 2)


def test_a_statement_of_a_client_that_has_gone_is_cancelled(place: Place) -> None:
    raw = Raw(place.port).log_in(place.door.upstream.database)
    raw.send(query("select pg_sleep(30)"))
    time.sleep(0.3)
    raw.close()
    until(lambda: backends(place) == 0, 3)


def test_closing_the_front_waits_for_what_is_open(place: Place) -> None:
    raw = Raw(place.port).log_in(place.door.upstream.database)
    raw.send(query("begin; delete from t"))
    raw.until_ready()
    place.wire.wait(place.wire.front.close())
    assert place.desk.moments()[-1] == "rolled back"
