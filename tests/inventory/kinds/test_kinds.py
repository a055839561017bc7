"""Every declared kind keeps its promises: it compiles everywhere, finds its true examples and no false one."""

from __future__ import annotations

import random
import re
from re import _constants as op  # type: ignore[attr-defined]  # the standard library's own parser of patterns
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

import pytest
import re2

from yett.inventory.engine import Detector, engine
from yett.inventory.engine.expressions import expressions
from yett.inventory.engine.row import SHORTEST_ANCHOR
from yett.inventory.engine.rules import rows
from yett.inventory.engine.screen import compiled
from yett.inventory.kinds import load_rules
from yett.inventory.kinds.count import counts
from yett.inventory.kinds.rule import IDENTITIES, Rule, every_rule
from yett.lab.checked_samples import complete
from yett.lab.samples import expand

RULES = load_rules()
SEEDS = 3
EQUAL = {"azure-ai-services-key": "azure-annotated-key"}
"""Two names of one form."""
_ALLOWED = {op.LITERAL, op.IN, op.MAX_REPEAT, op.BRANCH, op.SUBPATTERN, op.NOT_LITERAL}


def of_rule(rule: Rule) -> str:
    return rule.id


def examples(templates: tuple[str, ...], seeds: int = SEEDS) -> list[bytes]:
    return [complete(expand(each, random.Random(seed))).encode() for each in templates for seed in range(seeds)]


@pytest.fixture(scope="module")
def detector() -> Detector:
    return engine()


def test_no_id_is_declared_twice() -> None:
    ids = [rule.id for rule in every_rule()]
    assert sorted(ids) == sorted(set(ids))


def test_a_rule_says_whose_it_is_and_where_that_is_documented() -> None:
    for rule in RULES:
        assert re.fullmatch(r"[a-z0-9]+(?:-[a-z0-9]+)*", rule.id), rule.id
        assert rule.provider, rule.id
        assert rule.title, rule.id
        assert rule.page.startswith("https://"), rule.id
        assert rule.identity in IDENTITIES, rule.id
        assert bool(rule.pattern) != bool(rule.names and rule.value), rule.id
        assert rule.true, f"{rule.id}: no true example"


def test_a_live_call_goes_to_its_issuer_in_clear_words() -> None:
    for rule in [one for one in RULES if one.live]:
        assert rule.live is not None
        assert rule.live.url.startswith("https://"), rule.id
        assert rule.live.method in ("GET", "POST", "HEAD"), rule.id
        assert not set(rule.live.alive) & set(rule.live.dead), rule.id


def test_patterns_stay_within_the_language_that_every_engine_shares() -> None:
    for rule, pattern in [(one, each) for one in RULES for each in (one.pattern, one.value) if each]:
        assert not list(outside(parser.parse(pattern))), (rule.id, pattern)
        assert pattern.count("(?P<") <= 1, rule.id
        assert "(?P<" not in pattern or "(?P<secret>" in pattern, rule.id
        assert re.compile(pattern.encode()), rule.id


def test_every_pattern_compiles_in_re2_and_hyperscan() -> None:
    for pattern in {pattern for rule in RULES for pattern in (rule.pattern, rule.value) if pattern}:
        re2.compile(pattern)
    assert compiled(expressions(rows()))


def outside(nodes: Any) -> list[str]:  # Any: the parser's own node lists
    """What a pattern has that not every engine reads alike: assertions, references, unbounded repeats."""
    found: list[str] = []
    for kind, value in nodes:
        if kind not in _ALLOWED:
            found.append(str(kind))
        elif kind is op.MAX_REPEAT:
            found += ["unbounded repeat"] if value[1] is op.MAXREPEAT else []
            found += outside(value[2])
        elif kind is op.BRANCH:
            found += [each for branch in value[1] for each in outside(branch)]
        elif kind is op.SUBPATTERN:
            found += outside(value[3])
    return found


def test_a_pattern_holds_a_literal_to_look_for() -> None:
    for rule in [one for one in RULES if one.pattern and not (one.near or one.checksum or one.prefixes)]:
        bare = re.sub(r"\[(?:\\.|[^\]])*\]|(?<!\\)\{[\d,]*\}|\(\?(?:P<\w+>|i:|:)", "\n", rule.pattern)
        runs = re.findall(r"(?:[^\\\n()|?]|\\[^dsw])+", bare)
        assert sum(len(run.replace("\\", "")) for run in runs) >= SHORTEST_ANCHOR, rule.id


@pytest.mark.parametrize("rule", RULES, ids=of_rule)
def test_every_true_example_is_found_as_what_it_is(rule: Rule, detector: Detector) -> None:
    for text in examples(rule.true):
        kinds = {(hit.provider, hit.kind) for hit in detector.hits(text)}
        assert any(kind in (rule.id, EQUAL.get(rule.id)) or by == rule.provider for by, kind in kinds), (text, kinds)


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.false], ids=of_rule)
def test_no_false_example_is_found_as_that(rule: Rule, detector: Detector) -> None:
    for text in examples(rule.false):
        assert rule.id not in {hit.kind for hit in detector.hits(text)}, text


def test_there_are_enough_kinds_however_strictly_they_are_counted() -> None:
    counted = counts(RULES)
    assert counted.distinct >= 200
    assert counted.live >= 100
    assert counted.identities >= 7
