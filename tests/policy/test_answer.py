"""Three answers make a decision; several decisions make one; obligations add up."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from typing import Any

import cedarpy
import pytest

from yett.policy import Policies, strictest
from yett.policy.answer import SILENT, Answer, join, read_answer
from yett.policy.obligations import covers, fault, merge

Make = Callable[..., Any]


def test_the_strictest_verdict_wins_with_its_own_reasons(shipped: Policies, ask: Make) -> None:
    allow, hold, deny = (shipped.decide(ask("delete", place)) for place in ("task", "production", "elsewhere"))
    for order in itertools.permutations([allow, hold, deny]):
        together = strictest(order)
        assert together.verdict == "deny"
        assert together.reasons == deny.reasons
        assert together.obligations == {"snapshot", "sign:1"}
        assert set(together.rules) == {*allow.rules, *hold.rules, *deny.rules}
        assert together.policy_digest == strictest([allow, hold, deny]).policy_digest
    assert strictest([allow, hold]).verdict == "hold"
    assert strictest([hold]) is hold


def test_of_no_decisions_a_deny() -> None:
    assert strictest([]).verdict == "deny"
    assert strictest([]).errors


def test_an_error_in_one_is_an_error_of_all(shipped: Policies, ask: Make) -> None:
    together = strictest([shipped.decide(ask("read")), shipped.decide(ask("read", undo="?"))])
    assert together.verdict == "deny"
    assert together.errors
    assert "alarm" in together.obligations


@pytest.mark.parametrize(
    ("given", "union"),
    [
        ([], set()),
        (["mask", "mask"], {"mask"}),
        (["sign:1", "sign:2", "sign:1"], {"sign:2"}),
        (["delay:60", "delay:5", "snapshot"], {"delay:60", "snapshot"}),
        (["sign:9", "sign:10"], {"sign:10"}),
    ],
)
def test_obligations_are_a_union_with_the_largest_number(given: list[str], union: set[str]) -> None:
    assert merge(given) == union


def test_what_is_owed_covers_less_and_not_more() -> None:
    assert covers(frozenset({"sign:2", "mask"}), frozenset({"sign:1"}))
    assert not covers(frozenset({"sign:1", "mask"}), frozenset({"sign:2"}))
    assert not covers(frozenset({"mask"}), frozenset({"alarm"}))


@pytest.mark.parametrize("good", ["mask", "snapshot", "verified-undo", "say-no-undo", "alarm", "sign:1", "delay:86400"])
def test_known_obligations(good: str) -> None:
    assert fault(good) == ""


@pytest.mark.parametrize(
    "bad", ["", "masks", "sign", "sign:", "sign:-1", "sign:1.5", "sign:01", "mask:1", "delay:86401", "sign: 1"]
)
def test_unknown_obligations(bad: str) -> None:
    assert fault(bad)


POLICIES = [
    "permit (principal, action, resource);",
    "permit (principal, action, resource) when { context.x };",
    "forbid (principal, action, resource) when { context.x };",
    "forbid (principal, action, resource) when { context.y };",
    "forbid (principal, action, resource) when { context.missing };",
]


@pytest.mark.parametrize("left", range(2 ** len(POLICIES)))
def test_joined_answers_are_those_of_the_joined_sets(left: int) -> None:
    """However a set is split in two, Cedar's own answer to the whole is the join of its answers to the parts."""
    est = [json.loads(cedarpy.policies_to_json_str(text))["staticPolicies"]["policy0"] for text in POLICIES]
    for x, y, whole in itertools.product([False, True], [False, True], range(2 ** len(POLICIES))):
        parts = [
            {f"p{i}": policy for i, policy in enumerate(est) if whole >> i & 1 and (left >> i & 1) == side}
            for side in (0, 1)
        ]
        joined = join(*(_answer(part, x=x, y=y) for part in parts))
        assert joined == _answer(parts[0] | parts[1], x=x, y=y)


def _answer(policies: dict[str, Any], *, x: bool, y: bool) -> Answer:
    key = (tuple(sorted(policies)), x, y)
    if key not in _ANSWERS:
        handle = cedarpy.PolicySet.from_json_str(
            json.dumps({"staticPolicies": policies, "templates": {}, "templateLinks": []})
        )
        request = {"principal": 'A::"a"', "action": 'Action::"b"', "resource": 'C::"c"', "context": {"x": x, "y": y}}
        _ANSWERS[key] = read_answer(cedarpy.is_authorized(request, handle, [])) if policies else SILENT
    return _ANSWERS[key]


_ANSWERS: dict[tuple[tuple[str, ...], bool, bool], Answer] = {}
