"""The life of a connection: pipelines, slow and vanishing agents, streams, pressure, limits, the end of a session."""

from __future__ import annotations

import hashlib
import os
import socket
import threading
import time
from contextlib import suppress
from dataclasses import replace

import pytest
from tests.gateway.conftest import PATIENT, in_haste, soon_closed

LAW = b"HTTP/1.1\r\nHost: api.test\r\n"
RAW = b"HTTP/1.1\r\nHost: raw.test\r\n"


def test_pipelined_requests_are_answered_in_their_order(gate, echo):
    with gate.tunnel() as connection:
        connection.sendall(b"".join(b"GET /%d " % n + LAW + b"\r\n" for n in range(20)))
        answers = [gate.read_answer(connection) for _ in range(20)]
    assert all(answer.status == 200 for answer in answers)
    assert [seen["path"] for seen in echo.seen] == [f"/{n}" for n in range(20)]


def test_a_pipeline_of_refusals_and_bodies_keeps_its_framing(gate, echo):
    with gate.tunnel() as connection:
        connection.sendall(
            b"POST /held " + LAW + b"Content-Length: 5\r\n\r\nGET /"
            b"POST /a " + LAW + b"Transfer-Encoding: chunked\r\n\r\n5\r\nGET /\r\n0\r\n\r\n"
            b"GET /b " + LAW + b"\r\n"
        )
        assert [gate.read_answer(connection).status for _ in range(3)] == [403, 200, 200]
    assert [(seen["path"], seen["body"]) for seen in echo.seen] == [("/a", "GET /"), ("/b", "")]


def test_a_thousand_pipelined_refusals_do_not_exhaust_the_stack(gate):
    with gate.tunnel() as connection:
        request = b"GET /x HTTP/1.1\r\nHost: other.test\r\n\r\n"
        connection.sendall(request * 3000)
        assert {gate.read_answer(connection).status for _ in range(3000)} == {403}


@pytest.mark.parametrize("gate", [replace(PATIENT, idle_seconds=0.3)], indirect=True, ids=["soon idle"])
def test_answers_that_are_read_late_are_not_cut_off(gate):
    asked = 12_000
    with gate.tunnel() as connection:
        connection.sendall(b"GET /x HTTP/1.1\r\nHost: other.test\r\n\r\n" * asked)
        time.sleep(1)  # the gate has said everything, and finds the agent idle
        said = bytearray()
        while part := connection.recv(1 << 20):
            said += part
    assert said.count(b"HTTP/1.1 403") == asked


def test_a_request_that_arrives_byte_by_byte_is_read(gate, echo):
    with gate.tunnel() as connection:
        for byte in b"POST /slow " + LAW + b"Content-Length: 3\r\n\r\nabc":
            connection.sendall(bytes([byte]))
        assert gate.read_answer(connection).status == 200
    assert echo.seen[0]["body"] == "abc"


