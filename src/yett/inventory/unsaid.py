"""Text about findings without the values that stand in it: a file named like a key, a login that is a token.

Whoever names files, accounts and authors may put a credential there. A hook of git says such names too, so this imports
nothing that a commit would wait for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache

from yett.inventory.engine import Detector, engine
from yett.inventory.hit import Told
from yett.inventory.telling import is_telling

HIDDEN = b"[secret]"
Span = tuple[int, int]


class Unsaid:
    """Cleans texts; most are paths that many findings share."""

    def __init__(self, detector: Detector, values: Iterable[bytes] = ()) -> None:
        """`values`: what is known besides that which its own form tells."""
        self._detector = detector
        self._spans = _search([value for value in values if is_telling(value)])
        self._clean: dict[str, str] = {}

    def clean(self, text: str) -> str:
        """The text, unchanged where nothing stands in it: a path stays one that can be opened."""
        known = self._clean.get(text)
        if known is None:
            known = self._clean[text] = self._without(text)
        return known

    def _without(self, text: str) -> str:
        raw = text.encode("utf-8", "surrogatepass" if _is_half(text) else "surrogateescape")
        spans = [
            (hit.start, hit.end)
            for form in {raw, _JOINT.sub(b"-", raw)}
            for hit in self._detector.hits(form)
            if hit.told is Told.FORM
        ]
        spans += self._spans(raw)
        if not spans:
            return text
        parts, at = [], 0
        for start, end in sorted(spans):
            if start >= at:
                parts += [raw[at:start], HIDDEN]
            at = max(at, end)
        return b"".join([*parts, raw[at:]]).decode("utf-8", "backslashreplace")


def unsaid(text: object) -> str:
    """What may be printed of a text where no values are known: those that their own form tells are hidden."""
    return _by_form().clean(str(text))


@lru_cache(maxsize=1)
def _by_form() -> Unsaid:
    return Unsaid(engine(light=True))


def _search(values: list[bytes]) -> Callable[[bytes], list[Span]]:
    """Of several that begin at one place the longest."""
    if not values:
        return lambda _raw: []
    if len(values) <= _FEW:
        one = re.compile(b"|".join(re.escape(value) for value in sorted(values, key=len, reverse=True)))
        return lambda raw: [found.span() for found in one.finditer(raw)]
    from ahocorasick_rs import BytesAhoCorasick, MatchKind

    many = BytesAhoCorasick(values, MatchKind.LeftmostLongest)
    return lambda raw: [(start, end) for _, start, end in many.find_matches_as_indexes(raw)]


_FEW = 100
"""Values that the standard library finds as fast: a commit waits for no other."""
_JOINT = re.compile(rb"_(?=[A-Z]+(?:_|\b))")
"""What hangs a name behind a value: TOKEN_API_KEY. A value that a letter touches is none to the detector."""
_HALF = re.compile("[\ud800-\udc7f\udd00-\udfff]")


def _is_half(text: str) -> bool:
    """Whether it holds half of a pair that stands for no byte of a name: JSON can say so."""
    return _HALF.search(text) is not None
