"""Kinds are counted strictly: a form with other letters in front is no kind of its own."""

from __future__ import annotations

import pytest

from yett.inventory.kinds.count import shape


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("glpat-[A-Za-z0-9_-]{20}", "gldt-[A-Za-z0-9_-]{20}"),
        ("abc_[A-Z0-9]{16}", "xyz-v1-[0-9A-Z]{16}"),
        ("(?:dop|doo)_v1_[0-9a-f]{64}", "x(?P<secret>[0-9a-f]{64})"),
    ],
)
def test_another_prefix_is_the_same_kind(one: str, other: str) -> None:
    assert shape(one) == shape(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("abc_[A-Z0-9]{16}", "abc_[A-Z0-9]{17}"),
        ("abc_[A-Z0-9]{16}", "abc_[a-z0-9]{16}"),
        ("abc_[0-9]{4}-[0-9]{4}", "abc_[0-9]{4}[0-9]{4}"),
    ],
)
def test_other_signs_or_lengths_are_another(one: str, other: str) -> None:
    assert shape(one) != shape(other)
