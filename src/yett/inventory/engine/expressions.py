"""What the screen looks for: one expression or more for each rule, wider than the rule and never narrower.

Hyperscan reports that an expression matched, not where; so each is cut to the least that a match needs, which keeps its
database small. Expressions may share an id.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum

from yett.inventory.engine.row import Row

LONG = 400
"""Values that may be longer than this, in bytes, can lie around a change without touching what is near it."""


class Place(IntEnum):
    """Values that are told by where they stand. Forms are counted from `FORMS` on."""

    ASSIGNED = 0
    ADDRESS = 1
    BEARER = 2
    BASIC = 3
    PRIVATE_KEY = 4
    BASE64 = 5
    PERCENT = 6
    LONG_ASSIGNED = 7
    """No expression's: an assigned value that goes on for so long that a change in it may lie far away (`assigned`)."""


MANY = frozenset({Place.ASSIGNED, Place.ADDRESS, Place.BEARER, Place.BASIC, Place.BASE64})
"""Places that are frequent: it pays to know where each one is, instead of looking for them all again."""
LEAD = 240
"""How far before a match's end it can begin, in bytes, for every place of MANY but an address."""
FORMS = 16
"""The first id that is a row's: row i is FORMS + i."""


@dataclass(frozen=True, slots=True)
class Expression:
    id: int
    pattern: bytes
    caseless: bool = False


TYPED = rb":[ \t]{0,4}[&A-Za-z][A-Za-z&'<>\[\]?. ]{0,24}="
"""clientSecret: String = "...", SECRET: &'static str = "..."."""
WRAPPED = rb"@|\[\]byte\(|(?i:string::from|secretstr|new string|buffer\.from|bytes|str)\("
"""What languages write before a text's quotes."""
_WORDS = rb"(?:token|secret|key|pass|pwd|credential|_pat|auth|session)"
_UNMIXED = rb"[A-Za-z+/_.~=@!#%^$&*|-]"
_MIXED = rb"[A-Za-z0-9+/_.~=@!#%^$&*|:-]"
# A value that holds a digit. A name may be followed by quotes and brackets: data["key"] = "...", {\"key\": \"...\"}.
# What counts is bounded, but bounds would make this an automaton of hundreds of states and the screen a fifth slower.
_ASSIGNED = (
    _WORDS
    + rb"[A-Za-z0-9_.\-]*[\\\"'\]\[]*[ \t]*(?::[ \t]*[&A-Za-z][A-Za-z&'<>\[\]?. ]*=|=>|:=|==|=|:|,|[ ]|>)[ \t]*"
    + rb"(?:" + WRAPPED + rb")?[\\\"'`(\[]*"
    + rb"(?:(?:basic|bearer|token)[ ])?"
    + rb"(?:" + _UNMIXED + rb"{0,7}[0-9]" + _MIXED + rb"{4}|" + _UNMIXED + rb"{7,}[0-9])"
)  # fmt: skip
_PLACES = (
    Expression(Place.ASSIGNED, _ASSIGNED, caseless=True),
    Expression(Place.ADDRESS, rb"""://[^\s/:@"'<>]{0,100}:[^\s/@"'<>,]{6,200}@"""),
    Expression(Place.BEARER, rb"bearer {1,4}[A-Za-z0-9._~+/=-]{16}", caseless=True),
    Expression(Place.BASIC, rb"basic {1,4}[A-Za-z0-9+/_-]{12}", caseless=True),
    Expression(Place.PRIVATE_KEY, rb"-----BEGIN [A-Z0-9 ]{0,20}PRIVATE KEY"),
    Expression(Place.PERCENT, rb"%3A%2F%2F[^\s\"'<>]{3,200}%40", caseless=True),
    Expression(Place.PERCENT, rb"(?:token|secret|key|passw|pwd)[a-z0-9_-]{0,20}%3D", caseless=True),
)


def expressions(rows: Sequence[Row]) -> tuple[Expression, ...]:
    """Every expression, those of places first."""
    found = list(_PLACES)
    for number, row in enumerate(rows):
        if row.pattern:
            found.append(Expression(FORMS + number, least(row.pattern).encode()))
    found += [Expression(Place.BASE64, re.escape(piece)) for piece in sorted(in_base64(anchors(rows)))]
    return tuple(found)


def anchors(rows: Iterable[Row]) -> set[bytes]:
    """The literals that forms begin with, as long as what base64 makes of them says anything."""
    return {anchor.encode() for row in rows if row.pattern for anchor in row.anchors if len(anchor) >= 4}


def long_ids(rows: Iterable[Row]) -> frozenset[int]:
    """Ids of what may be longer than LONG, or is decided by words that stand further away."""
    return frozenset(_long_forms(rows)) | frozenset(Place) - {Place.ADDRESS, Place.ASSIGNED}


def _long_forms(rows: Iterable[Row]) -> Iterator[int]:
    for number, row in enumerate(rows):
        if row.pattern and (row.near or _longest(row.pattern) > LONG):
            yield FORMS + number


def least(pattern: str) -> str:
    """The pattern without assertions, its last repeat as short as it may be."""
    bare = _ASSERTION.sub("", pattern).replace("(?P<secret>", "(?:")
    return _LAST_REPEAT.sub(lambda found: f"{{{found[1]}}}", bare)


_ASSERTION = re.compile(r"\(\?<?[!=](?:[^()\\]|\\.)*\)")
_LAST_REPEAT = re.compile(r"\{([1-9]\d*),\d*\}\Z")


def _longest(pattern: str) -> int:
    """An upper bound of what it matches, in bytes."""
    from re import _parser  # type: ignore[attr-defined]  # the standard library's own parser of patterns

    return int(min(_parser.parse(pattern).getwidth()[1], 1 << 20))


def in_base64(literals: Iterable[bytes]) -> Iterator[bytes]:
    """What base64 makes of each literal at its three alignments, without the letters that its surroundings decide."""
    for literal in literals:
        for shift in range(3):
            coded = base64.b64encode(b"\0" * shift + literal)
            first = -(-shift * 8 // 6)
            last = (shift + len(literal)) * 8 // 6
            piece = coded[first:last]
            if len(piece) >= 5:
                yield piece
