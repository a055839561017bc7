"""A mistyped question is noted when it is made, and never reaches Cedar."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from yett.model.operation import Amount
from yett.policy import Policies, Question, TaskState

WRONG_CONTEXT: list[dict[str, Any]] = [
    {"irreversible": "no"},
    {"irreversible": 1},
    {"irreversible": None},
    {"team": 0},
    {"undo": "perhaps"},
    {"undo": None},
    {"action": 7},
    {"action": {"__entity": {"type": "Agent", "id": "root"}}},
    {"action": {"__extn": {"fn": "ip", "arg": "10.0.0.1"}}},
    {"task": None},
    {"task": {"live": True, "named": True}},
    {"task": TaskState(live="yes", named=True)},  # type: ignore[arg-type]  # the mistake under test
    {"cost": Amount(rows=1.5)},  # type: ignore[arg-type]
    {"cost": Amount(rows=True)},
    {"cost": Amount(rows=-1)},
    {"cost": Amount(rows=2**63)},
    {"spent": None},
    {"now": 1.5},
    {"now": -1},
    {"source": "not an address"},
    {"source": "10.0.0.1/8"},
    {"source": "fe80::1%eth0"},
    {"source": ""},
    {"action": "x" * 4_097},
]


@pytest.mark.parametrize("wrong", WRONG_CONTEXT, ids=str)
def test_a_mistyped_context_is_a_deny_with_an_alarm(shipped: Policies, ask: Any, wrong: dict[str, Any]) -> None:
    decision = shipped.decide(ask("read", **wrong))
    assert (decision.verdict, decision.obligations) == ("deny", {"alarm"})
    assert decision.errors


WRONG_STANDING: list[dict[str, Any]] = [
    {"effect": "destroy"},
    {"effect": "read"},
    {"effect": None},
    {"kind": "Agent"},
    {"kind": ["Resource"]},
    {"agent": None},
    {"id": 7},
    {"teams": "payments"},
    {"teams": ["payments"]},
    {"teams": (7,)},
    {"parents": ()},
    {"parents": (("Place", "task"), ("Place", "production"))},
    {"parents": (("Place", "home"),)},
    {"parents": (("Place", "task"), ("Team", "payments"))},
    {"parents": (("Place", "task"), ("Environment", 7))},
    {"parents": (("Place", "task"), ("Environment",))},
    {"parents": [("Place", "task")]},
    {"attributes": (("opaque", False),)},
    {"attributes": None},
    {"context": None},
    {"id": "x" * 4_097},
    {"teams": ("x",) * 257},
    {"parents": (("Place", "task"), ("Resource", "x" * 4_097))},
    {"parents": (("Place", "task"), *((("Resource", "x"),) * 256))},
    {"context": {}},
]


@pytest.mark.parametrize("wrong", WRONG_STANDING, ids=str)
def test_a_mistyped_question_is_a_deny_with_an_alarm(shipped: Policies, ask: Any, wrong: dict[str, Any]) -> None:
    decision = shipped.decide(replace(ask("read"), **wrong))
    assert (decision.verdict, decision.obligations) == ("deny", {"alarm"})
    assert decision.errors


@pytest.mark.parametrize(
    "attributes", [(), (("opaque", 1),), (("opaque", "no"),), (("opaque", False), ("opaque", True)), (("own", True),)]
)
def test_a_host_has_exactly_its_attributes(shipped: Policies, ask: Any, attributes: Any) -> None:
    assert shipped.decide(replace(ask("read", kind="Host"), attributes=attributes)).errors


def test_what_equals_a_cached_question_but_is_mistyped_is_still_refused(shipped: Policies, ask: Any) -> None:
    assert shipped.decide(ask("read", kind="Host", remembered=True)).verdict == "allow"
    assert shipped.decide(ask("read", kind="Host", remembered=1)).verdict == "deny"
    assert shipped.decide(replace(ask("read", kind="Host"), attributes=(("opaque", 0),))).verdict == "deny"


@pytest.mark.parametrize("thing", [None, "question", 7, object()])
def test_what_is_no_question_at_all_is_denied(shipped: Policies, thing: Any) -> None:
    assert shipped.decide(thing).verdict == "deny"


@pytest.mark.parametrize(
    ("spent", "cost", "over"),
    [
        (Amount(), Amount(), False),
        (Amount(deletes=99), Amount(deletes=1), False),
        (Amount(deletes=100), Amount(deletes=1), True),
        (Amount(rows=10_000), Amount(), False),
        (Amount(), Amount(rows=10_001), True),
        (Amount(bytes=10**9), Amount(bytes=1), True),
        (Amount(rows=2**63 - 1), Amount(rows=2**63 - 1), True),
    ],
)
def test_over_budget_is_more_than_the_limit_in_any_of_the_three(
    ask: Any, spent: Amount, cost: Amount, over: bool
) -> None:
    assert ask("write", spent=spent, cost=cost).context.over_budget is over


def test_a_mistyped_context_counts_as_over_budget(ask: Any) -> None:
    assert ask("write", cost=None).context.over_budget is True


def test_ids_of_any_text_are_taken_as_they_are(shipped: Policies, ask: Any) -> None:
    for text in ['"); permit (principal, action, resource);', "\n\0\u202e", '"}', "(unnamed)", "{}", "%s", "é" * 4_000]:
        q: Question = ask("read", id=text, agent=text, teams=(text,), environment=text, provider=text, action=text)
        assert shipped.decide(q).verdict == "allow"
        assert shipped.decide(replace(q, parents=(("Place", "elsewhere"), ("Environment", text)))).verdict == "deny"
