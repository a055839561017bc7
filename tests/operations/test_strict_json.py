"""JSON that every parser reads alike, and floats that no canonical form has."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yett.model.errors import Unreadable
from yett.operations import strict_json

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=8), inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(VALUES)
def test_what_is_dumped_is_read_back(value: strict_json.Parsed) -> None:
    assert strict_json.parse(strict_json.dump(value)) == value


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=80))
def test_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        value = strict_json.parse(data)
    except Unreadable:
        return
    assert value == json.loads(data)


@pytest.mark.parametrize(
    "data",
    [
        b"\xff{}", b"\xef\xbb\xbf{}", b'{"a":1,"a":1}', b'{"a":{"b":1,"b":2}}', b"[NaN]", b"[Infinity]", b"[-Infinity]",
        b"[1e400]", b"[" + b"9" * 41 + b"]", b'["\\ud800"]', b'{"\\udc00":1}', b"[1,]", b"{'a':1}", b"", b" ", b"[] []",
        b'["\n"]', b"[" * 65 + b"]" * 65, b"[" * 100_000, b"{" * 5, b'{"a":1}\x00', b"[01]", b"[.5]", b"[1.]", b"[+1]",
    ],
)  # fmt: skip
def test_what_parsers_read_differently_is_refused(data: bytes) -> None:
    with pytest.raises(Unreadable):
        strict_json.parse(data)


def test_a_float_becomes_its_text_where_it_is_digested() -> None:
    assert strict_json.as_json({"a": [1.5, 2, {"b": 1e30}]}) == {"a": ["1.5", 2, {"b": "1e+30"}]}
