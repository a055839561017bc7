"""The detector: screen a text, then confirm only what the screen saw."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property, lru_cache
from typing import Any

from yett.inventory.engine import cache, encoded, forms, sniffed, standing
from yett.inventory.engine.apart import apart
from yett.inventory.engine.assigned import Assigned, Room, hit_of, is_any_long
from yett.inventory.engine.expressions import FORMS, Expression, Place, expressions, long_ids
from yett.inventory.engine.regex import Compile, with_python, with_re2
from yett.inventory.engine.row import Row
from yett.inventory.engine.screen import (
    Buffer,
    HyperscanScreen,
    Re2Screen,
    Screen,
    Sight,
    compiled,
    hyperscan_errors,
    hyperscan_version,
)
from yett.inventory.engine.sniffed import Sniff
from yett.inventory.hit import Hit, Told
from yett.inventory.joined import joined


class Detector:
    """Every rule over any text. Made once, used from any thread, and before a fork."""

    reach = 512
    """No part of what decides about a hit lies further from another, but for hits of `long` (see `history`)."""

    def __init__(
        self, rows: Sequence[Row], screen: Screen, compile_: Compile, version: str = "", sniffs: Sequence[Sniff] = ()
    ) -> None:
        self.rows = rows
        self.version = version
        self.screen = screen
        self._compile = compile_
        self._assigned = Assigned(rows, _rooms(rows), compile_)
        self._patterns: dict[int, Any] = {}  # Any: see regex
        self._sniffs = {FORMS + len(rows) + number: sniff.place for number, sniff in enumerate(sniffs)}

    @cached_property
    def long(self) -> frozenset[int]:
        """Ids whose values may begin far from their end."""
        return long_ids(self.rows) | self._sniffs.keys()

    def touches(self, data: bytes) -> frozenset[int]:
        """The ids of expressions that occur: what may hold a credential. `long` ids may begin far from their end."""
        sight = self.look(data)
        if Place.ASSIGNED in sight.ids and is_any_long(data, sight.ends[Place.ASSIGNED]):
            return sight.ids | {Place.LONG_ASSIGNED}
        return sight.ids

    def hits(self, text: bytes, sight: Sight | None = None) -> list[Hit]:
        """Every credential in the text, a span once: what its form tells comes before what its name tells.

        A text that says by itself of which format it is, is parsed too. `sight`: what `look` said of it, if it did.
        """
        sight = sight or self.look(text)
        found = self.confirmed(text, sight)
        places = [self._sniffs[id_] for id_ in sight.ids & self._sniffs.keys()] if sight.ids else []
        return joined(found, list(sniffed.hits(text, places)), len(text)) if places else found

    def look(self, data: Buffer) -> Sight:
        """The screen's own answer: most buffers need no more."""
        return self.screen.found(data)

    def forms_only(self, data: bytes, sight: Sight) -> list[Hit]:
        """Of a binary: what identifies itself, nothing that stands near a name."""
        forms = frozenset(each for each in sight.ids if each >= FORMS)
        return [hit for hit in self.confirmed(data, Sight(forms, sight.ends)) if hit.end - hit.start >= 24]

    def named(self, name: str, value: bytes) -> Hit | None:
        """What a variable of that name holds: a provider's own name tells best, then the form of its value.

        A program sends the same key elsewhere if it has it from another variable (ANTHROPIC_AUTH_TOKEN: as a bearer).
        """
        by_name = self._assigned.named(name, value)
        if by_name is not None and by_name.provider:
            return by_name
        return next(iter(self.hits(value)), None) or by_name

    def confirmed(self, text: bytes, sight: Sight, deeper: bool = True) -> list[Hit]:
        """What of a sight is really there."""
        seen, ends = sight.ids, sight.ends
        if not seen:
            return []
        numbers = (id_ - FORMS for id_ in seen if FORMS <= id_ < FORMS + len(self.rows))
        formed = [pair for number in numbers for pair in self._formed(number, text)]
        formed.sort(key=lambda pair: (pair[1].start, -pair[0]))
        named = list(self._assigned.hits(text, ends[Place.ASSIGNED])) if Place.ASSIGNED in seen else []
        found = list(standing.private_keys(text)) if Place.PRIVATE_KEY in seen else []  # a form knows but their inside
        found += _by_their_names(formed, named) if named and formed else [hit for _, hit in formed]
        found += named
        if Place.ADDRESS in seen:
            found += standing.passwords_in_addresses(text, ends[Place.ADDRESS])
        if Place.BEARER in seen:
            found += self._bearers(text, ends[Place.BEARER])
        if Place.BASIC in seen:
            found += standing.basic_passwords(text, ends[Place.BASIC])
        if deeper and Place.BASE64 in seen:
            found += encoded.in_base64(text, ends[Place.BASE64], self._inner)
        if deeper and Place.PERCENT in seen:
            found += encoded.in_percent(text, self._inner)
        return list(apart(found, len(text), text)) if len(found) > 1 else found

    def _inner(self, text: bytes) -> list[Hit]:
        return self.confirmed(text, self.screen.found(text), deeper=False)

    def _formed(self, number: int, text: bytes) -> Iterator[tuple[float, Hit]]:
        """With how much the form says; of two that say as much, the one that words near it confirm is meant."""
        row = self.rows[number]
        pattern = self._patterns.get(number)
        if pattern is None:
            pattern = self._patterns[number] = self._compile(row.pattern)
        told = Told.FORM if row.is_signed else Told.PLACE
        for start, end in forms.spans(row, pattern, text, _checksum(row.checksum)):
            yield row.weight + (0.5 if row.near else 0), hit_of(row, start, end, told)

    def _bearers(self, text: bytes, ends: Iterable[int]) -> Iterator[Hit]:
        """A bearer near the name of a provider whose tokens look like that is that provider's."""
        for hit in standing.bearer_tokens(text, ends):
            value = text[hit.start : hit.end]
            near = self._assigned.near(text, hit.start, 400)
            rows = (self._assigned.row_of(provider, "API_TOKEN", value) for provider in near)
            row = next((row for row in rows if row is not None), None)
            yield hit_of(row, hit.start, hit.end, Told.PLACE) if row is not None else hit


