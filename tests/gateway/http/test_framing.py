"""Heads: whatever two parsers could read differently is refused (RFC 9112)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yett.gateway.http.framing import CHUNKED, NO_BODY, UNTIL_CLOSE, Malformed, parse_request, parse_response
from yett.gateway.http.serialise import request_head, response_head
from yett.model.http import HttpRequest

HEAD = b"GET / HTTP/1.1\r\nHost: a.test\r\n"


def test_a_head_becomes_lower_case_fields_without_hop_by_hop_ones():
    head = parse_request(
        HEAD + b"X-One:  two \r\nConnection: keep-alive, X-Private\r\nX-Private: 1\r\nKeep-Alive: 5\r\nTE: trailers\r\n"
        b"Proxy-Authorization: Basic eA==\r\nAccept: */*"
    )
    assert head.headers == (("x-one", "two"), ("accept", "*/*"))
    assert (head.method, head.target, head.host, head.length) == ("GET", "/", "a.test", NO_BODY)


REFUSED = {
    "HTTP/1.0": b"GET / HTTP/1.0\r\nHost: a",
    "HTTP/2.0": b"PRI * HTTP/2.0",
    "HTTP/1.1 in lower case": b"GET / http/1.1\r\nHost: a",
    "two spaces in the request line": b"GET  / HTTP/1.1\r\nHost: a",
    "a space behind the version": b"GET / HTTP/1.1 \r\nHost: a",
    "a tab in the request line": b"GET\t/ HTTP/1.1\r\nHost: a",
    "a lower-case method": b"get / HTTP/1.1\r\nHost: a",
    "an empty line before the request": b"\r\nGET / HTTP/1.1\r\nHost: a",
    "no Host": b"GET / HTTP/1.1\r\nAccept: */*",
    "two Hosts": HEAD + b"Host: a.test",
    "Content-Length and Transfer-Encoding": HEAD + b"Content-Length: 3\r\nTransfer-Encoding: chunked",
    "Transfer-Encoding and Content-Length": HEAD + b"Transfer-Encoding: chunked\r\nContent-Length: 3",
    "two Content-Lengths": HEAD + b"Content-Length: 3\r\nContent-Length: 4",
    "two equal Content-Lengths": HEAD + b"Content-Length: 3\r\nContent-Length: 3",
    "a list of Content-Lengths": HEAD + b"Content-Length: 3, 3",
    "a signed Content-Length": HEAD + b"Content-Length: +3",
    "a hexadecimal Content-Length": HEAD + b"Content-Length: 0x3",
    "a Content-Length with an underscore": HEAD + b"Content-Length: 1_0",
    "a Content-Length in other digits": HEAD + b"Content-Length: \xd9\xa3",
    "an empty Content-Length": HEAD + b"Content-Length:",
    "a Content-Length over all bounds": HEAD + b"Content-Length: 99999999999999999999",
    "gzip, chunked": HEAD + b"Transfer-Encoding: gzip, chunked",
    "identity": HEAD + b"Transfer-Encoding: identity",
    "xchunked": HEAD + b"Transfer-Encoding: xchunked",
    "chunked behind a control": HEAD + b"Transfer-Encoding: \x0bchunked",
    "chunked twice": HEAD + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
    "a space before the colon": HEAD + b"Content-Length : 3",
    "a tab before the colon": HEAD + b"Transfer-Encoding\t: chunked",
    "a folded line": HEAD + b"X-A: b\r\n c",
    "a first field that is folded": b"GET / HTTP/1.1\r\n Host: a",
    "a line without a colon": HEAD + b"Nonsense",
    "an empty name": HEAD + b": x",
    "a name that is no token": HEAD + b"X(a): b",
    "a name in another alphabet": HEAD + b"X-\xe9: b",
    "a bare line feed": HEAD + b"X-A: b\nContent-Length: 3",
    "a bare carriage return": HEAD + b"X-A: b\rContent-Length: 3",
    "a NUL": HEAD + b"X-A: \x00",
    "an escape": HEAD + b"X-A: \x1b[2J",
    "a DEL": HEAD + b"X-A: \x7f",
    "two Authorizations": HEAD + b"Authorization: a\r\nAuthorization: b",
    "two Content-Types": HEAD + b"Content-Type: a/b\r\nContent-Type: c/d",
    "an unknown expectation": HEAD + b"Expect: 200-ok",
    "too many fields": HEAD + b"\r\n".join(b"X: y" for _ in range(300)),
    "a head of 65 KiB": HEAD + b"X: " + b"y" * 66_000,
}


@pytest.mark.parametrize("head", REFUSED.values(), ids=REFUSED.keys())
def test_a_request_that_could_be_read_in_two_ways_is_malformed(head):
    with pytest.raises(Malformed):
        parse_request(head)


REFUSED_ANSWERS = {
    "another protocol": b"ICY 200 OK",
    "HTTP/2": b"HTTP/2 200",
    "no status": b"HTTP/1.1 OK",
    "a status of two digits": b"HTTP/1.1 20 OK",
    "a status of four digits": b"HTTP/1.1 2000 OK",
    "a status that starts with a zero": b"HTTP/1.1 099 x",
    "CL and TE": b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked",
    "two Content-Lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 5",
    "an unknown coding": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked",
    "chunked in HTTP/1.0": b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked",
    "a folded line": b"HTTP/1.1 200 OK\r\nX: a\r\n b",
    "a bare line feed": b"HTTP/1.1 200 OK\r\nX: a\nY: b",
}


@pytest.mark.parametrize("head", REFUSED_ANSWERS.values(), ids=REFUSED_ANSWERS.keys())
def test_an_answer_that_could_be_read_in_two_ways_is_malformed(head):
    with pytest.raises(Malformed):
        parse_response(head, "GET")


@pytest.mark.parametrize(
    ("head", "method", "length", "announced", "closes"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3", "GET", 3, 3, False),
        (b"HTTP/1.1 200 \r\nContent-Length: 3", "GET", 3, 3, False),
        (b"HTTP/1.1 200\r\nContent-Length: 0\r\nConnection: close", "GET", 0, 0, True),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked", "GET", CHUNKED, -1, False),
        (b"HTTP/1.1 200 OK", "GET", UNTIL_CLOSE, -1, True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 30", "HEAD", NO_BODY, 30, False),
        (b"HTTP/1.1 204 No Content", "DELETE", NO_BODY, -1, False),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9", "GET", NO_BODY, 9, False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 3", "GET", 3, 3, True),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 3\r\nConnection: keep-alive", "GET", 3, 3, False),
    ],
)
def test_the_length_of_an_answer_follows_rfc_9112_6_3(head, method, length, announced, closes):
    found = parse_response(head, method)
    assert (found.length, found.announced, found.closes) == (length, announced, closes)


def test_an_upgrade_counts_only_when_connection_names_it():
    assert parse_request(HEAD + b"Upgrade: websocket\r\nConnection: Upgrade").upgrade == "websocket"
    assert parse_request(HEAD + b"Upgrade: websocket").upgrade == ""


def test_a_value_with_a_line_break_is_never_written():
    request = HttpRequest("GET", "https", "a.test", 443, "/", "", (("x", "a\r\nhost: b"),))
    with pytest.raises(Malformed):
        request_head(request, None)
    with pytest.raises(Malformed):
        response_head(200, (("x", "a\nb"),), 0)


def test_another_port_is_part_of_the_host_that_leaves():
    request = HttpRequest("GET", "https", "a.test", 8443, "/p", "q=1", ())
    assert request_head(request, None) == b"GET /p?q=1 HTTP/1.1\r\nhost: a.test:8443\r\n\r\n"


TOKENS = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJ0123456789-_!#$%&'*+.^`|~", min_size=1, max_size=20)
VALUES = st.text(st.characters(min_codepoint=0x21, max_codepoint=0xFF, exclude_characters="\x7f"), max_size=30)
SPECIAL = {
    "host", "content-length", "transfer-encoding", "connection", "expect", "upgrade", "keep-alive", "te", "trailer",
    "proxy-connection", "proxy-authorization", "proxy-authenticate", "http2-settings", "alt-svc", "content-type",
    "content-encoding", "authorization", "range", "proxy-authentication-info",
}  # fmt: skip


@given(st.lists(st.tuples(TOKENS.filter(lambda name: name.lower() not in SPECIAL), VALUES), max_size=12))
@settings(max_examples=150, deadline=None)
def test_what_is_parsed_is_written_back_to_the_same_value(fields):
    raw = HEAD + "\r\n".join(f"{name}:{value}" for name, value in fields).encode("latin-1")
    head = parse_request(raw.removesuffix(b"\r\n"))
    again = HttpRequest("GET", "https", "a.test", 443, "/", "", head.headers)
    assert parse_request(request_head(again, None)[:-4]).headers == head.headers


@given(st.binary(max_size=300))
@settings(max_examples=400, deadline=None)
def test_any_bytes_are_parsed_or_malformed(noise):
    for raw in (noise, HEAD + noise, b"GET / HTTP/1.1\r\n" + noise):
        try:
            head = parse_request(raw)
        except Malformed:
            continue
        assert all("\r" not in value and "\n" not in value for _, value in head.headers)


PIECES = st.sampled_from(
    [b"Content-Length", b"Transfer-Encoding", b"Host", b":", b" ", b"\t", b"\r\n", b"\n", b"\r", b"3", b"chunked", b",",
     b"\x00", b"\x0b", b"x", b"0", b";", b"gzip"]
)  # fmt: skip


@given(st.lists(PIECES, max_size=14))
@settings(max_examples=500, deadline=None)
def test_framing_is_never_ambiguous_whatever_is_put_together(pieces):
    """A head that passes has one Host, and at most one of the two framing fields, in its plain form."""
    raw = HEAD + b"".join(pieces)
    try:
        parse_request(raw)
    except Malformed:
        return
    lines = raw.lower().split(b"\r\n")[1:]
    names = [line.partition(b":")[0] for line in lines]
    assert names.count(b"host") == 1
    assert names.count(b"content-length") + names.count(b"transfer-encoding") <= 1
    assert all(name == name.strip() for name in names)
    assert b"\n" not in raw.replace(b"\r\n", b"")
