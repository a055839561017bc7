"""Deciding: fail closed, the same with and without slices and cache, and no looser for any narrowing."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import cedarpy
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from yett.model.decision import Decision
from yett.model.operation import Amount
from yett.policy import Layer, LayerKind, Policies, default_layers, rules
from yett.policy.bounded import Bounded
from yett.policy.obligations import covers
from yett.policy.reads import Reads, reads_of
from yett.policy.reference import PlainPolicies

Make = Callable[..., Any]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data())
def test_slices_and_cache_change_no_answer(data: st.DataObject, layers: Any, questions: Any) -> None:
    chosen = data.draw(layers)
    fast, plain = Policies(chosen), PlainPolicies(chosen)
    for q in data.draw(st.lists(questions, min_size=15, max_size=25)):
        expected = plain.decide(q)
        assert fast.decide(q) == expected
        assert fast.decide(q) == expected  # now from the cache


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data())
def test_a_narrowing_layer_never_widens(
    data: st.DataObject, shipped: Policies, layer: Make, narrowing: Any, questions: Any
) -> None:
    narrowed = Policies([*default_layers(), layer(data.draw(narrowing))])
    for q in data.draw(st.lists(questions, min_size=10, max_size=20)):
        before, after = shipped.decide(q), narrowed.decide(q)
        assert after.verdict.strictness >= before.verdict.strictness
        assert after.errors or covers(after.obligations, _owed(before, after))


def _owed(before: Decision, after: Decision) -> frozenset[str]:
    """Nobody signs a deny: the one signature that a hold itself asks for is not owed there."""
    return before.obligations - {"sign:1"} if after.verdict == "deny" else before.obligations


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_an_answer_with_errors_is_a_deny(data: st.DataObject, questions: Any) -> None:
    q = data.draw(questions)
    policies = Policies([*default_layers(), ERRING])
    decision = policies.decide(q)
    overflows = q.effect == "write" and q.context.spent.rows + q.context.cost.rows >= 2**63
    assert bool(decision.errors) is overflows
    if decision.errors:
        assert (decision.verdict, decision.obligations, decision.rules) == ("deny", {"alarm"}, ())
    assert policies.decide(q) == PlainPolicies([*default_layers(), ERRING]).decide(q)


ERRING = Layer(
    "erring",
    LayerKind.NARROW,
    """@id("rows") forbid (principal, action in Action::"write", resource)
       when { context.spent.rows + context.cost.rows > 5000000000000000000 };""",
)


def test_a_forbid_that_overflows_denies_and_is_not_remembered(ask: Make) -> None:
    policies = Policies([*default_layers(), ERRING])
    q = ask("write", "task", spent=Amount(rows=2**63 - 1), cost=Amount(rows=1))
    for _ in range(2):
        decision = policies.decide(q)
        assert decision.verdict == "deny"
        assert "overflow" in decision.errors[0]


@pytest.mark.parametrize("failure", [ValueError, RuntimeError, RecursionError, MemoryError, BaseException])
def test_whatever_breaks_inside_is_a_deny_with_an_alarm(
    failure: type[BaseException], ask: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise failure("broken")

    monkeypatch.setattr(cedarpy, "is_authorized", broken)
    decision = Policies(default_layers()).decide(ask("read"))
    assert (decision.verdict, decision.obligations) == ("deny", {"alarm"})
    assert "broken" in decision.errors[0]


@pytest.mark.parametrize(
    "reply",
    [
        {"decision": "NoDecision", "diagnostics": {"reason": [], "errors": []}},
        {"decision": "Allow", "diagnostics": {"reason": ["base/read.task"], "errors": ["a forbid erred"]}},
        {"decision": "Perhaps", "diagnostics": {}},
        {"decision": "Allow", "diagnostics": {"reason": ["no/such.rule"], "errors": []}},
        {},
    ],
)
def test_anything_but_a_clean_answer_is_a_deny(
    reply: dict[str, Any], ask: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cedarpy, "is_authorized", lambda *_: cedarpy.AuthzResult(reply))
    decision = Policies(default_layers()).decide(ask("read"))
    assert decision.verdict == "deny"
    assert decision.errors


def test_several_errors_come_in_one_order(ask: Make) -> None:
    """Found by the property test above: Cedar names the policies that erred in no fixed order."""
    text = "\n".join(
        f'@id("r{i}") forbid (principal, action in Action::"write", resource) when {{ context.spent.rows + {i} > 0 }};'
        for i in range(1, 9)
    )
    layers = [*default_layers(), Layer("erring", LayerKind.NARROW, text)]
    q = ask("write", spent=Amount(rows=2**63 - 1))
    errors = {Policies(layers).decide(q).errors for _ in range(20)} | {PlainPolicies(layers).decide(q).errors}
    assert len(errors) == 1


def test_an_answer_with_errors_is_not_remembered(ask: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    reply = {"decision": "Deny", "diagnostics": {"reason": [], "errors": ["out of memory"]}}
    policies = Policies(default_layers())
    with monkeypatch.context() as patch:
        patch.setattr(cedarpy, "is_authorized", lambda *_: cedarpy.AuthzResult(reply))
        assert policies.decide(ask("read")).verdict == "deny"
    assert policies.decide(ask("read")).verdict == "allow"


def test_a_read_that_the_analysis_missed_is_a_deny_not_a_guess(ask: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    def blind(policy: Any) -> Reads:
        found = reads_of(policy)
        return Reads(found.context - {"task.live"}, found.attributes, found.named)

    rules.read_layer.cache_clear()
    monkeypatch.setattr(rules, "reads_of", blind)
    try:
        decision = Policies(default_layers()).decide(ask("read"))
    finally:
        rules.read_layer.cache_clear()
    assert decision.verdict == "deny"
    assert decision.errors


def test_the_cache_is_keyed_by_what_the_slice_reads(ask: Make, layer: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    real = cedarpy.is_authorized
    monkeypatch.setattr(cedarpy, "is_authorized", lambda *a: asked.append(a) or real(*a))

    def asks(policies: Policies, *two: Any) -> bool:
        policies.decide(two[0])
        asked.clear()
        policies.decide(two[1])
        return bool(asked)

    plain = Policies(default_layers())
    assert not asks(plain, ask("read", now=1), ask("read", now=2))
    assert not asks(plain, ask("read", id="a", agent="x", source="8.8.8.8"), ask("read", id="b", agent="y", action="z"))
    assert asks(plain, ask("delete", undo="possible"), ask("delete", undo="none"))
    assert asks(plain, ask("delete", "task"), ask("delete", "production"))
    timed = Policies(
        [*default_layers(), layer([{"rule": "t", "verdict": "deny", "when": {"after": "2026-11-18T00:00:00Z"}}])]
    )
    assert asks(timed, ask("read", now=1), ask("read", now=2))
    named = Policies([*default_layers(), layer([{"rule": "n", "verdict": "deny", "where": {"resource": "a"}}])])
    assert asks(named, ask("read", id="b"), ask("read", id="a"))
    assert not asks(named, ask("read", id="b"), ask("read", id="c"))


def test_a_freeze_begins_and_ends_on_the_second(ask: Make, layer: Make) -> None:
    when = {"after": "2026-12-24T00:00:00Z", "before": "2027-01-02T00:00:00Z"}
    frozen = Policies(
        [*default_layers(), layer([{"rule": "freeze", "verdict": "deny", "effects": ["write"], "when": when}])]
    )
    start, end = 1_798_070_400, 1_798_848_000
    verdicts = [frozen.decide(ask("write", now=now)).verdict for now in (start - 1, start, end - 1, end)]
    assert verdicts == ["allow", "deny", "deny", "allow"]


@pytest.mark.parametrize(
    ("source", "verdict"),
    [
        ("10.255.0.1", "allow"),
        ("::ffff:10.0.0.5", "allow"),
        ("11.0.0.1", "hold"),
        ("::ffff:8.8.8.8", "hold"),
        ("::1", "hold"),
    ],
)
def test_a_network_is_the_same_through_either_family(ask: Make, layer: Make, source: str, verdict: str) -> None:
    rule = {"rule": "office", "verdict": "hold", "when": {"outside_network": "10.0.0.0/8"}}
    decision = Policies([*default_layers(), layer([rule])]).decide(ask("write", source=source))
    assert (decision.verdict, decision.errors) == (verdict, ())


def test_the_digest_covers_the_deciding_rules_and_no_others(ask: Make, layer: Make, shipped: Policies) -> None:
    q = ask("write", "production")
    unrelated = Policies([*default_layers(), layer([{"rule": "a", "verdict": "deny", "effects": ["admin"]}])])
    related = Policies([*default_layers(), layer([{"rule": "a", "verdict": "hold", "effects": ["write"]}])])
    reworded = Policies(
        [*default_layers(), layer([{"rule": "a", "verdict": "hold", "effects": ["write"], "why": "a word"}])]
    )
    digests = [p.decide(q).policy_digest for p in (shipped, unrelated, related, reworded)]
    assert digests[0] == digests[1]
    assert len(set(digests)) == 3
    assert len({p.digest for p in (shipped, unrelated, related, reworded)}) == 4


def test_a_large_set_is_cut_by_resource_and_answers_the_same(ask: Make, layer: Make) -> None:
    rules = [
        {
            "rule": f"r{i}",
            "verdict": "hold",
            "effects": ["write"],
            "where": {"environment": f"env{i % 40}"},
            "when": {"rows_over": i},
        }
        for i in range(200)
    ]
    chosen = [*default_layers(), layer(rules)]
    fast, plain = Policies(chosen), PlainPolicies(chosen)
    for i in range(60):
        q = ask("write", environment=f"env{i}", cost=Amount(rows=i * 3))
        assert fast.decide(q) == plain.decide(q)


def test_threads_get_the_same_answers(ask: Make, shipped: Policies) -> None:
    asked = [
        ask(effect, place) for effect in ("read", "write", "delete") for place in ("task", "production", "elsewhere")
    ]
    expected = [shipped.decide(q) for q in asked]
    fresh = Policies(default_layers())
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: [fresh.decide(q) for q in asked], range(40)))
    assert all(answers == expected for answers in found)


def test_what_is_kept_is_bounded() -> None:
    kept: Bounded[int, int] = Bounded(10)
    for number in range(1000):
        kept.put(number, number)
        assert kept.get(0) in (0, None)
    assert len(kept) <= 20
    assert kept.get(999) == 999


def test_what_is_asked_for_again_is_kept() -> None:
    kept: Bounded[int, int] = Bounded(10)
    kept.put(-1, -1)
    for number in range(1000):
        kept.put(number, number)
        assert kept.get(-1) == -1