SHARED_FORM = 3
"""Letters that more than one issuer begins its keys with: sk-."""


def _by_their_names(formed: Iterable[tuple[float, Hit]], named: Iterable[Hit]) -> list[Hit]:
    """What has a form that issuers share is the issuer's whose name it is assigned to."""
    of_issuers = {(hit.start, hit.end): hit for hit in named if hit.provider}
    return [of_issuers.get((hit.start, hit.end), hit) if int(weight) <= SHARED_FORM else hit for weight, hit in formed]


@lru_cache(maxsize=2)
def engine(light: bool = False) -> Detector:
    """The detector of all rules, from the cache or made and cached. `light`: nothing beyond hyperscan and the standard
    library is imported, for a commit hook.
    """
    from yett.inventory.engine import rules

    stamp = rules.stamp()[:24]
    rows, known = _rows(stamp), sniffed.sniffs()
    version = f"{stamp}-{sniffed.stamp_of(known)}"
    screen = _screen(lambda: (*expressions(rows), *sniffed.expressions_of(known, len(rows))), version)
    return Detector(rows, screen, with_python() if light else with_re2(), version, known)


def _rows(stamp: str) -> tuple[Row, ...]:
    from yett.inventory.engine import rules

    name = f"{stamp}-{cache.LAYOUT}.rows"
    kept = cache.read(name)
    rows = cache.unpack(kept) if kept is not None else None
    if rows is None:
        rows = rules.rows()
        cache.write(name, cache.pack(rows))
    return rows


def _screen(wanted: Callable[[], Sequence[Expression]], stamp: str) -> Screen:
    """`wanted` are made only where they are not cached as a database: it takes a tenth of what a commit may wait."""
    version = hyperscan_version()
    if not version:
        return Re2Screen(wanted())
    name = f"{stamp}-{cache.LAYOUT}-{version}.hsdb"
    kept = cache.read(name)
    if kept is not None:
        with contextlib.suppress(*hyperscan_errors()):
            return HyperscanScreen(kept)
    made = compiled(wanted())
    cache.write(name, made)
    return HyperscanScreen(made)


@lru_cache(maxsize=64)
def _checksum(name: str) -> Callable[[bytes], bool] | None:
    if not name:
        return None
    from yett.inventory.kinds.checksums import CHECKSUMS

    found: Callable[[bytes], bool] = CHECKSUMS[name]
    return found


def _rooms(rows: Iterable[Row]) -> tuple[Room, ...]:
    """The issuers that some name's rule belongs to, by their own name."""
    names = dict.fromkeys(row.provider for row in rows if row.names)
    told = ((name, name.replace("-", "").encode()) for name in names)
    return tuple((name, frozenset((word, *(word + end for end in _ENDS)))) for name, word in told if len(word) >= 4)


_ENDS = (b"token", b"key", b"secret", b"apikey", b"apitoken", b"api", b"client", b"config")
"""What names in code hang behind an issuer's: railwayToken."""
