"""Explanations in words; what they say would change the answer does change it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from yett.model.operation import Amount
from yett.policy import Policies, TaskState, default_layers
from yett.policy.explain import HYPOTHESES

Make = Callable[..., Any]


def test_a_delete_elsewhere_says_how_to_ask(shipped: Policies, ask: Make) -> None:
    explanation = shipped.explain(ask("delete", "elsewhere"))
    assert explanation.verdict == "deny"
    assert explanation.because == ("no rule lets this delete through",)
    assert "hold if the agent asks for exactly this (`yett ask`)" in explanation.would_be
    assert "allow if it stands in the task's own environment" in explanation.would_be


def test_a_hold_names_the_rule_and_what_is_owed(shipped: Policies, ask: Make) -> None:
    explanation = shipped.explain(ask("delete", "elsewhere", irreversible=True))
    assert explanation.verdict == "hold"
    assert explanation.because == ("by itself it cannot be undone, so a person must say yes [floor/irreversible]",)
    assert explanation.obligations == (
        "alarm (an alarm is raised)",
        "sign:2 (that many people sign: 2)",
        "snapshot (an undo is captured before it leaves)",
    )


def test_a_write_in_production_could_be_covered_by_a_grant(shipped: Policies, ask: Make) -> None:
    assert "allow if a Grant covers it" in shipped.explain(ask("write", "production")).would_be


def test_a_budget_could_be_raised(shipped: Policies, ask: Make) -> None:
    explanation = shipped.explain(ask("write", "task", spent=Amount(rows=10_000), cost=Amount(rows=1)))
    assert [because.endswith("[floor/over-budget]") for because in explanation.because] == [True]
    assert explanation.would_be == ("allow if the task's budget is raised",)


def test_one_person_without_an_undo(shipped: Policies, ask: Make) -> None:
    explanation = shipped.explain(ask("delete", "production", team=False, undo="none"))
    assert explanation.verdict == "deny"
    assert {"hold if a verified undo exists", "hold if two people are enrolled"} <= set(explanation.would_be)


def test_an_ended_task_needs_to_run(shipped: Policies, ask: Make) -> None:
    explanation = shipped.explain(ask("read", task=TaskState(live=False, named=True)))
    assert explanation.would_be == ("allow if the task is running",)


def test_an_allow_cannot_become_milder(shipped: Policies, ask: Make) -> None:
    explanation = shipped.explain(ask("read"))
    assert explanation.because == ("reading where the task works [base/read.task]",)
    assert explanation.would_be == ()


def test_what_could_not_be_evaluated_says_so(shipped: Policies, ask: Make) -> None:
    explanation = shipped.explain(ask("read", undo="perhaps"))
    assert explanation.verdict == "deny"
    assert explanation.because == ("the policy could not be evaluated: context.undo is 'perhaps'",)


def test_a_rule_without_a_why_is_called_by_its_id(ask: Make, layer: Make) -> None:
    policies = Policies([*default_layers(), layer([{"rule": "stop", "verdict": "deny", "effects": ["read"]}])])
    assert policies.explain(ask("read")).because == ("rule org/stop",)


@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_what_would_change_the_answer_does(data: st.DataObject, shipped: Policies, questions: Any) -> None:
    q = data.draw(questions)
    explanation = shipped.explain(q)
    changes = dict(HYPOTHESES)
    for promise in explanation.would_be:
        verdict, _, words = promise.partition(" if ")
        changed = changes[words](q)
        assert changed is not None
        assert shipped.decide(changed).verdict == verdict
