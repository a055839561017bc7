"""The short form compiles to what it says, and nothing that is written in it becomes syntax."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import cedarpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yett.model.operation import Amount
from yett.policy import Layer, LayerKind, Policies, PolicyError, default_layers
from yett.policy.rules import read_layer
from yett.policy.short_form import compile_short

Make = Callable[..., Any]

EVERYTHING = """
layer: narrow
rules:
  - rule: no-admin-in-eu
    verdict: deny
    effects: [admin]
    where: {environment: prod-eu}
    why: rights in prod-eu change by pull request only
  - rule: big-writes
    verdict: hold
    who: {team: payments}
    effects: [write, delete]
    when: {rows_over: 100}
    why: more than 100 rows at once
  - rule: office
    verdict: hold
    effects: [write, delete]
    when: {outside_network: [10.0.0.0/8, "2001:db8::/32"]}
  - rule: two-for-railway
    oblige: ["sign:2", snapshot]
    effects: [delete]
    where: {provider: railway}
  - rule: not-this-host
    verdict: deny
    where: {host: paste.example}
  - rule: not-this-agent
    verdict: deny
    who: {agent: rogue}
  - rule: no-drops
    verdict: deny
    when: {action: ["sql:DROP*", "sql:TRUNCATE*"], wire: sql}
  - rule: slowly
    verdict: hold
    effects: [delete]
    when: {task_deletes_over: 5}
