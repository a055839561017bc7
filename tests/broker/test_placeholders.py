"""Placeholders: random, unreserved characters, of a declared shape."""

from __future__ import annotations

import json
import re
import uuid

import pytest

from yett.broker.placeholders import digest, in_place_of, new_placeholder
from yett.model.errors import ConfigurationError


def test_the_usual_shape() -> None:
    made = {new_placeholder() for _ in range(100)}
    assert len(made) == 100
    assert all(re.fullmatch("yett_ph_[a-z2-7]{26}", text) for text in made)


def test_declared_shapes() -> None:
    assert re.fullmatch("github_pat_[a-z2-7]{26}", new_placeholder("github_pat_{random}"))
    assert uuid.UUID(new_placeholder("{uuid}")).version == 4
    assert new_placeholder("{jwt}").count(".") == 2


@pytest.mark.parametrize("shape", ["constant", "with space {random}", "{random}\r\nx: y", "a/{random}", "{random}%41"])
def test_a_shape_that_is_guessable_or_needs_encoding_is_refused(shape: str) -> None:
    with pytest.raises(ConfigurationError):
        new_placeholder(shape)


@pytest.mark.parametrize("value", ["plain", "a.b.c", "", "..", "W10.W10.x", "eyJ9.e30.x"])
def test_what_is_no_jwt_gets_the_usual_shape(value: str) -> None:
    assert in_place_of(value).startswith("yett_ph_")


def test_a_digest_does_not_show_the_placeholder() -> None:
    assert digest("a") != digest("b")
    assert json.dumps(digest("yett_ph_x")).find("yett_ph_x") < 0
