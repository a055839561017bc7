"""From situations to one decision: all that the policy may know, the strictest verdict, the union of what is owed."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from operations_of_tests import PRODUCTION, STAGING, operation, read_of, resource, session

from yett.checkpoint.facts import NO_UNDO, Situated
from yett.checkpoint.judge import Circumstances, decide, question
from yett.checkpoint.state import DEFAULT_LIMIT, SessionState
from yett.model.effects import Effect, Verdict
from yett.model.operation import UNKNOWN_COST, Amount, GitRef, Governed, Host, Operation
from yett.model.resource import Place, Resource
from yett.model.undo import UndoPlan
from yett.policy import load_policies

POLICIES = load_policies(None)
UNDO = UndoPlan(True, "a dump", ())


def situated(
    one: Operation,
    on: Resource | None = None,
    place: Place = Place.TASK,
    *,
    irreversible: bool = False,
    undo: UndoPlan = UNDO,
) -> Situated:
    return Situated(one, on, place, irreversible, undo)


def about(**change: Any) -> Circumstances:
    return Circumstances(
        **{"asked": False, "granted": False, "team": False, "live": True, "now": 1_800_000_000, **change}
    )


def verdict(*situations: Situated, **change: Any) -> Verdict:
    return decide(POLICIES, SessionState(session()), situations, about(**change)).verdict


WRITE = situated(operation(), resource(STAGING))
OUTSIDE = situated(operation(), resource(PRODUCTION), Place.ELSEWHERE)
ADMIN = situated(operation(Effect.ADMIN), resource(STAGING))


def test_the_strictest_of_several_counts_in_any_order() -> None:
    for order in itertools.permutations([WRITE, OUTSIDE, ADMIN]):
        assert verdict(*order) is Verdict.DENY
    assert verdict(WRITE, ADMIN) is Verdict.HOLD
    assert verdict(WRITE, WRITE) is Verdict.ALLOW


def test_of_nothing_at_all_the_decision_is_a_deny() -> None:
    assert verdict() is Verdict.DENY


def test_what_is_owed_is_owed_for_all() -> None:
    decision = decide(POLICIES, SessionState(session()), [WRITE, OUTSIDE, ADMIN], about())
    assert "snapshot" in decision.obligations


def test_nothing_passes_when_its_task_is_over() -> None:
    for one in (WRITE, ADMIN, situated(read_of())):
        assert verdict(one, live=False) is Verdict.DENY


@pytest.mark.parametrize("effect", [Effect.ADMIN, Effect.UNKNOWN])
def test_admin_and_unknown_never_pass_silently(effect: Effect) -> None:
    for granted, team in itertools.product([False, True], repeat=2):
        assert verdict(situated(operation(effect), resource(STAGING)), granted=granted, team=team) is not Verdict.ALLOW


def test_the_irreversible_never_passes_silently() -> None:
    for place, effect in itertools.product(Place, [Effect.WRITE, Effect.DELETE]):
        one = situated(operation(effect), resource(STAGING), place, irreversible=True)
        assert verdict(one, granted=True) is not Verdict.ALLOW


def test_one_person_alone_may_not_destroy_what_nobody_can_bring_back() -> None:
    lost = situated(operation(Effect.DELETE), resource(STAGING), irreversible=True, undo=NO_UNDO)
    assert verdict(lost, team=False) is Verdict.DENY
    assert verdict(lost, team=True) is Verdict.HOLD


def test_over_the_budget_it_waits() -> None:
    state = SessionState(session(), spent=Amount(deletes=DEFAULT_LIMIT.deletes))
    costly = situated(operation(Effect.DELETE, cost=Amount(deletes=1)), resource(STAGING))
    assert decide(POLICIES, state, [costly], about()).verdict is Verdict.HOLD
    assert decide(POLICIES, SessionState(session()), [costly], about()).verdict is Verdict.ALLOW


def test_costs_of_one_attempt_are_added_before_they_are_judged() -> None:
    costly = situated(operation(Effect.DELETE, cost=Amount(deletes=DEFAULT_LIMIT.deletes // 2 + 1)), resource(STAGING))
    assert verdict(costly) is Verdict.ALLOW
    assert verdict(costly, costly) is Verdict.HOLD


def test_unknown_costs_overflow_nothing() -> None:
    endless = situated(operation(Effect.DELETE, cost=Amount(*[UNKNOWN_COST] * 3)), resource(STAGING))
    decision = decide(POLICIES, SessionState(session()), [endless] * 50, about())
    assert decision.verdict is Verdict.HOLD
    assert not decision.errors


def test_a_method_on_an_ungoverned_host_is_remembered_for_that_host_and_method() -> None:
    state = SessionState(session(), remembered={("example.org", "http:POST")})

    def at(host: str, action: str) -> Verdict:
        one = situated(operation(target=Host(host), action=action), place=Place.ELSEWHERE, undo=NO_UNDO)
        return decide(POLICIES, state, [one], about()).verdict

    assert at("example.org", "http:POST") is Verdict.ALLOW
    assert at("example.org", "http:PUT") is Verdict.HOLD
    assert at("example.com", "http:POST") is Verdict.HOLD


def test_a_host_of_that_name_is_no_governed_action() -> None:
    """What was remembered of a host says nothing about a provider's resource."""
    state = SessionState(session(), remembered={("railway", "railway:volumeUpdate")})
    assert decide(POLICIES, state, [OUTSIDE], about()).verdict is Verdict.DENY


def test_the_policy_hears_of_every_environment_and_parent() -> None:
    one = situated(operation(), resource(STAGING, PRODUCTION), Place.ELSEWHERE)
    asked = question(SessionState(session()), one, about(), Amount())
    assert ("Environment", "railway:env-prod") in asked.parents
    assert ("Environment", "railway:env-stag") in asked.parents
    assert ("Place", "elsewhere") in asked.parents
    assert asked.id == "railway:volume:v-1"


def test_a_git_ref_says_what_it_is() -> None:
    ref = GitRef("origin", "refs/heads/main", "force", own=True, protected=True, triggers=True, workflow=True)
    asked = question(SessionState(session()), situated(operation(target=ref)), about(), Amount())
    assert asked.kind == "Ref"
    assert dict(asked.attributes) == {"own": True, "protected": True, "triggers": True}
    assert (asked.context.change, asked.context.workflow) == ("force", True)


def test_an_account_as_a_whole_is_no_resource_of_its_environments() -> None:
    one = situated(operation(target=Governed("railway")), None, Place.ELSEWHERE)
    asked = question(SessionState(session()), one, about(), Amount())
    assert asked.id == "railway:*"
    assert not [parent for parent in asked.parents if parent[0] == "Environment"]
