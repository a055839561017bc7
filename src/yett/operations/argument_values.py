"""GraphQL arguments as values: literals, variables and variables' defaults (October 2021, 2.9, 2.10, 6.4.1)."""

from __future__ import annotations

from collections.abc import Mapping

from graphql.language import (
    BooleanValueNode,
    EnumValueNode,
    FloatValueNode,
    IntValueNode,
    ListValueNode,
    NullValueNode,
    ObjectValueNode,
    StringValueNode,
    ValueNode,
    VariableNode,
)

from yett.model.canonical import Json
from yett.model.errors import Unreadable
from yett.operations.document import RootField
from yett.operations.strict_json import MAX_DEPTH, Parsed, as_json

Variables = Mapping[str, Parsed]
Defaults = Mapping[str, ValueNode]


class _Absent:
    """A variable that was not given: its argument is as if it were not there."""


ABSENT = _Absent()


def arguments(field: RootField, variables: Variables) -> dict[str, Json]:
    """The field's arguments as JSON, variables put in; what is absent is left out. Floats are texts.

    Raises:
        Unreadable: an input field given twice, or a value nested too deeply.
    """
    found = {name: _value(node, variables, field.defaults) for name, node in field.arguments.items()}
    return {name: value for name, value in found.items() if not isinstance(value, _Absent)}


def _value(node: ValueNode, variables: Variables, defaults: Defaults, depth: int = MAX_DEPTH) -> Json | _Absent:
    """An argument's value. A default value holds no variables (section 2.10), so it is read without any."""
    if depth == 0:
        raise Unreadable("An argument is nested too deeply", "Send a flatter one.")
    match node:
        case VariableNode():
            name = node.name.value
            if name in variables:
                return as_json(variables[name])
            return _value(defaults[name], {}, {}, depth - 1) if name in defaults else ABSENT
        case StringValueNode() | EnumValueNode() | FloatValueNode():
            return node.value
        case IntValueNode():
            return int(node.value) if len(node.value) <= 40 else node.value
        case BooleanValueNode():
            return node.value
        case NullValueNode():
            return None
        case ListValueNode():
            items = [_value(item, variables, defaults, depth - 1) for item in node.values]
            return [None if isinstance(item, _Absent) else item for item in items]
        case ObjectValueNode():
            return _object(node, variables, defaults, depth)
    raise Unreadable("An argument has a value of no known kind", "Send valid GraphQL.")


def _object(node: ObjectValueNode, variables: Variables, defaults: Defaults, depth: int) -> Json:
    found: dict[str, Json] = {}
    for field in node.fields:
        if field.name.value in found:
            raise Unreadable(f"An argument has the field {field.name.value} twice", "Give every field once.")
        value = _value(field.value, variables, defaults, depth - 1)
        if not isinstance(value, _Absent):
            found[field.name.value] = value
    return found
