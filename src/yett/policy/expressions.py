"""Cedar expressions as data (EST JSON). Nothing here pastes text, so nothing a person writes can become syntax."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

Est = dict[str, object]


def context(path: str) -> Est:
    """`context.a.b`"""
    start: Est = {"Var": "context"}
    return reduce(lambda left, name: {".": {"left": left, "attr": name}}, path.split("."), start)


def value(literal: str | int | bool) -> Est:
    return {"Value": literal}


def binary(operator: str, left: Est, right: Est) -> Est:
    return {operator: {"left": left, "right": right}}


def negation(expression: Est) -> Est:
    return {"!": {"arg": expression}}


def call(function: str, *arguments: Est) -> Est:
    return {function: list(arguments)}


def any_of(expressions: Sequence[Est]) -> Est:
    """Halved and halved again, so that fifty alternatives nest six deep."""
    if len(expressions) == 1:
        return expressions[0]
    middle = len(expressions) // 2
    return binary("||", any_of(expressions[:middle]), any_of(expressions[middle:]))


def like(expression: Est, pattern: str) -> Est:
    """`*` in the pattern stands for any text; every other character for itself."""
    parts = ["Wildcard" if character == "*" else {"Literal": character} for character in pattern]
    return {"like": {"left": expression, "pattern": parts}}


def entity(type_: str, id_: str) -> Est:
    return {"type": type_, "id": id_}
