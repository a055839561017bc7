"""Chunks whose order and end are authenticated."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yett.recovery.keep.errors import Damaged
from yett.recovery.keep.stream import CHUNK_BYTES, TAG_BYTES, Sealer, Unsealer

KEY = os.urandom(32)
SEALED = CHUNK_BYTES + TAG_BYTES
BLOCK = os.urandom(4096)
LENGTHS = st.one_of(
    st.sampled_from([0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 2 * CHUNK_BYTES, 3 * CHUNK_BYTES + 7]),
    st.integers(0, 3 * CHUNK_BYTES),
)


def of_length(length: int) -> bytes:
    return (BLOCK * (length // len(BLOCK) + 1))[:length]


def sealed(plain: bytes, key: bytes = KEY, cut: int = 1 << 20) -> bytes:
    sealer = Sealer(key)
    return b"".join([*(sealer.update(plain[at : at + cut]) for at in range(0, len(plain), cut)), sealer.finish()])


def unsealed(data: bytes, key: bytes = KEY, cut: int = 1 << 20) -> bytes:
    unsealer = Unsealer(key)
    return b"".join([*(unsealer.update(data[at : at + cut]) for at in range(0, len(data), cut)), unsealer.finish()])


@given(LENGTHS, st.integers(1000, 2 * CHUNK_BYTES), st.integers(1000, 2 * CHUNK_BYTES))
def test_what_was_sealed_comes_back_however_it_is_cut(length: int, cut: int, other: int) -> None:
    plain = of_length(length)
    data = sealed(plain, cut=cut)
    assert data == sealed(plain)
    assert unsealed(data, cut=other) == plain
    assert len(data) == length + TAG_BYTES * max(1, -(-length // CHUNK_BYTES))


@given(LENGTHS, st.data())
def test_any_bit_that_is_flipped_is_noticed(length: int, data: st.DataObject) -> None:
    changed = bytearray(sealed(of_length(length)))
    at = data.draw(st.integers(0, len(changed) * 8 - 1))
    changed[at // 8] ^= 1 << at % 8
    with pytest.raises(Damaged):
        unsealed(bytes(changed))


@given(LENGTHS, st.data())
def test_wherever_it_is_cut_off_is_noticed(length: int, data: st.DataObject) -> None:
    whole = sealed(of_length(length))
    with pytest.raises(Damaged):
        unsealed(whole[: data.draw(st.integers(0, len(whole) - 1))])


@pytest.mark.parametrize("left", [0, 1, 2, 3])
def test_cut_off_between_two_chunks_is_noticed(left: int) -> None:
    with pytest.raises(Damaged):
        unsealed(sealed(of_length(4 * CHUNK_BYTES))[: left * SEALED])


def test_more_after_the_end_is_noticed() -> None:
    whole = sealed(of_length(CHUNK_BYTES))
    for more in (b"\0", whole, sealed(b"")):
        with pytest.raises(Damaged):
            unsealed(whole + more)


def test_chunks_in_another_order_twice_or_left_out_are_noticed() -> None:
    data = sealed(of_length(4 * CHUNK_BYTES + 5))
    one, two, three, four, last = (data[at : at + SEALED] for at in range(0, len(data), SEALED))
    for moved in (
        [two, one, three, four, last],
        [one, one, three, four, last],
        [one, three, four, last],
        [one, two, three, last, four],
        [two, three, four, last],
    ):
        with pytest.raises(Damaged):
            unsealed(b"".join(moved))


def test_a_chunk_of_another_stream_is_noticed() -> None:
    ours, theirs = sealed(of_length(2 * CHUNK_BYTES)), sealed(of_length(2 * CHUNK_BYTES), key=os.urandom(32))
    with pytest.raises(Damaged):
        unsealed(theirs[:SEALED] + ours[SEALED:])
    with pytest.raises(Damaged):
        unsealed(ours[:SEALED] + theirs[SEALED:])
