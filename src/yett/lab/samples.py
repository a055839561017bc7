"""Random text of a given form, so that no fixture holds anything that looks like a secret.

A template is text in which <...> stands for a random match of that regular expression (classes, groups, alternation,
bounded repeats). A real < is written as \\<.
"""

from __future__ import annotations

import random
import re
from re import _constants as op  # type: ignore[attr-defined]  # the standard library's own parser of patterns
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

_HOLE = re.compile(r"\\<|<((?:\(\?P<\w+>|[^<>\\]|\\.)*)>")
_MOST = 24
"""An unbounded repeat makes at most this many."""


def expand(template: str, rng: random.Random) -> str:
    """The template with every hole filled.

    Raises:
        ValueError: a hole holds something that cannot be made.
    """
    return _HOLE.sub(lambda hole: "<" if hole[1] is None else match_of(hole[1], rng), template)


def match_of(pattern: str, rng: random.Random) -> str:
    """A random string that matches the pattern as a whole."""
    return "".join(_made(parser.parse(pattern), rng))


def _made(nodes: Any, rng: random.Random) -> list[str]:  # Any: the parser's own node lists
    return [_node(kind, value, rng) for kind, value in nodes]


def _node(kind: Any, value: Any, rng: random.Random) -> str:  # Any: as above
    if kind is op.LITERAL:
        return chr(value)
    if kind is op.IN:
        return rng.choice(_members(value))
    if kind is op.ANY:
        return rng.choice("abcdefghijklmnopqrstuvwxyz0123456789")
    if kind is op.BRANCH:
        return "".join(_made(rng.choice(value[1]), rng))
    if kind is op.SUBPATTERN:
        return "".join(_made(value[3], rng))
    if kind in (op.MAX_REPEAT, op.MIN_REPEAT):
        least, most, inner = value
        most = min(int(most), max(int(least), _MOST) if most is op.MAXREPEAT else int(most))
        return "".join("".join(_made(inner, rng)) for _ in range(rng.randint(int(least), most)))
    raise ValueError(f"cannot make {kind}")


def _members(items: Any) -> list[str]:  # Any: as above
    if items and items[0][0] is op.NEGATE:
        out = set(_members(items[1:]))
        return [chr(code) for code in range(33, 127) if chr(code) not in out]
    found: list[str] = []
    for kind, value in items:
        if kind is op.LITERAL:
            found.append(chr(value))
        elif kind is op.RANGE:
            found += [chr(code) for code in range(value[0], value[1] + 1)]
        elif kind is op.CATEGORY:
            found += list("0123456789" if value is op.CATEGORY_DIGIT else "abcXYZ019_")
    return found
