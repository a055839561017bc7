"""Checksums accept what the samples complete, refuse every single change of it, and never raise."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yett.inventory.kinds.checksums import CHECKSUMS, base58_bytes, base62_crc32, bech32
from yett.lab.checked_samples import CHECKSUM_MARKERS, complete
from yett.lab.samples import expand

SAMPLES = {
    "crc32-base62": "ghp_<[A-Za-z0-9]{30}>{crc32-base62}",
    "crc32-hex": "glsa_<[A-Za-z0-9]{32}>_{crc32-hex}",
    "wif": "<[0-9a-f]{64}>{wif}",
    "xprv": "<[0-9a-f]{148}>{xprv}",
    "tezos": "<[0-9a-f]{64}>{tezos}",
    "stellar": "<[0-9a-f]{64}>{stellar}",
    "bech32": "nsec:<[0-9a-f]{64}>{bech32}",
    "BECH32": "age-secret-key-:<[0-9a-f]{64}>{BECH32}",
    "jwt": "<[A-Za-z0-9_-]{43}>{jwt}",
    "jwe": "<[A-Za-z0-9_-]{80}>{jwe}",
}
CHECKED_BY = {"wif": "base58check", "xprv": "base58check", "tezos": "base58check", "stellar": "strkey"}


def made(marker: str, seed: int) -> bytes:
    return complete(expand(SAMPLES[marker], random.Random(seed))).encode()


def check(marker: str) -> str:
    return CHECKED_BY.get(marker, marker.lower())


def test_every_marker_has_a_sample() -> None:
    assert SAMPLES.keys() == CHECKSUM_MARKERS.keys()


@pytest.mark.parametrize("marker", SAMPLES)
def test_a_completed_sample_passes(marker: str) -> None:
    assert all(CHECKSUMS[check(marker)](made(marker, seed)) for seed in range(50))


@pytest.mark.parametrize("marker", [each for each in SAMPLES if each not in ("jwt", "jwe")])
def test_one_changed_character_fails(marker: str) -> None:
    whole = made(marker, 7)
    for at in range(6, len(whole)):
        other = b"2" if whole[at : at + 1] != b"2" else b"3"
        assert not CHECKSUMS[check(marker)](whole[:at] + other + whole[at + 1 :])


@pytest.mark.parametrize(
    ("marker", "start", "length"),
    [
        ("wif", b"5", 51),
        ("xprv", b"xprv", 111),
        ("tezos", b"edsk", 54),
        ("stellar", b"S", 56),
        ("bech32", b"nsec1", 63),
    ],
)
def test_samples_have_the_documented_form(marker: str, start: bytes, length: int) -> None:
    whole = made(marker, 3)
    assert whole.startswith(start)
    assert len(whole) == length


def test_age_keys_are_upper_case_and_74_long() -> None:
    whole = made("BECH32", 3)
    assert whole.startswith(b"AGE-SECRET-KEY-1")
    assert (len(whole), whole) == (74, whole.upper())
    assert not bech32(whole[:20] + whole[20:].lower())  # BIP 173: mixed case is invalid


def test_crc32_is_written_with_leading_zeros() -> None:
    assert base62_crc32(b"") == b"000000"


def test_published_vectors() -> None:
    # BIP 173's and BIP 350's own valid strings; they hold no key
    assert bech32(b"abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw")
    assert bech32(b"A1LQFN3A")
    assert not bech32(b"A1G7SGD8")
    assert base58_bytes(b"11") == b"\0\0"


def test_luhn_of_the_standards_example() -> None:
    assert CHECKSUMS["luhn"](b"7992 7398 713")
    assert not CHECKSUMS["luhn"](b"79927398710")


@pytest.mark.parametrize(
    "header", ['{"typ":"JWT"}', '{"alg":"none"}', "[]", "not json"], ids=["no-alg", "none", "list", "text"]
)
def test_a_token_without_an_algorithm_is_no_jwt(header: str) -> None:
    import base64

    coded = base64.urlsafe_b64encode(header.encode()).rstrip(b"=")
    assert not CHECKSUMS["jwt"](coded + b".e30." + b"a" * 43)


@pytest.mark.parametrize("name", CHECKSUMS)
@given(value=st.binary(max_size=300))
def test_no_input_raises(name: str, value: bytes) -> None:
    assert CHECKSUMS[name](value) in (True, False)


def test_text_without_markers_stays_as_it_is() -> None:
    assert complete("export A=${B} {unknown} x{nothing}") == "export A=${B} {unknown} x{nothing}"
