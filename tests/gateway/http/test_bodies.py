"""Bodies: sized, chunked (RFC 9112, 7.1), until the connection ends."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yett.gateway.http.bodies import LAST_CHUNK, Chunked, Sized, chunk
from yett.gateway.http.framing import Malformed


def decoded(*pieces):
    body = Chunked()
    payload = b"".join(body.feed(piece) for piece in pieces)
    return payload, body


def test_a_chunked_body_ends_where_it_says_and_gives_back_what_follows():
    payload, body = decoded(b"3\r\nabc\r\n2;note=x\r\nde\r\n0\r\nTrailer: x\r\n\r\nGET /")
    assert (payload, body.done, body.rest) == (b"abcde", True, b"GET /")


@pytest.mark.parametrize(
    "raw",
    [
        b"g\r\n",
        b"-1\r\n",
        b"+1\r\na\r\n",
        b" 1\r\na\r\n",
        b"1 \r\na\r\n",
        b"1 ;x\r\na\r\n",
        b"0x1\r\na\r\n",
        b"1\na\r\n",
        b"1\r\nab\r\n",
        b"1\r\na\n",
        b"1\r\na\r\r",
        b"ffffffffffffffff\r\n",
        b"1;\x00\r\na\r\n",
        b"1;a\nb\r\na\r\n",
        b"\r\n",
        b"1" * 2000,
        b"0\r\nno colon\r\n\r\n",
        b"0\r\n folded: x\r\n\r\n",
        b"0\r\nX: \x00\r\n\r\n",
        b"0\r\nX: a\nY: b\r\n\r\n",
        b"0\r\n" + b"X: y\r\n" * 3000,
    ],
)
def test_a_chunked_body_that_could_be_read_in_two_ways_is_malformed(raw):
    with pytest.raises(Malformed):
        decoded(raw)


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=8), st.data())
@settings(max_examples=150, deadline=None)
def test_any_cut_of_a_chunked_body_decodes_to_the_same(payloads, data):
    raw = b"".join(chunk(payload) for payload in payloads) + LAST_CHUNK + b"next"
    cuts = sorted(data.draw(st.lists(st.integers(0, len(raw)), max_size=10)))
    body, out, at = Chunked(), b"", 0
    for cut in [*cuts, len(raw)]:
        if body.done:
            break
        out += body.feed(raw[at:cut])
        at = cut
    assert out == b"".join(payloads)
    assert body.done
    assert b"next".startswith(body.rest)


@given(st.binary(max_size=200))
@settings(max_examples=300, deadline=None)
def test_any_bytes_decode_or_are_malformed(noise):
    try:
        payload, _ = decoded(noise)
    except Malformed:
        return
    assert len(payload) <= len(noise)


def test_a_sized_body_ends_at_its_size():
    body = Sized(4)
    assert (body.feed(b"ab"), body.done) == (b"ab", False)
    assert (body.feed(b"cdEF"), body.done, body.rest) == (b"cd", True, b"EF")


def test_an_empty_payload_is_no_chunk():
    assert chunk(b"") == b""
