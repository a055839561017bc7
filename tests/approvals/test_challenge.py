"""Challenges: equal inputs give equal bytes, any other input gives others."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yett.approvals.challenge import Answer, Site, enrol_challenge, hold_challenge
from yett.approvals.sealing import Seal
from yett.model.errors import StoreUnavailable

SITE = Site("store", 4663)

holds = st.tuples(
    st.sampled_from([SITE, Site("store", 4664), Site("other", 4663), Site("store", 4663, drill=True)]),
    st.sampled_from(Answer),
    st.binary(min_size=16, max_size=16),
    st.integers(0, 2**64 - 1),
    st.binary(max_size=20),
    st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=3),
)


@given(holds, holds)
def test_two_holds_share_a_challenge_only_if_they_are_the_same(one: tuple, other: tuple) -> None:  # type: ignore[type-arg]
    assert (hold_challenge(*one) == hold_challenge(*other)) == (one == other)


def test_challenge_is_what_the_format_says() -> None:
    nonce, document = bytes(range(16)), {"b": 1, "a": "é"}
    expected = hashlib.sha256(
        b"yett/approve/v1\0approve\0real:store@http://localhost:4663\0"
        + nonce
        + b"\0"
        + (7).to_bytes(8, "big")
        + b"\0"
        + hashlib.sha256(b"note").digest()
        + b'\0{"a":"\xc3\xa9","b":1}'
    ).digest()
    assert hold_challenge(SITE, Answer.APPROVE, nonce, 7, b"note", document) == expected


def test_parts_that_could_run_together_are_refused() -> None:
    with pytest.raises(ValueError, match="NUL"):
        hold_challenge(Site("a\0b", 1), Answer.DENY, b"n" * 16, 1, b"", {})
    with pytest.raises(ValueError, match="16 bytes"):
        hold_challenge(SITE, Answer.DENY, b"n" * 15, 1, b"", {})


def test_enrolment_is_bound_to_code_and_name() -> None:
    assert len({enrol_challenge(SITE, code, name) for code in (b"a", b"b") for name in ("Ada", "Bo")}) == 4


def test_sealed_document_opens_for_its_own_row_only() -> None:
    seal, document = Seal(b"k" * 32), {"a": [1, None, "x"]}
    column = seal.close(document, "h-1")
    assert seal.open(column, "h-1") == document
    for broken, row, key in (
        (column, "h-2", seal),
        (column, "h-1", Seal(b"j" * 32)),
        ({"sealed": "AAAA"}, "h-1", seal),
        ({}, "h-1", seal),
        (None, "h-1", seal),
    ):
        with pytest.raises(StoreUnavailable):
            key.open(broken, row)
    with pytest.raises(ValueError, match="32 bytes"):
        Seal(b"short")
