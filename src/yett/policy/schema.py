"""The shipped Cedar schema and what follows from it: questions, actions, kinds of resource, fields of the context.

`tests/policy/test_schema.py` holds the tables here against `yett.cedarschema`.
"""

from __future__ import annotations

import json
from importlib.resources import files

import cedarpy

from yett.model.effects import Effect

Entity = tuple[str, str]
"""A Cedar entity: (type, id)."""

SCHEMA_TEXT = (files(__package__) / "yett.cedarschema").read_text(encoding="utf-8")
SCHEMA = cedarpy.Schema.from_str(SCHEMA_TEXT)

QUESTIONS = ("pass", "hold", "owe")
EFFECTS = tuple(effect.value for effect in Effect)
PLACES = frozenset({"task", "production", "elsewhere"})
UNDO_STATES = frozenset({"verified", "possible", "none"})

KINDS: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    "Resource": (frozenset({"Place", "Environment", "Provider", "Resource"}), frozenset()),
    "Host": (frozenset(), frozenset({"opaque"})),
    "Ref": (frozenset({"Place", "Environment"}), frozenset({"own", "protected", "triggers"})),
}
"""Kind of resource -> types its ancestors may have, names of its Boolean attributes (all of them required)."""

RESOURCE_ATTRIBUTES = frozenset().union(*(attributes for _, attributes in KINDS.values()))

CONTEXT_FIELDS: dict[str, type] = {
    "action": str,
    "wire": str,
    "irreversible": bool,
    "undo": str,
    "asked": bool,
    "granted": bool,
    "remembered": bool,
    "team": bool,
    "task.live": bool,
    "task.named": bool,
    **{f"{amount}.{unit}": int for amount in ("spent", "cost", "limit") for unit in ("deletes", "rows", "bytes")},
    "over_budget": bool,
    "change": str,
    "workflow": bool,
    "source": str,
    "now": int,
}
"""Every leaf of the context by its dotted path, with the Python type that it has in `question.Context`."""


def leaf(question: str, effect: str) -> str:
    """The action that asks one question of one effect."""
    return f"{question}.{effect}"


LEAVES = frozenset(leaf(question, effect) for question in QUESTIONS for effect in EFFECTS)

GROUPS: dict[str, frozenset[str]] = {
    **{question: frozenset(leaf(question, effect) for effect in EFFECTS) for question in QUESTIONS},
    **{effect: frozenset({leaf("pass", effect), leaf("hold", effect)}) for effect in EFFECTS},
}
"""Action group -> the leaves in it. `owe` stands outside the effects' groups."""


UNNAMED = "(unnamed)"
"""Stands in a request for every id that no policy names (scenes.py). No policy may name it (rules.py)."""


def uid(entity: Entity) -> dict[str, str]:
    return {"type": entity[0], "id": entity[1]}


def action_entity(name: str) -> dict[str, object]:
    """A leaf action with its groups, for a request that is evaluated without the schema."""
    groups = sorted(group for group, leaves in GROUPS.items() if name in leaves)
    return {"uid": uid(("Action", name)), "attrs": {}, "parents": [uid(("Action", group)) for group in groups]}


ACTION_ENTITIES = {
    effect: [json.dumps(action_entity(leaf(question, effect))) for question in QUESTIONS] for effect in EFFECTS
}
"""Effect -> its three actions as Cedar JSON. Without them `action in Action::"pass"` would be false unnoticed."""
