"""What a policy reads is told from its parsed form: nothing missed, however it is written."""

from __future__ import annotations

import json

import cedarpy
import pytest

from yett.policy.reads import Reads, reads_of
from yett.policy.schema import CONTEXT_FIELDS

AMOUNT = ["deletes", "rows", "bytes"]


def reads(condition: str, head: str = 'principal, action in Action::"write", resource') -> Reads:
    est = json.loads(cedarpy.policies_to_json_str(f"forbid ({head}) when {{ {condition} }};"))
    (policy,) = est["staticPolicies"].values()
    return reads_of(policy)


@pytest.mark.parametrize(
    ("condition", "paths"),
    [
        ("true", []),
        ("context.team", ["team"]),
        ("context.task.live && !context.asked", ["asked", "task.live"]),
        ("context.spent.rows + context.cost.rows > 5", ["cost.rows", "spent.rows"]),
        ("context.task == context.task", ["task.live", "task.named"]),
        ("context.spent == context.limit", [f"{a}.{u}" for a in ("limit", "spent") for u in sorted(AMOUNT)]),
        ("(if context.team then context.spent else context.cost).rows > 5", None),
        ("{a: context.cost}.a.rows > 5", [f"cost.{u}" for u in sorted(AMOUNT)]),
        ('context["cost"]["rows"] > 5', ["cost.rows"]),
        ("context has team", ["team"]),
        ("context has task.live && context.task.live", ["task.live", "task.named"]),
        ('context.action like "sql:*"', ["action"]),
        ('context.source.isInRange(ip("10.0.0.0/8"))', ["source"]),
        ('context.now < datetime("2026-01-01")', ["now"]),
        ('["none"].contains(context.undo)', ["undo"]),
        ('{"Var": context.team, ".": context.asked, "has": context.granted, "type": 1, "id": 2} has Var', None),
    ],
)
def test_context_paths(condition: str, paths: list[str] | None) -> None:
    found = reads(condition).context
    if paths is not None:
        assert found == frozenset(paths)
    assert found <= CONTEXT_FIELDS.keys()


def test_a_choice_between_records_reads_both() -> None:
    found = reads("(if context.team then context.spent else context.cost).rows > 5").context
    assert {"team", "spent.rows", "cost.rows"} <= found


def test_a_record_literal_cannot_hide_a_read_behind_an_operators_name() -> None:
    found = reads('{"Var": context.team, ".": context.asked, "has": context.granted, "Record": context.workflow} has x')
    assert found.context == {"team", "asked", "granted", "workflow"}


def test_the_whole_context_is_every_field() -> None:
    assert reads("{c: context}.c.team").context == frozenset(CONTEXT_FIELDS)


def test_attributes_of_the_resource() -> None:
    assert reads("resource.own && !resource.protected").attributes == {"own", "protected"}
    assert reads("resource has opaque").attributes == {"opaque"}
    assert reads("{r: resource}.r.opaque").attributes == {"opaque"}


def test_entities_named_in_head_and_conditions() -> None:
    found = reads(
        'resource in [Place::"task", Environment::"e"] && principal == Agent::"a" && action != Action::"pass.write"',
        'principal in Team::"t", action in Action::"write", resource is Resource in Provider::"p"',
    ).named
    assert {("Place", "task"), ("Environment", "e"), ("Agent", "a"), ("Team", "t"), ("Provider", "p")} <= found
