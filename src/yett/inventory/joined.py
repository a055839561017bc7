"""One text, two readers: what the detector found and what the parser of the text's format found, a span once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from yett.inventory.engine.apart import apart
from yett.inventory.formats.format import Format, Unparsable
from yett.inventory.hit import Hit
from yett.inventory.likely import BY_PLACE


def joined(found: list[Hit], parsed: list[Hit], size: int) -> list[Hit]:
    """What the detector knows comes first, as it can name a provider; the parser knows whose it is and where."""
    by_span = {(hit.start, hit.end): hit for hit in parsed}
    named = [_enriched(hit, by_span.pop((hit.start, hit.end), None)) for hit in found]
    unnamed = [hit for hit in named if not hit.provider and hit.kind in BY_PLACE]
    sure = [hit for hit in named if hit.provider or hit.kind not in BY_PLACE]
    return list(apart((*sure, *by_span.values(), *unnamed), size))


def _enriched(hit: Hit, parsed: Hit | None) -> Hit:
    if parsed is None:
        return hit
    if not hit.provider and hit.kind in BY_PLACE:
        return parsed
    return replace(hit, account=hit.account or parsed.account, severity=max(hit.severity, parsed.severity))


def parsed(content: bytes, form: Format, broken: Callable[[str], None]) -> Iterator[Hit]:
    """What the format's own parser finds; why it stopped is told."""
    try:
        yield from form.parse(content)
    except Unparsable as error:
        broken(error.what)
