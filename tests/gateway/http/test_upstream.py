"""Upstreams that break, hang, lie or smuggle: a clear 502, the connection closed, an honest outcome."""

from __future__ import annotations

import gzip
import time

import pytest
from tests.gateway.conftest import in_haste

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def get(name=b"script.test", path=b"/", more=b""):
    return b"GET " + path + b" HTTP/1.1\r\nHost: " + name + b"\r\n" + more + b"\r\n"


def post(name=b"script.test", path=b"/", body=b"{}"):
    return b"POST %b HTTP/1.1\r\nHost: %b\r\nContent-Length: %d\r\n\r\n%b" % (path, name, len(body), body)


GARBAGE = {
    "no HTTP": b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
    "CL and TE": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
    "a negative length": b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nok",
    "a folded field": b"HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 2\r\n\r\nok",
    "a bare line feed": b"HTTP/1.1 200 OK\r\nX: a\nContent-Length: 2\r\n\r\nok",
    "a head without end": b"HTTP/1.1 200 OK\r\nX: " + b"a" * 70_000,
    "an unasked switch": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
    "an unknown coding": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
    "nothing": b"",
    "half a head": b"HTTP/1.1 200 OK\r\nConte",
}


@pytest.mark.parametrize("answer", GARBAGE.values(), ids=GARBAGE.keys())
def test_an_answer_that_is_not_http_is_a_502(gate, scripted, answer):
    scripted.answers(answer)
    said = gate.ask(post(), "script.test")
    assert (said.status, said.problem["code"]) == (502, "upstream")
    assert gate.settled()[0][1] == "unknown" or answer.startswith(b"HTTP/1.1 200 OK\r\nX")


