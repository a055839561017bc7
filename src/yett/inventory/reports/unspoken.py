"""An outcome without the values that stand in the texts about it: a file named like a key, a login that is a token.

Whoever names files, accounts and authors may put a credential there; every report is made from what is left.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from ahocorasick_rs import BytesAhoCorasick, MatchKind

from yett.inventory.echoes import is_telling
from yett.inventory.engine import Detector, engine
from yett.inventory.finding import Finding
from yett.inventory.hit import Told
from yett.inventory.outcome import Outcome, Unread

HIDDEN = b"[secret]"


def unspoken(outcome: Outcome) -> Outcome:
    """The same outcome; of what people read in it, no part is a value."""
    texts = _Texts(engine(), (finding.value.reveal() for finding in outcome.findings))
    return replace(
        outcome,
        findings=tuple(_finding(finding, texts) for finding in outcome.findings),
        unread=tuple(Unread(texts.clean(each.what), texts.clean(each.why)) for each in outcome.unread),
        targets=tuple(map(texts.clean, outcome.targets)),
    )


class _Texts:
    """Cleans texts; most are paths that many findings share."""

    def __init__(self, detector: Detector, values: Iterable[bytes]) -> None:
        self._detector = detector
        telling = [value for value in values if is_telling(value)]
        self._search = BytesAhoCorasick(telling, MatchKind.LeftmostLongest) if telling else None
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
        if self._search is not None:
            spans += [(start, end) for _, start, end in self._search.find_matches_as_indexes(raw)]
        if not spans:
            return text
        parts, at = [], 0
        for start, end in sorted(spans):
            if start >= at:
                parts += [raw[at:start], HIDDEN]
            at = max(at, end)
        return b"".join([*parts, raw[at:]]).decode("utf-8", "backslashreplace")


_JOINT = re.compile(rb"_(?=[A-Z]+(?:_|\b))")
"""What hangs a name behind a value: TOKEN_API_KEY. A value that a letter touches is none to the detector."""
_HALF = re.compile("[\ud800-\udc7f\udd00-\udfff]")


def _is_half(text: str) -> bool:
    """Whether it holds half of a pair that stands for no byte of a name: JSON can say so."""
    return _HALF.search(text) is not None


def _finding(finding: Finding, texts: _Texts) -> Finding:
    credential = finding.credential
    locations = tuple(
        replace(at, path=path) if (path := texts.clean(at.path)) != at.path else at for at in credential.locations
    )
    owner, account, title = map(texts.clean, (credential.owner, finding.account, finding.title))
    if (locations, owner, account, title) == (
        credential.locations, credential.owner, finding.account, finding.title,
    ):  # fmt: skip
        return finding
    return replace(
        finding, credential=replace(credential, locations=locations, owner=owner), account=account, title=title
    )
