"""Content codings of request bodies: undone whole, within a size, or refused."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib

import brotli
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from yett.model.errors import Unreadable
from yett.operations.coding import payload

from .conftest import request

ENCODERS = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstandard.ZstdCompressor().compress,
}


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(ENCODERS)), st.binary(max_size=3000))
def test_each_coding_is_undone(coding: str, data: bytes) -> None:
    encoded = ENCODERS[coding](data)
    assert payload(request(headers=(("content-encoding", coding),), body=encoded)) == data


@pytest.mark.parametrize("coding", sorted(ENCODERS))
def test_a_bomb_is_refused_before_it_is_unpacked(coding: str) -> None:
    bomb = ENCODERS[coding](bytes(4 << 20))
    with pytest.raises(Unreadable, match="larger than"):
        payload(request(headers=(("content-encoding", coding),), body=bomb), limit=1000)


@pytest.mark.parametrize("coding", sorted(ENCODERS))
def test_a_bomb_takes_no_more_memory_than_its_limit(coding: str) -> None:
    asked = request(headers=(("content-encoding", coding),), body=ENCODERS[coding](bytes(32 << 20)))
    tracemalloc.start()
    try:
        with pytest.raises(Unreadable):
            payload(asked, limit=1 << 20)
        assert tracemalloc.get_traced_memory()[1] < 12 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("coding", sorted(ENCODERS))
@pytest.mark.parametrize("change", ["cut", "followed", "broken"])
def test_a_body_that_is_not_whole_is_refused(coding: str, change: str) -> None:
    whole = ENCODERS[coding](b"volumeDelete" * 20)
    bodies = {"cut": whole[:-3], "followed": whole + whole, "broken": b"\x00" + whole}
    with pytest.raises(Unreadable):
        payload(request(headers=(("content-encoding", coding),), body=bodies[change]))


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(sorted(ENCODERS)), st.binary(min_size=1, max_size=200))
def test_bytes_are_undone_or_refused(coding: str, data: bytes) -> None:
    try:
        payload(request(headers=(("content-encoding", coding),), body=data))
    except Unreadable:
        return


def test_a_header_twice_is_refused() -> None:
    with pytest.raises(Unreadable, match="occurs 2 times"):
        payload(request(headers=(("content-encoding", "gzip"), ("content-encoding", "identity")), body=b"x"))
