"""Content codings: decoded to be read, never beyond the cap."""

from __future__ import annotations

import gzip
import zlib

import brotli
import pytest
import zstandard

from yett.gateway.http.coding import TooLarge, decode
from yett.gateway.http.framing import Malformed

PLAIN = b'{"query":"{ me { id } }"}' * 20
CODED = {
    "gzip": gzip.compress(PLAIN),
    "deflate": zlib.compress(PLAIN),
    "br": brotli.compress(PLAIN),
    "zstd": zstandard.compress(PLAIN),
}
BOMB = bytes(50 << 20)
BOMBS = {
    "gzip": gzip.compress(BOMB),
    "deflate": zlib.compress(BOMB),
    "br": brotli.compress(BOMB, quality=5),
    "zstd": zstandard.compress(BOMB),
}


@pytest.mark.parametrize("coding", CODED)
def test_the_usual_codings_are_decoded(coding):
    assert decode(coding.upper(), CODED[coding], 1 << 20) == PLAIN


@pytest.mark.parametrize("coding", BOMBS)
def test_a_bomb_stops_at_the_cap(coding):
    with pytest.raises(TooLarge):
        decode(coding, BOMBS[coding], 1 << 20)


@pytest.mark.parametrize("coding", CODED)
def test_an_encoded_body_that_ends_early_or_goes_on_is_malformed(coding):
    with pytest.raises(Malformed):
        decode(coding, CODED[coding][:-3], 1 << 20)
    with pytest.raises(Malformed):
        decode(coding, CODED[coding] + b'{"query":"mutation"}', 1 << 20)


@pytest.mark.parametrize("coding", ["compress", "gzip, br", "gzip,gzip", "x", "utf-8"])
def test_an_unknown_coding_is_malformed(coding):
    with pytest.raises(Malformed):
        decode(coding, b"x", 100)
