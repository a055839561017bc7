"""Text from elsewhere, made harmless to look at (law 13): names of resources are written by whoever made them."""

from __future__ import annotations

import unicodedata

_HIDDEN = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
"""Unicode categories that show nothing, or change what stands around them: control, format (bidi), surrogates, ..."""


def visible(text: str, longest: int = 200) -> str:
    """One line without control or bidi characters: each is shown by its number."""
    shown = "".join(c if unicodedata.category(c) not in _HIDDEN else f"\\u{{{ord(c):x}}}" for c in text)
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"