@in_haste
@pytest.mark.parametrize("part", [b"GET / HTTP/1.1\r\nHo", b"POST / " + LAW + b"Content-Length: 9\r\n\r\nhalf",
                                  b"POST / " + LAW + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab"])  # fmt: skip
def test_half_a_request_is_answered_408_and_closed(gate, echo, part):
    with gate.tunnel() as connection:
        connection.sendall(part)
        assert gate.read_answer(connection).status == 408
        assert connection.recv(1) == b""
    assert echo.seen == []


@in_haste
def test_half_a_stream_is_answered_408_and_its_outcome_unknown(gate):
    with gate.tunnel("other.test") as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: other.test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab")
        assert gate.read_answer(connection).status == 408
    assert gate.settled() == [("POST other.test/", "unknown", 0)]


@soon_closed
@pytest.mark.parametrize("broken", [b"GET / HTTP/1.1\nHost: api.test\n\n", b"\0\0\0\0\r\n\r\n", b"x" * 70_000,
                                    b"POST / " + LAW + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"])  # fmt: skip
def test_broken_framing_is_answered_400_and_closed(gate, echo, broken):
    with gate.tunnel() as connection:
        connection.sendall(broken + b"GET /smuggled " + LAW + b"\r\n")
        assert gate.read_answer(connection).status == 400
        assert connection.recv(1) == b""
    assert echo.seen == []


SMUGGLED = b"GET /smuggled " + LAW + b"\r\n"


@soon_closed
@pytest.mark.parametrize(
    "framing",
    [b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
     b"Content-Length: 0\r\nContent-Length: 80\r\n\r\n",
     b"Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n",
     b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
     b"X: y\r\n Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"Content-Length: 5\n\r\n\r\n"],
)  # fmt: skip
def test_a_smuggled_request_never_reaches_the_upstream(gate, echo, framing):
    with gate.tunnel() as connection:
        connection.sendall(b"POST / " + LAW + framing + SMUGGLED)
        assert gate.read_answer(connection).status == 400
        assert connection.recv(1) == b""
    assert echo.seen == []


def test_expect_100_continue_is_answered_by_the_gate(gate, echo):
    with gate.tunnel() as connection:
        connection.sendall(b"POST /x " + LAW + b"Expect: 100-continue\r\nContent-Length: 3\r\n\r\n")
        assert gate.read_head(connection) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"abc")
        assert gate.read_answer(connection).status == 200
    assert "expect" not in echo.seen[0]["headers"]


def test_a_refused_upload_is_never_asked_for(gate):
    with gate.tunnel("other.test") as connection:
        head = b"PUT /held HTTP/1.1\r\nHost: other.test\r\nExpect: 100-continue\r\nContent-Length: 9000000\r\n\r\n"
        connection.sendall(head)
        assert gate.read_answer(connection).status == 403


def test_a_refused_upload_is_answered_though_the_agent_keeps_sending(gate, tmp_path):
    upload = tmp_path / "upload"
    upload.write_bytes(bytes(3 << 20))
    done = gate.curl("-i", "-H", "Expect:", "-T", str(upload), "https://other.test/held")
    assert b"HTTP/1.1 403" in done.stdout


def test_connection_close_is_honoured(gate):
    with gate.tunnel() as connection:
        connection.sendall(b"GET / " + LAW + b"Connection: close\r\n\r\n")
        said = gate.read_answer(connection)
        assert (said.status, said.headers["connection"]) == (200, "close")
        assert connection.recv(1) == b""


# -- streams


def test_a_large_upload_streams_to_an_ungoverned_host(gate, echo, tmp_path):
    upload = tmp_path / "upload"
    upload.write_bytes(os.urandom(5 << 20))
    for more in ((), ("-H", "Transfer-Encoding: chunked")):
        assert gate.curl(*more, "-T", str(upload), "https://other.test/up").returncode == 0
    assert [seen["size"] for seen in echo.seen] == [5 << 20, 5 << 20]


def test_a_secret_in_a_streamed_upload_cuts_it_off(gate, tmp_path):
    upload = tmp_path / "upload"
    upload.write_bytes(bytes(1 << 20) + gate.REAL.encode() + bytes(1 << 20))
    done = gate.curl("-i", "-T", str(upload), "https://other.test/up")
    assert b"403" in done.stdout
    assert b'"credential"' in done.stdout
    assert gate.settled() == [("PUT other.test/up", "unknown", 0)]


def streaming(gate, size, seen):
    block = os.urandom(1 << 16)

    def script(connection):
        gate.read_head(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        for _ in range(size >> 16):
            connection.sendall(block)
            seen.append(len(block))

    digest = hashlib.sha256()
    for _ in range(size >> 16):
        digest.update(block)
    return script, digest.hexdigest()


def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096


@pytest.mark.parametrize("name", ["raw.test", "script.test"])
def test_fifty_megabytes_stream_through_bounded_memory(gate, scripted, name):
    scripted.script, digest = streaming(gate, 50 << 20, [])
    before, got = resident(), hashlib.sha256()
    with gate.tunnel(name) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: %b\r\n\r\n" % name.encode())
        answer = gate.open_answer(connection)
        while piece := answer.read(1 << 16):
            got.update(piece)
    assert got.hexdigest() == digest
    assert resident() - before < 16 << 20


def test_a_slow_agent_slows_the_upstream(gate, scripted):
    sent = []
    scripted.script, _ = streaming(gate, 64 << 20, sent)
    with gate.tunnel("raw.test") as connection:
        connection.sendall(b"GET / " + RAW + b"\r\n")
        connection.recv(1)
        time.sleep(0.5)
        before = sum(sent)
        time.sleep(0.2)
        assert sum(sent) - before < 4 << 20
        assert before < 32 << 20


def test_events_are_relayed_as_they_come(gate, scripted):
    waits = []

    def script(connection):
        gate.read_head(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        for n in range(20):
            event = b"data: %d\n\n" % n
            connection.sendall(b"%x\r\n%b\r\n" % (len(event), event))
            waits.append(time.monotonic())
            time.sleep(0.02)
        connection.sendall(b"0\r\n\r\n")

    scripted.script = script
    took = []
    with gate.tunnel("model.test") as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: model.test\r\n\r\n")
        answer = gate.open_answer(connection)
        for _ in range(20):
            assert answer.readline().startswith(b"data")
            answer.readline()
            took.append(time.monotonic())
    assert all(
        arrived - left < 1 for arrived, left in zip(took, waits, strict=False)
    )  # the last is noted after it left
    assert took[0] < waits[-1]  # the first came before the last was sent: nothing was gathered


# -- agents that go away


def test_an_agent_that_goes_away_takes_its_read_along(gate, scripted):
    asked, closed = threading.Event(), threading.Event()

    def script(connection):
        gate.read_head(connection)
        asked.set()
        try:
            connection.recv(1)
        finally:
            closed.set()

    scripted.script = script
    connection = gate.tunnel("raw.test")
    connection.sendall(b"GET / " + RAW + b"\r\n")
    assert asked.wait(10)
    connection.close()
    assert closed.wait(10)
    assert gate.settled() == [("GET raw.test/", "unknown", 0)]


def test_the_end_of_a_write_is_learned_though_the_agent_went_away(gate, scripted):
    asked = threading.Event()

    def script(connection):
        gate.read_head(connection)
        asked.set()
        time.sleep(0.4)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        time.sleep(0.5)

    scripted.script = script
    connection = gate.tunnel("raw.test")
    connection.sendall(b"DELETE / " + RAW + b"\r\n")
    assert asked.wait(10)
    connection.close()
    time.sleep(0.6)
    assert gate.settled() == [("DELETE raw.test/", "done", 200)]
    assert gate.gate.open_tunnels("s-1") == 0


def test_an_agent_that_goes_away_while_it_is_decided_sends_nothing(gate, echo):
    gate.checkpoint.slow = 0.4
    connection = gate.tunnel()
    connection.sendall(b"POST /x " + LAW + b"Content-Length: 0\r\n\r\n")
    time.sleep(0.15)
    connection.close()
    time.sleep(0.5)
    assert echo.seen == []


# -- sessions


def test_the_end_of_a_session_closes_its_tunnels_and_listeners(gate):
    open_ones = [gate.tunnel(), gate.tunnel("other.test"), gate.plain()]
    began = time.monotonic()
    gate.call(lambda: gate.gate.close_session("s-1"))
    for connection in open_ones:
        connection.settimeout(1)
        with suppress(ConnectionError):
            assert connection.recv(1) == b""
    assert time.monotonic() - began < 1
    with pytest.raises(OSError):
        gate.plain()


def test_the_end_of_a_session_cuts_a_running_write_off(gate, scripted):
    asked = threading.Event()

    def script(connection):
        gate.read_head(connection)
        asked.set()
        time.sleep(3)

    scripted.script = script
    connection = gate.tunnel("raw.test")
    connection.sendall(b"DELETE / " + RAW + b"\r\n")
    assert asked.wait(10)
    gate.call(lambda: gate.gate.close_session("s-1"))
    assert gate.settled() == [("DELETE raw.test/", "unknown", 0)]


def test_lockdown_drops_tunnels_and_keeps_the_listeners(gate):
    connection = gate.tunnel()
    gate.call(gate.gate.drop_tunnels)
    connection.settimeout(1)
    with suppress(ConnectionError):
        assert connection.recv(1) == b""
    gate.plain().close()


def test_one_session_does_not_close_another(gate, echo):
    other = gate.second_session()
    gate.call(lambda: gate.gate.close_session("s-1"))
    with socket.create_connection(("127.0.0.1", other)) as raw:
        raw.sendall(b"CONNECT api.test:443 HTTP/1.1\r\nHost: api.test:443\r\n\r\n")
        assert b" 200 " in gate.read_head(raw)


def test_a_session_has_a_limit_of_sockets_and_goes_on_below_it(gate):
    taken = [gate.plain() for _ in range(32)]
    time.sleep(0.1)
    late = gate.plain()
    late.settimeout(0.2)
    late.sendall(b"CONNECT api.test:443 HTTP/1.1\r\nHost: api.test:443\r\n\r\n")
    with pytest.raises(TimeoutError):
        late.recv(1)
    taken.pop().close()
    late.settimeout(3)
    assert b" 200 " in gate.read_head(late)
    for connection in (*taken, late):
        connection.close()


def test_a_session_cannot_fill_the_daemons_memory_with_unfinished_bodies(gate):
    head = b"POST / " + LAW + b"Content-Length: 200000\r\n\r\n"
    holding = [gate.tunnel() for _ in range(5)]
    for connection in holding:
        connection.sendall(head + bytes(190_000))
    time.sleep(0.2)
    with gate.tunnel() as late:
        late.sendall(head + bytes(190_000))
        said = gate.read_answer(late)
    assert (said.status, said.problem["code"]) == (403, "too-large")
    for connection in holding:
        connection.close()
    time.sleep(0.2)
    body = bytes(190_000)
    assert gate.ask(b"POST / " + LAW + b"Content-Length: %d\r\n\r\n" % len(body) + body).status == 200


@pytest.mark.parametrize("name", ["raw.test", "script.test"])
def test_a_slow_agent_gets_everything_though_the_upstream_has_long_closed(gate, scripted, name):
    """uvloop forgets what a paused TLS transport holds when the peer closes: the gate pauses below TLS."""
    size = 3 << 20
    scripted.script, digest = streaming(gate, size, [])
    with gate.tunnel(name) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: %b\r\n\r\n" % name.encode())
        answer, got = gate.open_answer(connection), hashlib.sha256()
        time.sleep(0.4)
        while piece := answer.read(1 << 16):
            got.update(piece)
            time.sleep(0.005)
    assert got.hexdigest() == digest
