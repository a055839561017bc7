"""The tables in schema.py say what the shipped Cedar schema says."""

from __future__ import annotations

import json
from operator import attrgetter
from typing import Any

import cedarpy
import pytest

from yett.policy.layers import default_layers
from yett.policy.request import context_writer
from yett.policy.schema import ACTION_ENTITIES, CONTEXT_FIELDS, GROUPS, KINDS, LEAVES, SCHEMA, UNNAMED, action_entity

ALL_FIELDS = context_writer(tuple(CONTEXT_FIELDS))


def accepted(condition: str, head: str = "principal, action, resource") -> bool:
    return cedarpy.validate_policies(f"permit ({head}) when {{ {condition} }};", SCHEMA).validation_passed


@pytest.mark.parametrize("path", CONTEXT_FIELDS)
def test_every_context_field_is_in_the_schema_with_its_type(path: str) -> None:
    literal = {bool: "true", int: "1", str: '"x"'}[CONTEXT_FIELDS[path]]
    literal = {"source": 'ip("10.0.0.1")', "now": 'datetime("2026-01-01")'}.get(path, literal)
    assert accepted(f"context.{path} == {literal}")


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_its_attributes_and_ancestors(kind: str) -> None:
    ancestors, attributes = KINDS[kind]
    assert all(accepted(f"resource.{name}", f"principal, action, resource is {kind}") for name in attributes)
    for type_ in ("Place", "Environment", "Provider", "Resource", "Host", "Ref", "Team"):
        text = f'permit (principal, action, resource is {kind} in {type_}::"task");'
        reachable = type_ in ancestors or type_ == kind
        assert cedarpy.validate_policies(text, SCHEMA).validation_passed is reachable, (kind, type_)


def test_the_schema_takes_the_context_that_is_written(ask: Any) -> None:
    q = ask("write")
    text = ALL_FIELDS({path: attrgetter(path)(q.context) for path in CONTEXT_FIELDS})
    request = {
        "principal": 'Agent::"a"',
        "action": 'Action::"pass.write"',
        "resource": 'Resource::"r"',
        "context": text,
    }
    answer = cedarpy.is_authorized(request, "permit (principal, action, resource);", [], SCHEMA)
    assert answer.allowed
    assert set(json.loads(text)) == {path.partition(".")[0] for path in CONTEXT_FIELDS}
    less = {**json.loads(text)}
    del less["undo"]
    assert not cedarpy.is_authorized(
        {**request, "context": less}, "permit (principal, action, resource);", [], SCHEMA
    ).allowed


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("name", sorted(LEAVES))
def test_the_action_groups_are_those_of_the_schema(group: str, name: str) -> None:
    kind, question = "Resource", name
    policy = f'permit (principal, action in Action::"{group}", resource);'
    request = {"principal": 'Agent::"a"', "action": f'Action::"{question}"', "resource": f'{kind}::"r"'}
    without = cedarpy.is_authorized(request, policy, [action_entity(name)])
    assert without.allowed is (name in GROUPS[group])


def test_entities_carry_exactly_the_three_actions_of_an_effect() -> None:
    names = {json.loads(text)["uid"]["id"] for text in ACTION_ENTITIES["delete"]}
    assert names == {"pass.delete", "hold.delete", "owe.delete"}


def test_no_shipped_policy_names_the_stand_in() -> None:
    assert all(UNNAMED not in layer.text for layer in default_layers())
