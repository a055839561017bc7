"""Every format together: found by its path, told apart, and no bytes whatever make a parser fail."""

from __future__ import annotations

import re
import time
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from yett.inventory.formats import Format, Unparsable, all_formats, format_of, sniffers

IDENTITIES = {
    "api-key", "oauth-token", "oauth-client", "service-account", "cli-token", "certificate", "workload-identity",
    "password", "webhook", "signing-key", "session", "",
}  # fmt: skip
HOSTILE = (
    b"", b"\0" * 50_000, b"\xff\xfe\x00" * 20_000, b"[" * 100_000, b'{"a":' * 100_000, b"<a>" * 50_000, b"- " * 50_000,
    b"a" * 5_000_000, b"password=" * 50_000, b"\xef\xbb\xbf", b"machine " * 50_000, b":" * 100_000, b"\\" * 100_000,
    b"https://" * 50_000, b"://a:" * 50_000, b"Password=;" * 50_000, b"@" * 100_000, b" " * 500_000, b"\r" * 100_000,
)  # fmt: skip


def test_every_format_says_what_it_is() -> None:
    formats = all_formats()
    assert len({made.id for made in formats}) == len(formats)
    for made in formats:
        assert made.identity in IDENTITIES, made.id
        assert made.names or made.paths or made.homes or made.sniff, made.id
        assert all(home.startswith("~/") for home in made.homes), made.id


def test_no_two_formats_claim_the_same_name() -> None:
    claimed: dict[str, str] = {}
    for made in all_formats():
        for ending in (*made.names, *made.paths):
            assert claimed.setdefault(ending.lower(), made.id) == made.id, ending


def test_a_sniffing_pattern_is_one() -> None:
    for made in sniffers():
        re.compile(made.sniff)


def test_a_file_of_no_format_has_none() -> None:
    assert format_of("src/main.py") is None
    assert format_of("") is None
    assert format_of("/") is None


@pytest.mark.parametrize("made", all_formats(), ids=lambda made: made.id)
def test_hostile_bytes_are_read_or_refused_quickly(made: Format) -> None:
    for content in HOSTILE:
        began = time.monotonic()
        assert_survives(made, content)
        assert time.monotonic() - began < 10, content[:20]  # quadratic time would take minutes


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    content=st.binary(max_size=300)
    | st.text(alphabet="ab \t\n\r\"'\\={}[]<>/:;,.$@%&#!|-+0é", max_size=200).map(str.encode)
)
def test_no_bytes_make_a_parser_fail(content: bytes) -> None:
    for made in all_formats():
        assert_survives(made, content)


def assert_survives(made: Format, content: bytes) -> None:
    with suppress(Unparsable):
        for hit in made.parse(content):
            assert 0 <= hit.start <= hit.end <= len(content)
