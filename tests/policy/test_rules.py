"""What a layer may not say is refused when it is loaded."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from yett.policy import Layer, LayerKind, Policies, PolicyError, default_layers
from yett.policy.rules import read_layer

WRITE = 'action in Action::"write"'


def load(kind: str, text: str) -> Policies:
    return Policies([*default_layers(), Layer("x", LayerKind(kind), text)])


REFUSED = {
    "a permit in a narrow layer": ("narrow", f'@id("a") permit (principal, {WRITE}, resource);'),
    "a forbid in a widen layer": ("widen", f'@id("a") forbid (principal, {WRITE}, resource);'),
    "an obligation in a widen layer": (
        "widen",
        '@id("a") @oblige("mask") permit (principal, action in Action::"owe", resource);',
    ),
    "a permit in the floor": ("floor", f'@id("a") permit (principal, {WRITE}, resource);'),
    "a forbid in the base": ("base", f'@id("a") forbid (principal, {WRITE}, resource);'),
    "a forbid on what is owed": ("narrow", '@id("a") forbid (principal, action in Action::"owe", resource);'),
    "a forbid on everything, which drops obligations": ("narrow", '@id("a") forbid (principal, action, resource);'),
    "verdict and owe in one head": (
        "narrow",
        '@id("a") forbid (principal, action in [Action::"pass", Action::"owe.read"], resource);',
    ),
    "no id": ("narrow", f"forbid (principal, {WRITE}, resource);"),
    "an empty id": ("narrow", f'@id("") forbid (principal, {WRITE}, resource);'),
    "an id that is no name": ("narrow", f'@id("A b\\n") forbid (principal, {WRITE}, resource);'),
    "an id used twice": ("narrow", f'@id("a") forbid (principal, {WRITE}, resource);' * 2),
    "a template": ("narrow", f'@id("a") forbid (principal == ?principal, {WRITE}, resource);'),
    "an unknown annotation": ("narrow", f'@id("a") @outcome("hold") forbid (principal, {WRITE}, resource);'),
    "an unknown obligation": (
        "narrow",
        '@id("a") @oblige("snapshott") permit (principal, action in Action::"owe", resource);',
    ),
    "a count of nothing": (
        "narrow",
        '@id("a") @oblige("sign:0") permit (principal, action in Action::"owe", resource);',
    ),
    "a count in another script": (
        "narrow",
        '@id("a") @oblige("sign:٣") permit (principal, action in Action::"owe", resource);',
    ),
    "a count out of reason": (
        "narrow",
        '@id("a") @oblige("delay:999999") permit (principal, action in Action::"owe", resource);',
    ),
    "owe without an obligation": ("narrow", '@id("a") permit (principal, action in Action::"owe", resource);'),
    "an obligation on a verdict": ("narrow", f'@id("a") @oblige("mask") forbid (principal, {WRITE}, resource);'),
    "a why of several lines": ("narrow", f'@id("a") @why("one\\ntwo") forbid (principal, {WRITE}, resource);'),
    "a why with a bidi control": ("narrow", f'@id("a") @why("x\\u{{202e}}y") forbid (principal, {WRITE}, resource);'),
    "a why without end": ("narrow", f'@id("a") @why("{"x" * 301}") forbid (principal, {WRITE}, resource);'),
    "a field that does not exist": (
        "narrow",
        f'@id("a") forbid (principal, {WRITE}, resource) when {{ context.rows > 1 }};',
    ),
    "`in` on a string, an error on each request": (
        "narrow",
        f'@id("a") forbid (principal, {WRITE}, resource) when {{ context.action in ["sql:DELETE"] }};',
    ),
    "a set against a string": (
        "narrow",
        f'@id("a") forbid (principal, {WRITE}, resource) when {{ ["a"] == context.action }};',
    ),
    "an attribute that only hosts have": (
        "narrow",
        f'@id("a") forbid (principal, {WRITE}, resource) when {{ resource.opaque }};',
    ),
    "an entity of an unknown type": ("narrow", f'@id("a") forbid (principal, {WRITE}, resource in Cluster::"x");'),
    "a place that does not exist": ("narrow", f'@id("a") forbid (principal, {WRITE}, resource in Place::"prod");'),
    "an action that does not exist": (
        "narrow",
        '@id("a") forbid (principal, action == Action::"pass.destroy", resource);',
    ),
    "the stand-in for unnamed ids": (
        "narrow",
        f'@id("a") forbid (principal, {WRITE}, resource == Resource::"(unnamed)");',
    ),
    "the stand-in, escaped": (
        "narrow",
        f'@id("a") forbid (principal == Agent::"\\u{{28}}unnamed)", {WRITE}, resource);',
    ),
    "text that does not parse": ("narrow", "forbid everything"),
    "a quotation mark left open": ("narrow", f'@id("a) forbid (principal, {WRITE}, resource);'),
    "an invisible character": ("narrow", f'// \u202e\n@id("a") forbid (principal, {WRITE}, resource);'),
    "a carriage return that ends a comment": ("narrow", f'// x\r@id("a") forbid (principal, {WRITE}, resource);'),
    "more text than anybody reads": ("narrow", "//" + "x" * 1_000_001),
}


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_with_a_remedy(name: str) -> None:
    kind, text = REFUSED[name]
    with pytest.raises(PolicyError) as caught:
        load(kind, text)
    assert caught.value.remedy
    assert len(str(caught.value)) < 700


NESTED = {
    "brackets": "(" * 20_000 + "true" + ")" * 20_000,
    "brackets after a string that looks like an end": '";" == ";" && ' * 30 + "(" * 5_000 + "true" + ")" * 5_000,
    "sets": "[" * 5_000 + "]" * 5_000 + " == []",
    "records": "{a: " * 5_000 + "1" + "}" * 5_000 + " == 1",
    "choices": "if true then " * 5_000 + "true" + " else true" * 5_000,
    "alternatives": " || ".join(["context.team"] * 20_000),
    "alternatives, few enough for the text but not for the parsed form": " || ".join(["context.team"] * 150),
    "attributes": "context" + ".a" * 20_000,
    "sums": " + ".join(["1"] * 400) + " == 1",
    "brackets that were closed before they were opened": "true " + ")" * 5_000 + "(" * 5_000,
    "brackets on both sides of a full stop": ("(" * 30 + ";") * 1_000,
    "negations": "-" * 20_000 + "1 == 1",
}


@pytest.mark.parametrize("name", NESTED)
def test_nesting_that_would_crash_the_parser_never_reaches_it(name: str) -> None:
    with pytest.raises(PolicyError):
        load("narrow", f'@id("a") forbid (principal, {WRITE}, resource) when {{ {NESTED[name]} }};')


@pytest.mark.parametrize("name", [name for name in NESTED if name.startswith("brackets ") and "string" not in name])
def test_brackets_that_do_not_match_are_not_left_to_the_parser(name: str) -> None:
    with pytest.raises(PolicyError, match="brackets do not match"):
        load("narrow", f'@id("a") forbid (principal, {WRITE}, resource) when {{ {NESTED[name]} }};')


@pytest.mark.parametrize(
    "deepest",
    [
        "(" * 31 + "context.team" + ")" * 31,
        "if true then " * 40 + "context.team" + " else true" * 40,
        "if (" * 15 + "context.team" + ") then true else false" * 15,
        " || ".join(["context.team"] * 50),
    ],
)
def test_the_deepest_that_is_let_in_is_decided_on_a_small_stack(ask: Any, deepest: str) -> None:
    text = f'@id("a") forbid (principal, {WRITE}, resource) when {{ {deepest} }};'
    verdicts = []
    before = threading.stack_size(768 * 1024)
    try:
        thread = threading.Thread(target=lambda: verdicts.append(load("narrow", text).decide(ask("write")).verdict))
        thread.start()
        thread.join()
    finally:
        threading.stack_size(before)
    assert verdicts == ["deny"]


def test_two_layers_of_one_name_are_refused() -> None:
    text = f'@id("a") forbid (principal, {WRITE}, resource);'
    with pytest.raises(PolicyError):
        Policies([Layer("x", LayerKind.NARROW, text), Layer("x", LayerKind.NARROW, text.replace("a", "b"))])


def test_ids_carry_their_layers_name() -> None:
    (rule,) = read_layer(Layer("org", LayerKind.NARROW, f'@id("a") forbid (principal, {WRITE}, resource);'))
    assert rule.id == "org/a"


def test_the_digest_is_of_what_a_rule_means_not_of_its_layout() -> None:
    one = f'@id("a") forbid (principal, {WRITE}, resource) when {{ context.team }};'
    other = "// a comment\n" + one.replace(" ", "\n  ")
    digests = {
        read_layer(Layer("org", LayerKind.NARROW, text))[0].digest
        for text in (one, other, one.replace("context.team", "context.asked"))
    }
    assert len(digests) == 2


def test_a_widening_layer_cannot_lift_the_floor(ask: Any) -> None:
    everything = '@id("all") permit (principal, action in [Action::"pass", Action::"hold"], resource);'
    policies = load("widen", everything)
    assert policies.decide(ask("delete", "elsewhere")).verdict == "allow"
    assert policies.decide(ask("delete", "elsewhere", irreversible=True)).verdict == "hold"
    assert policies.decide(ask("admin")).verdict == "hold"
    assert policies.decide(ask("delete", "production", team=False, undo="none")).verdict == "deny"


def test_what_is_loaded_cannot_be_changed(shipped: Policies) -> None:
    with pytest.raises(TypeError):
        shipped.rules["floor/irreversible"] = shipped.rules["base/read.task"]  # type: ignore[index]
    with pytest.raises(AttributeError):
        shipped.rules["floor/irreversible"].why = ""  # type: ignore[misc]