"""


@pytest.fixture(scope="module")
def organisation() -> Policies:
    kind, cedar = compile_short(EVERYTHING)
    return Policies([*default_layers(), Layer("org", kind, cedar)])


CASES: list[tuple[str, str, dict[str, Any], str, str]] = [
    ("admin", "production", {"environment": "prod-eu"}, "deny", "org/no-admin-in-eu"),
    ("admin", "production", {"environment": "prod-us"}, "hold", ""),
    ("write", "task", {"cost": Amount(rows=101)}, "hold", "org/big-writes"),
    ("write", "task", {"cost": Amount(rows=100)}, "allow", ""),
    ("write", "task", {"cost": Amount(rows=101), "teams": ("search",)}, "allow", ""),
    ("write", "task", {"source": "8.8.8.8"}, "hold", "org/office"),
    ("write", "task", {"source": "2001:db8::7"}, "allow", ""),
    ("delete", "task", {}, "allow", "org/two-for-railway"),
    ("read", "task", {"kind": "Host", "id": "paste.example"}, "deny", "org/not-this-host"),
    ("read", "task", {"kind": "Host", "id": "docs.example"}, "allow", ""),
    ("read", "task", {"agent": "rogue"}, "deny", "org/not-this-agent"),
    ("write", "task", {"action": "sql:TRUNCATE TABLE", "wire": "sql"}, "deny", "org/no-drops"),
    ("write", "task", {"action": "sql:TRUNCATE TABLE", "wire": "mcp"}, "allow", ""),
    ("delete", "task", {"spent": Amount(deletes=5), "cost": Amount(deletes=1)}, "hold", "org/slowly"),
    ("delete", "task", {"spent": Amount(deletes=4), "cost": Amount(deletes=1)}, "allow", ""),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_rule_does_what_it_says(
    organisation: Policies, ask: Make, case: tuple[str, str, dict[str, Any], str, str]
) -> None:
    effect, place, facts, verdict, rule = case
    decision = organisation.decide(ask(effect, place, **facts))
    assert decision.verdict == verdict
    assert [id_ for id_ in decision.rules if id_.startswith("org/") and id_ != "org/two-for-railway"] == [
        id_ for id_ in [rule] if id_ and id_ != "org/two-for-railway"
    ]


def test_obligations_are_added_to_those_out_of_the_box(organisation: Policies, ask: Make) -> None:
    assert organisation.decide(ask("delete", "production")).obligations == {"sign:2", "snapshot"}


def test_a_widening_rule_widens_what_it_names_and_no_more(ask: Make, layer: Make) -> None:
    rule = {"rule": "shared-ci", "verdict": "may-hold", "effects": ["write"], "where": {"environment": "shared-ci"}}
    policies = Policies([*default_layers(), layer([rule], "widen")])
    assert policies.decide(ask("write", "elsewhere", environment="shared-ci")).verdict == "hold"
    assert policies.decide(ask("write", "elsewhere", environment="prod")).verdict == "deny"
    assert policies.decide(ask("delete", "elsewhere", environment="shared-ci")).verdict == "deny"


@pytest.mark.parametrize(
    ("kind", "verdict"), [("narrow", "may-pass"), ("narrow", "may-hold"), ("widen", "deny"), ("widen", "hold")]
)
def test_a_verdict_in_the_wrong_layer_is_refused(layer: Make, kind: str, verdict: str) -> None:
    with pytest.raises(PolicyError, match="has no place in a"):
        read_layer(layer([{"rule": "a", "verdict": verdict}], kind))


def rule(**keys: Any) -> str:
    return json.dumps({"layer": "narrow", "rules": [{"rule": "a", "verdict": "deny", **keys}]}, ensure_ascii=False)


MISTAKES = {
    "an unknown key of a rule": (rule(effect=["write"]), "did you mean 'effects'"),
    "an unknown key of the file": ('{"layer": "narrow", "rule": []}', "did you mean 'rules'"),
    "an unknown verdict": (rule(verdict="denied"), "did you mean 'deny'"),
    "an unknown effect": (rule(effects=["deletes"]), "did you mean 'delete'"),
    "an unknown condition": (rule(when={"row_over": 1}), "did you mean 'rows_over'"),
    "an unknown place": (rule(where={"place": "prod"}), "did you mean 'production'"),
    "an unknown obligation": (
        '{"layer": "narrow", "rules": [{"rule": "a", "oblige": ["snapshots"]}]}',
        "did you mean 'snapshot'",
    ),
    "no layer": ('{"rules": []}', "layer: narrow"),
    "the floor": ('{"layer": "floor", "rules": [{"rule": "a", "verdict": "deny"}]}', "layer: narrow"),
    "no rules": ('{"layer": "narrow"}', "rules:"),
    "nothing": ("", "layer, rules"),
    "a rule that is a word": ('{"layer": "narrow", "rules": ["deny"]}', "rule:"),
    "a name with a blank": (rule(rule="a b"), "lower-case"),
    "a name that is a number": (rule(rule=7), "lower-case"),
    "verdict and oblige": (rule(oblige=["mask"]), "verdict:"),
    "neither": ('{"layer": "narrow", "rules": [{"rule": "a"}]}', "verdict:"),
    "who names two": (rule(who={"team": "a", "agent": "b"}), "name one of"),
    "who names none": (rule(who={}), "name one of"),
    "who is a word": (rule(who="payments"), "team, agent"),
    "where names a number": (rule(where={"environment": 7}), "quote it"),
    "where names nothing": (rule(where={"environment": ""}), "quote it"),
    "effects is a word": (rule(effects="write"), "effects: [delete]"),
    "effects is empty": (rule(effects=[]), "effects: [delete]"),
    "rows is text": (rule(when={"rows_over": "100"}), "rows_over: 100"),
    "rows is true": (rule(when={"rows_over": True}), "rows_over: 100"),
    "rows is negative": (rule(when={"rows_over": -1}), "rows_over: 100"),
    "a flag is text": (rule(when={"no_undo": "yes"}), "no_undo: true"),
    "a network with host bits": (rule(when={"outside_network": "10.0.0.1/8"}), "10.0.0.0/8"),
    "no network": (rule(when={"outside_network": "office"}), "10.0.0.0/8"),
    "no moment": (rule(when={"after": "tomorrow"}), "2026-12-01T00:00:00Z"),
    "a moment that does not exist": (rule(when={"after": "2026-02-30T00:00:00Z"}), "2026-12-01T00:00:00Z"),
    "several moments": (rule(when={"after": ["2026-02-01T00:00:00Z"]}), "2026-12-01T00:00:00Z"),
    "an action that is no text": (rule(when={"action": [1]}), "quote"),
    "too many actions": (rule(when={"action": ["a"] * 51}), "quote"),
    "why is a list": (rule(why=["a"]), "quote it"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_refused_with_a_hint(name: str) -> None:
    text, hint = MISTAKES[name]
    with pytest.raises(PolicyError) as caught:
        compile_short(text)
    assert hint in caught.value.remedy


def test_a_name_used_twice_is_refused_and_not_overwritten() -> None:
    with pytest.raises(PolicyError, match="twice"):
        compile_short(
            '{"layer": "narrow", "rules": [{"rule": "a", "verdict": "deny"}, {"rule": "a", "verdict": "hold"}]}'
        )


INJECTIONS = [
    '"); permit (principal, action, resource);',
    'x"; permit (principal, action, resource); //',
    "x\n}; permit (principal, action, resource);",
    "*/ permit",
    "\\",
    '\\"',
    "{{}} %s {0} $x",
    "Team::x",
    "\u0000\u0007",
    "𝕏 ünï",
]


@pytest.mark.parametrize("text", INJECTIONS)
@pytest.mark.parametrize("position", ["who", "where", "action", "host"])
def test_text_that_looks_like_cedar_stays_text(text: str, position: str) -> None:
    keys: dict[str, Any] = {
        "who": {"who": {"team": text}},
        "where": {"where": {"environment": text}},
        "action": {"when": {"action": text}},
        "host": {"where": {"host": text}},
    }[position]
    _, cedar = compile_short(rule(**keys))
    policies = json.loads(cedarpy.policies_to_json_str(cedar))["staticPolicies"]
    (policy,) = policies.values()
    assert policy["effect"] == "forbid"
    (loaded,) = read_layer(Layer("org", LayerKind.NARROW, cedar))
    named = {"who": ("Team", text), "where": ("Environment", text), "host": ("Host", text)}.get(position)
    assert named is None or named in loaded.reads.named


@given(st.text(min_size=1, max_size=60))
def test_any_name_of_an_environment_is_named_exactly(text: str) -> None:
    try:
        _, cedar = compile_short(rule(where={"environment": text}))
        (loaded,) = read_layer(Layer("org", LayerKind.NARROW, cedar))
    except PolicyError:
        return
    assert loaded.resource.entity == ("Environment", text)


def test_a_pattern_takes_only_the_star_for_any_text(ask: Make, layer: Make) -> None:
    policies = Policies(
        [*default_layers(), layer([{"rule": "a", "verdict": "deny", "when": {"action": "s?l:[a]*\\"}}])]
    )
    assert policies.decide(ask("read", action="s?l:[a] anything \\")).verdict == "deny"
    assert policies.decide(ask("read", action="sql:a\\")).verdict == "allow"


def test_fifty_alternatives_are_neither_too_deep_nor_too_long(ask: Make, layer: Make) -> None:
    networks = [f"10.{i}.0.0/16" for i in range(50)]
    actions = [f"sql:{i}" for i in range(50)]
    chosen = layer([{"rule": "a", "verdict": "deny", "when": {"outside_network": networks, "action": actions}}])
    policies = Policies([*default_layers(), chosen])
    assert policies.decide(ask("read", source="10.50.0.1", action="sql:49")).verdict == "deny"
    assert policies.decide(ask("read", source="10.49.0.1", action="sql:49")).verdict == "allow"
