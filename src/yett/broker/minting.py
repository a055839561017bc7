"""Find the credentials in the answer to an operation that mints or returns them, so that they can be sealed (law 5)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from yett.model.errors import YettError

_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
EVERY = "**"
"""A path that stands for every string in the answer: what a room means by naming no field."""


class AnswerWithheld(YettError):
    """An answer that holds a credential which Yett cannot seal: it does not go to the agent."""


@dataclass(frozen=True, slots=True)
class Minted:
    """A credential in an answer: the path it was declared under, and its value."""

    path: str
    value: str

    def __repr__(self) -> str:
        return f"Minted({self.path})"


def minted_in(body: bytes, paths: Sequence[str], *, failed: bool) -> tuple[Minted, ...]:
    """The declared credentials of a JSON answer. `failed`: the upstream said no (status 400 or more).

    A path is dotted; `*` stands for every key or item, EVERY for every string below. A path that ends in null mints
    nothing.

    Raises:
        AnswerWithheld: it is not JSON, or none of the paths leads anywhere.
    """
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        if failed:
            return ()
        raise _withheld("is not JSON") from None
    found: list[Minted] = []
    reached = failed
    for path in paths or (EVERY,):
        for value in _at(answer, path.split(".")):
            reached = True
            if isinstance(value, str):
                found.append(Minted(path, value))
            elif value is not None and path.rpartition(".")[2] != EVERY:
                raise _withheld(f"has something else than text at {path}")
    if not reached:
        raise _withheld("has none of the fields that its provider's folder declares")
    return tuple({minted.value: minted for minted in reversed(found) if minted.value}.values())


def replace_strings(body: bytes, stand_ins: Mapping[str, str]) -> bytes:
    """The JSON text with every string that equals a minted value replaced, all other bytes as they were."""

    def stand_in(match: re.Match[bytes]) -> bytes:
        try:
            value = json.loads(match[0])
        except ValueError:
            return match[0]
        return json.dumps(stand_ins[value]).encode() if value in stand_ins else match[0]

    return _STRING.sub(stand_in, body)


def _at(value: object, path: Sequence[str]) -> Iterator[object]:
    if not path or value is None:
        yield value
    elif path[0] == EVERY:
        yield from _leaves(value)
    elif path[0] == "*":
        for item in _items(value):
            yield from _at(item, path[1:])
    elif isinstance(value, list):
        for item in value:
            yield from _at(item, path)
    elif isinstance(value, dict) and path[0] in value:
        yield from _at(value[path[0]], path[1:])


def _leaves(value: object) -> Iterator[object]:
    if isinstance(value, dict | list):
        for item in _items(value):
            yield from _leaves(item)
    else:
        yield value


def _items(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else ()


def _withheld(why: str) -> AnswerWithheld:
    return AnswerWithheld(
        f"The answer to an operation that mints a credential {why}, so it was withheld.",
        "The operation itself was done: look at the provider for what it made.",
    )
