"""Text from elsewhere, made harmless to look at (law 13): an agent, or whoever named a resource, may have written it.

For terminals and drawings; what a person signs is shown with more care (approvals/hostile.py).
"""

from __future__ import annotations

LONGEST = 2000
"""Characters of one line: more would push what matters off the screen."""


def visible(text: str, longest: int = LONGEST) -> str:
    """One line that shows all there is: controls, bidi, zero-width and odd blanks by their code point, `<U+202E>`.

    `str.isprintable` is false for every character of Unicode's classes C and Z but the space. What is longer than
    `longest` ends in an ellipsis.
    """
    shown = text if text.isprintable() else "".join(c if c.isprintable() else f"<U+{ord(c):04X}>" for c in text)
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"
