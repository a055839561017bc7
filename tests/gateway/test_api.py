"""Yett's own calls to providers."""

from __future__ import annotations

import gzip
import time

import pytest

from yett.gateway.api import Api
from yett.gateway.names import NameRefused
from yett.model.errors import UpstreamFailed
from yett.model.http import HttpRequest


def request(host="raw.test", method="POST", body=b"{}", scheme="https"):
    return HttpRequest(method, scheme, host, 443, "/graphql", "", (("authorization", "Bearer own"),), body)


def send(gate, what, seconds=2.0):
    return gate.run(Api(gate.dialer, answer_seconds=seconds).send(what))


def test_a_call_is_sent_whole_and_answered_whole(gate, echo):
    answer = send(gate, request("other.test"))
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert echo.seen[0]["headers"] == {"host": "other.test", "authorization": "Bearer own", "content-length": "2"}


def test_an_encoded_answer_is_decoded(gate, scripted):
    body = gzip.compress(b'{"a":1}')
    scripted.answers(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body), body)
    assert send(gate, request()).body == b'{"a":1}'


@pytest.mark.parametrize("answer", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"])
def test_a_broken_answer_is_an_upstream_failure(gate, scripted, answer):
    scripted.answers(answer)
    with pytest.raises(UpstreamFailed):
        send(gate, request())


def test_a_hanging_upstream_is_an_upstream_failure(gate, scripted):
    scripted.script = lambda _: time.sleep(2)
    with pytest.raises(UpstreamFailed, match="in time"):
        send(gate, request(), seconds=0.3)


def test_a_credential_never_goes_over_plain_http(gate):
    with pytest.raises(UpstreamFailed):
        send(gate, request(scheme="http"))


def test_a_name_of_this_machine_is_refused(gate):
    with pytest.raises(NameRefused):
        gate.dialer.address("localhost", 5432)
    assert Api(gate.dialer, keeps_loopback=True).address("127.0.0.1", 5432) == ("127.0.0.1", 5432)
