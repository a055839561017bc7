"""What every test of a format needs: random values, and a parser's findings with their bytes checked."""

from __future__ import annotations

import random
import string
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from yett.inventory.formats import all_formats, format_of
from yett.inventory.hit import Hit


@dataclass(frozen=True)
class Found:
    """One finding: the credential, the raw text at its place, whose it is."""

    value: str
    raw: str
    account: str
    hit: Hit


@pytest.fixture(name="made")
def made_(request: pytest.FixtureRequest) -> Callable[..., str]:
    """A random value, the same in every run of a test."""
    rng = random.Random(request.node.name)

    def make(length: int = 24, alphabet: str = string.ascii_letters + string.digits) -> str:
        return "".join(rng.choices(alphabet, k=length))

    return make


@pytest.fixture
def parsed() -> Callable[..., list[Found]]:
    """The findings in a file of that path, told by the path."""

    def parse(path: str, content: str | bytes) -> list[Found]:
        text = content.encode() if isinstance(content, str) else content
        form = format_of(path)
        assert form is not None, path
        hits = list(form.parse(text))
        assert all(0 <= hit.start < hit.end <= len(text) for hit in hits)
        return [
            Found(hit.value_in(text).decode(), text[hit.start : hit.end].decode("latin-1"), hit.account, hit)
            for hit in hits
        ]

    return parse


@pytest.fixture
def parsed_as() -> Callable[..., list[Found]]:
    """The findings of a format by its id."""

    def parse(name: str, content: str | bytes) -> list[Found]:
        text = content.encode() if isinstance(content, str) else content
        (form,) = (form for form in all_formats() if form.id == name)
        return [
            Found(hit.value_in(text).decode(), text[hit.start : hit.end].decode("latin-1"), hit.account, hit)
            for hit in form.parse(text)
        ]

    return parse
