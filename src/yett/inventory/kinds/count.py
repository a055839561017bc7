"""How many kinds of credentials are known, counted strictly: a form that differs from another by its prefix is none."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from yett.inventory.kinds.rule import Rule

_CLASS = re.compile(r"\[(?:\\.|[^\]\\])*\]")
_GROUP = re.compile(r"\(\?(?:P<\w+>|i:|:)|[()|?]")
_LITERAL = re.compile(r"(?:\\[^dsw]|[A-Za-z0-9_=/:@.,#%&;\"' -])+")


@dataclass(frozen=True, slots=True)
class Counts:
    """`distinct`: rules whose form is no other's with new letters in front, or whose names are another issuer's own.

    `live`: rules whose issuer can be asked. `identities`: sorts of non-human identity.
    """

    rules: int
    issuers: int
    formed: int
    distinct: int
    live: int
    identities: int


def counts(rules: Iterable[Rule]) -> Counts:
    known = tuple(rules)
    formed = [rule for rule in known if rule.pattern]
    named = [rule for rule in known if not rule.pattern]
    return Counts(
        rules=len(known),
        issuers=len({rule.provider for rule in known}),
        formed=len(formed),
        distinct=len({shape(rule.pattern) for rule in formed}) + len({shape(rule.value) for rule in named}),
        live=sum(rule.live is not None for rule in known),
        identities=len({rule.identity for rule in known}),
    )


def shape(pattern: str) -> str:
    """What is left of a pattern without its literals: which signs, how many, in how many parts."""
    classes = [_sorted(found[0]) for found in _CLASS.finditer(pattern)]
    bare = _LITERAL.sub("x", _repeats_kept(_GROUP.sub("", _CLASS.sub("\0", pattern))))
    for each in classes:
        bare = bare.replace("\0", each, 1)
    return bare.removeprefix("x")


def _sorted(signs: str) -> str:
    """A class with its parts in one order."""
    return "[" + "".join(sorted(re.findall(r"\\.-\\.|.-.|\\.|.", signs[1:-1]))) + "]"


def _repeats_kept(pattern: str) -> str:
    """Numbers of repeats are no literals."""
    return re.sub(r"\{(\d*),?(\d*)\}", lambda found: f"\1{found[1]}~{found[2]}\2".translate(_DIGITS), pattern)


_DIGITS = {ord(str(digit)): 0x2080 + digit for digit in range(10)}
