"""Formats that a text's content tells by itself: in history nobody knows a name, and people rename files."""

from __future__ import annotations

import hashlib
import marshal
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module

from yett.inventory.engine import cache
from yett.inventory.engine.expressions import FORMS, Expression
from yett.inventory.hit import Hit

MOST_PARSED = 1 << 20
"""Of a text without a telling name: what is larger and looks like a format is a description of one."""


@dataclass(frozen=True, slots=True)
class Sniff:
    """`place` is module:id of a format; the module is imported when a text is of it."""

    place: str
    pattern: bytes


def sniffs() -> tuple[Sniff, ...]:
    """Those of all formats, from the cache or collected and cached."""
    from yett.inventory.formats.names import stamp

    name = f"{stamp()}.sniffs"
    kept = cache.read(name)
    if kept is not None:
        return tuple(Sniff(*row) for row in marshal.loads(kept))
    from yett.inventory.formats import by_module

    rows = [(f"{module}:{made.id}", made.sniff) for module, made in by_module() if made.sniff]
    cache.write(name, marshal.dumps(rows))
    return tuple(Sniff(*row) for row in rows)


def stamp_of(sniffs: Sequence[Sniff]) -> str:
    """Names this set of them."""
    return hashlib.sha256(repr([(each.place, each.pattern) for each in sniffs]).encode()).hexdigest()[:12]


def expressions_of(sniffs: Sequence[Sniff], rows: int) -> tuple[Expression, ...]:
    """Their ids follow those of the rows."""
    return tuple(Expression(FORMS + rows + number, sniff.pattern) for number, sniff in enumerate(sniffs))


def hits(text: bytes, places: Iterable[str]) -> Iterator[Hit]:
    """What the parsers of these formats find. One that cannot read the text leaves it to the patterns."""
    from yett.inventory.formats.format import Unparsable

    for place in places if len(text) <= MOST_PARSED else ():
        module, _, id_ = place.partition(":")
        made = next(each for each in import_module(f"yett.inventory.formats.{module}").FORMATS if each.id == id_)
        try:
            yield from made.parse(text)
        except Unparsable:
            continue
