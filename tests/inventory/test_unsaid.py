"""A text without the values that stand in it: the same however many values are known."""

from __future__ import annotations

import random
import string

import pytest

from yett.inventory.engine import engine
from yett.inventory.unsaid import Unsaid, unsaid

CHANCE = random.Random(59)
LETTERS = string.ascii_letters + string.digits


def value(length: int = 40) -> str:
    return "".join(CHANCE.choices(LETTERS, k=length))


@pytest.mark.parametrize("others", [0, 5, 99, 100, 500])
def test_a_value_is_hidden_whole_however_many_are_known(others: int) -> None:
    inner = value()
    outer = f"{inner}.{value()}"
    known = [each.encode() for each in (inner, outer, *(value() for _ in range(others)))]
    clean = Unsaid(engine(), known).clean
    assert clean(f"a/{outer}/b/{inner}.env") == "a/[secret]/b/[secret].env"
    assert clean("a/b.env") == "a/b.env"


def test_signs_that_mean_something_in_a_pattern_mean_nothing_here() -> None:
    odd = value(20) + ".*+?()[]{}|^$\\"
    assert Unsaid(engine(), [odd.encode()]).clean(f"x {odd} y {odd[:-1]}z") == f"x [secret] y {odd[:-1]}z"


def test_a_text_that_is_no_text_stays_as_it_is() -> None:
    for text in ("a\udcff", "\ud800", "\udfff", ""):
        assert unsaid(text) == text
