"""Entries are canonical, timed, and never too large for their bundle."""

from __future__ import annotations

import pytest

from yett.ledger.entries import MOST_BYTES, Entry, EntryRefused, encode, stamp
from yett.model.canonical import canonical
from yett.model.errors import LedgerUnavailable


def test_an_entry_is_canonical_json() -> None:
    entry = Entry("intent", {"b": [1, None, True], "a": "é\n"})
    expected = canonical({"v": 1, "kind": "intent", "at": 5, "body": {"b": [1, None, True], "a": "é\n"}})
    assert stamp(encode(entry), 5) == expected


@pytest.mark.parametrize("value", [1.5, b"bytes", {1: 2}, "\ud800", object()])
def test_what_has_no_canonical_form_is_refused(value: object) -> None:
    with pytest.raises(EntryRefused):
        encode(Entry("read", {"x": value}))  # type: ignore[dict-item]


def test_what_contains_itself_is_refused() -> None:
    loop: list[object] = []
    loop.append(loop)
    with pytest.raises(EntryRefused):
        encode(Entry("read", {"x": loop}))  # type: ignore[dict-item]


def test_an_entry_that_fits_no_bundle_is_refused_as_unlogged() -> None:
    with pytest.raises(LedgerUnavailable, match="65000 is the most"):
        encode(Entry("read", {"x": "a" * MOST_BYTES}))
    largest = stamp(encode(Entry("read", {"x": "a" * (MOST_BYTES - 37)})), 2**63 - 1)
    assert len(largest) < 2**16
