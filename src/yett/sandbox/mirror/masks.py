"""Secret to placeholder and back, on bytes. Deterministic, so that one real object always has one masked form."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping


class Masks:
    """The pairs of one finding set. `masks` is {secret: placeholder}; no placeholder may contain a secret."""

    def __init__(self, masks: Mapping[bytes, bytes]) -> None:
        self._placeholder_of = dict(masks)
        self._secret_of = {placeholder: secret for secret, placeholder in masks.items()}
        if len(self._secret_of) != len(self._placeholder_of):
            raise ValueError("two secrets share a placeholder")
        self._secrets = _alternation(self._placeholder_of)
        self._placeholders = _alternation(self._secret_of)

    def __repr__(self) -> str:
        return f"Masks({len(self._placeholder_of)})"

    def __bool__(self) -> bool:
        return bool(self._placeholder_of)

    def holds_secret(self, body: bytes) -> bool:
        return self._secrets.search(body) is not None

    def placeholders_in(self, body: bytes) -> Counter[bytes]:
        return Counter(self._placeholders.findall(body))

    def mask(self, body: bytes) -> bytes:
        return self._secrets.sub(lambda found: self._placeholder_of[found[0]], body)

    def unmask(self, body: bytes) -> bytes:
        return self._placeholders.sub(lambda found: self._secret_of[found[0]], body)

    def blank(self, body: bytes) -> bytes:
        """Placeholders become "[masked]": for messages, which are no place for a secret."""
        return self._placeholders.sub(b"[masked]", body)


def _alternation(words: Mapping[bytes, bytes]) -> re.Pattern[bytes]:
    """Longest first, so that a secret that contains another is masked whole; of none, a pattern that never matches."""
    ordered = sorted(words, key=len, reverse=True)
    return re.compile(b"|".join(map(re.escape, ordered)) or b"(?!)")
