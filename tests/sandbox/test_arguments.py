"""The command line of `yett run`."""

from __future__ import annotations

import pytest

from yett.model.errors import ConfigurationError
from yett.sandbox.arguments import Options, parse


def test_the_command_alone() -> None:
    assert parse(["--", "make", "test"]) == Options(("make", "test"))
    assert parse(["make", "test"]) == Options(("make", "test"))


def test_options_before_the_command_in_both_spellings() -> None:
    given = [
        "--task",
        "a b",
        "--env=staging",
        "--observe",
        "--host-port",
        "5432",
        "--host-port=80",
        "--",
        "x",
        "--task",
    ]
    assert parse(given) == Options(("x", "--task"), "a b", "staging", True, (5432, 80))


def test_strict_is_said_before_the_command() -> None:
    assert parse(["--strict", "x", "--strict"]) == Options(("x", "--strict"), strict=True)
    assert not parse(["x"]).strict


def test_options_of_the_command_are_its_own() -> None:
    assert parse(["claude", "--observe", "--", "x"]) == Options(("claude", "--observe", "--", "x"))


WRONG = [
    [],
    ["--"],
    ["--task"],
    ["--task", "x"],
    ["--nope", "--", "x"],
    ["--observe=1", "--", "x"],
    ["--strict=no", "--", "x"],
    *(["--host-port", port, "x"] for port in ("0", "65536", "x", "-1", "²")),
]


@pytest.mark.parametrize("words", WRONG)
def test_what_makes_no_sense_is_refused_with_the_usage_or_a_reason(words: list[str]) -> None:
    with pytest.raises(ConfigurationError) as refused:
        parse(words)
    assert refused.value.remedy
