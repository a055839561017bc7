"""Hyperscan, RE2 and Python find the same, and the screen misses nothing that a rule would confirm."""

from __future__ import annotations

import random
from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st

from yett.inventory.engine import Detector, engine
from yett.inventory.engine.expressions import FORMS, Place, expressions
from yett.inventory.engine.regex import with_python, with_re2
from yett.inventory.engine.screen import HyperscanScreen, Re2Screen, compiled
from yett.inventory.hit import Hit
from yett.inventory.kinds import load_rules
from yett.lab.checked_samples import complete
from yett.lab.samples import expand

TEMPLATES = [(rule.id, text) for rule in load_rules() for text in (*rule.true, *rule.false)]
TRUE = [(rule.id, text) for rule in load_rules() if rule.pattern for text in rule.true]
AROUND = (
    b"",
    b"\n",
    b"\0",
    b"x = 1\n",
    b"# token = \n",
    b'{"a": "',
    b"\xff\xfe",
    b"\r\n\t",
    b"password: ",
    "é".encode(),
)


@cache
def fast() -> Detector:
    detector = engine()
    return Detector(detector.rows, HyperscanScreen(compiled(expressions(detector.rows))), with_re2())


@cache
def fallback() -> Detector:
    rows = engine().rows
    return Detector(rows, Re2Screen(expressions(rows)), with_python())


def made(template: str, seed: int) -> bytes:
    return complete(expand(template, random.Random(seed))).encode()


def told(hits: list[Hit]) -> list[tuple[int, int, str, str, bytes]]:
    return sorted((hit.start, hit.end, hit.provider, hit.kind, hit.decoded) for hit in hits)


@settings(max_examples=60, deadline=None)
@given(
    parts=st.lists(st.tuples(st.sampled_from(TEMPLATES), st.integers(0, 1 << 32), st.sampled_from(AROUND)), max_size=12)
)
def test_hyperscan_and_the_fallback_find_the_same(parts: list[tuple[tuple[str, str], int, bytes]]) -> None:
    text = b"".join(around + made(template, seed) for (_, template), seed, around in parts)
    assert told(fast().hits(text)) == told(fallback().hits(text))


@settings(max_examples=300, deadline=None)
@given(
    rule=st.sampled_from(TRUE),
    seed=st.integers(0, 1 << 32),
    before=st.sampled_from(AROUND),
    behind=st.sampled_from((b"", b"\n", b" ", b'"', b";")),
)
def test_the_screen_sees_whatever_a_rule_would_confirm(
    rule: tuple[str, str], seed: int, before: bytes, behind: bytes
) -> None:
    text = before + made(rule[1], seed) + behind
    detector = fast()
    ids = detector.touches(text)
    everything = {FORMS + number for number, row in enumerate(detector.rows) if row.pattern}
    for id_ in everything - ids:
        assert not list(detector._formed(id_ - FORMS, text)), detector.rows[id_ - FORMS].kind


@settings(max_examples=200, deadline=None)
@given(
    name=st.sampled_from(("API_TOKEN", "client-secret", "db_password", "apiKey", "x-auth-key", "GITHUB_PAT")),
    sign=st.sampled_from(("=", ": ", " = ", '": "', "' => '", ': String = "', " := ")),
    value=st.text("abcXYZ019_-+/=.", min_size=12, max_size=60),
    end=st.sampled_from(("\n", '"\n', "'\n", " ")),
)
def test_the_screen_sees_every_assignment_that_counts(name: str, sign: str, value: str, end: str) -> None:
    text = f"{name}{sign}{value}{end}".encode()
    every = list(fast()._assigned.hits(text, range(1, len(text) + 1)))
    if any(byte in b"0123456789" for hit in every for byte in hit.value_in(text)[:64]):
        assert Place.ASSIGNED in fast().touches(text)