def test_a_body_that_breaks_off_breaks_off_for_the_agent_too(gate, scripted):
    scripted.answers(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
    done = gate.curl("https://raw.test/")
    assert done.returncode == 18, done  # curl: partial file
    scripted.answers(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n")
    assert gate.curl("https://raw.test/").returncode != 0


def test_chunks_that_lie_break_off(gate, scripted):
    scripted.answers(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf-and-more\r\n0\r\n\r\n")
    assert gate.ask(get(b"raw.test"), "raw.test").status == 502


def test_chunks_that_lie_later_break_off(gate, scripted):
    def script(connection):
        gate.read_head(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n")
        time.sleep(0.2)
        connection.sendall(b"x\r\n")

    scripted.script = script
    assert gate.curl("https://raw.test/").returncode != 0


@in_haste
def test_an_upstream_that_hangs_is_a_502_after_the_limit(gate, scripted):
    scripted.script = lambda connection: time.sleep(5)
    began = time.monotonic()
    said = gate.ask(post(), "script.test")
    assert said.status == 502
    assert "in time" in said.problem["detail"]
    assert 0.8 < time.monotonic() - began < 3
    assert gate.settled() == [("POST script.test/", "unknown", 0)]


@in_haste
def test_an_upstream_that_falls_silent_is_cut_off(gate, scripted):
    def script(connection):
        gate.read_head(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        time.sleep(5)

    scripted.script = script
    began = time.monotonic()
    assert gate.curl("https://raw.test/").returncode == 18
    assert time.monotonic() - began < 3


def test_nobody_there_is_a_502(gate):
    said = gate.ask(get(b"dead.test"), "dead.test")
    assert (said.status, said.problem["code"]) == (502, "upstream")
    assert gate.settled() == [("GET dead.test/", "refused", 0)]


def test_a_name_that_does_not_resolve_is_a_502(gate):
    assert gate.ask(get(b"nowhere.invalid"), "nowhere.invalid").status == 502


def test_a_certificate_for_another_name_is_a_502(gate):
    said = gate.ask(get(b"wrong.test"), "wrong.test")
    assert said.status == 502
    assert "certificate" in said.problem["detail"]


@pytest.mark.parametrize(("status", "outcome"), [(200, "done"), (302, "done"), (404, "refused"), (500, "unknown")])
def test_the_outcome_says_what_is_known(gate, scripted, status, outcome):
    scripted.answers(b"HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n" % status)
    assert gate.ask(post(), "script.test").status == status
    assert gate.settled() == [("POST script.test/", outcome, status)]


def test_interim_answers_are_dropped(gate, scripted):
    scripted.answers(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n" + OK)
    said = gate.ask(get(), "script.test")
    assert (said.status, said.body) == (200, b"ok")


def test_an_answer_that_the_end_of_the_connection_ends(gate, scripted):
    scripted.answers(b"HTTP/1.0 200 OK\r\n\r\n", b"first ", b"second")
    said = gate.ask(get(b"raw.test"), "raw.test")
    assert said.body == b"first second"
    assert said.headers["transfer-encoding"] == "chunked"


def test_bytes_behind_an_answer_belong_to_nobody(gate, scripted):
    """A second answer smuggled behind the first must not answer the next request."""

    def script(connection):
        gate.read_head(connection)
        connection.sendall(OK + b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison")
        gate.read_head(connection)
        connection.sendall(OK)

    scripted.script = script
    with gate.tunnel("script.test") as connection:
        for _ in range(2):
            connection.sendall(get())
            assert gate.read_answer(connection).body == b"ok"
    assert scripted.connections == 2


def test_an_answer_nobody_asked_for_closes_the_upstream(gate, scripted):
    def script(connection):
        gate.read_head(connection)
        connection.sendall(OK)
        time.sleep(0.1)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison")
        time.sleep(1)

    scripted.script = script
    with gate.tunnel("script.test") as connection:
        connection.sendall(get())
        assert gate.read_answer(connection).body == b"ok"
        time.sleep(0.4)
        connection.sendall(get())
        assert gate.read_answer(connection).body == b"ok"
    assert scripted.connections == 2


def closing_after_the_first(gate, scripted):
    """An upstream that answers once a connection, and closes when the next request has arrived."""

    def script(connection):
        gate.read_head(connection)
        connection.sendall(OK)
        gate.read_head(connection)

    scripted.script = script


def test_a_get_lost_on_a_stale_connection_is_sent_once_more(gate, scripted):
    closing_after_the_first(gate, scripted)
    with gate.tunnel("script.test") as connection:
        for _ in range(2):
            connection.sendall(get())
            assert gate.read_answer(connection).status == 200
    assert scripted.connections == 2


def test_a_write_lost_on_a_stale_connection_is_never_sent_again(gate, scripted):
    closing_after_the_first(gate, scripted)
    with gate.tunnel("script.test") as connection:
        connection.sendall(get())
        assert gate.read_answer(connection).status == 200
        connection.sendall(post(body=b""))
        assert gate.read_answer(connection).status == 502
    assert scripted.connections == 1
    assert gate.settled()[-1] == ("POST script.test/", "unknown", 0)


def test_a_get_that_is_lost_twice_is_a_502(gate, scripted):
    scripted.answers()
    assert gate.ask(get(), "script.test").status == 502
    assert scripted.connections == 1


# -- answers are scrubbed and sealed


def test_a_secret_in_pieces_of_a_chunked_answer_is_replaced(gate, scripted):
    real = gate.REAL.encode()
    pieces = [b"%x\r\n%b\r\n" % (len(p), p) for p in (b"a" + real[:5], real[5:9], real[9:] + b"z")]
    scripted.answers(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", *pieces, b"0\r\n\r\n")
    assert gate.ask(get(), "script.test").body == b"a" + gate.PLACEHOLDER.encode() + b"z"


def test_a_secret_in_a_field_of_the_answer_is_replaced_and_cookies_are_dropped(gate, scripted):
    head = b"HTTP/1.1 200 OK\r\nX-Echo: %b\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n" % gate.REAL.encode()
    scripted.answers(head)
    said = gate.ask(get(), "script.test")
    assert said.headers["x-echo"] == gate.PLACEHOLDER
    assert "set-cookie" not in said.headers


def test_a_governed_request_asks_for_the_whole_answer_uncoded(gate, echo):
    more = b"Accept-Encoding: gzip, br\r\nRange: bytes=0-10\r\nIf-Range: x\r\n"
    gate.ask(get(b"api.test", more=more), "api.test")
    headers = echo.seen[0]["headers"]
    assert headers["accept-encoding"] == "identity"
    assert not {"range", "if-range"} & set(headers)


def test_an_ungoverned_request_keeps_them(gate, echo):
    gate.ask(get(b"other.test", more=b"Accept-Encoding: br\r\nRange: bytes=0-10\r\n"), "other.test")
    assert (echo.seen[0]["headers"]["accept-encoding"], echo.seen[0]["headers"]["range"]) == ("br", "bytes=0-10")


def test_an_answer_encoded_all_the_same_is_decoded_and_scrubbed(gate, scripted):
    body = gzip.compress(b"a " + gate.REAL.encode() + b" b")
    scripted.answers(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body), body)
    said = gate.ask(get(), "script.test")
    assert said.body == b"a " + gate.PLACEHOLDER.encode() + b" b"
    assert "content-encoding" not in said.headers


@pytest.mark.parametrize("coding", [b"gzip", b"compress"])
def test_an_answer_that_cannot_be_decoded_is_withheld(gate, scripted, coding):
    scripted.answers(b"HTTP/1.1 200 OK\r\nContent-Encoding: %b\r\nContent-Length: 4\r\n\r\nabcd" % coding)
    said = gate.ask(get(), "script.test")
    assert said.status == 502
    assert b"abcd" not in said.body


def test_a_minted_credential_is_sealed(gate, scripted):
    scripted.answers(b"HTTP/1.1 200 OK\r\nContent-Length: 25\r\n\r\n", b'{"access_token":"minted"}')
    said = gate.ask(post(path=b"/token"), "script.test")
    assert said.body == b'{"access_token":"sealed"}'
    assert said.headers["content-length"] == "25"


def test_a_minting_answer_that_does_not_look_as_declared_is_withheld(gate, scripted):
    scripted.answers(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret")
    said = gate.ask(post(path=b"/token"), "script.test")
    assert (said.status, said.problem["code"]) == (403, "withheld")
    assert b"secret" not in said.body
    assert gate.settled() == [("POST script.test/token", "done", 200)]


def test_a_minting_answer_that_is_too_large_is_withheld(gate, scripted):
    scripted.answers(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (2 << 20), b"x" * (2 << 20))
    assert gate.ask(post(path=b"/token"), "script.test").status == 403


def test_a_redirect_of_a_governed_host_becomes_a_capability(gate, scripted):
    scripted.answers(b"HTTP/1.1 302 Found\r\nLocation: https://cdn.test/x?sig=1\r\nContent-Length: 0\r\n\r\n")
    assert gate.ask(get(), "script.test").headers["location"] == "https://cdn.test/x?sig=1"
    assert gate.broker.capabilities.urls == ["https://cdn.test/x?sig=1"]


def test_the_actions_of_an_lfs_answer_become_capabilities(gate, scripted):
    body = b'{"objects":[{"actions":{"download":{"href":"https://lfs.test/o/1","header":{"Authorization":"x"}}}}]}'
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/vnd.git-lfs+json\r\nContent-Length: %d\r\n\r\n" % len(body)
    scripted.answers(head, body)
    assert gate.ask(post(), "script.test").body == body
    assert gate.broker.capabilities.urls == ["https://lfs.test/o/1"]
