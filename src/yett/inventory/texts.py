"""Which bytes are text: a NUL, a byte order mark or another encoding hide nothing that an agent can read."""

from __future__ import annotations

import re

from yett.inventory.engine import Detector, Sight
from yett.inventory.engine.apart import apart
from yett.inventory.engine.expressions import FORMS
from yett.inventory.hit import Hit

BINARY_HEAD = 8192
_LONGEST_LINE = 100
_NO_TEXT = re.compile(rb"[\0-\x08\x0e-\x1f]")


def hits_in(detector: Detector, content: bytes, sight: Sight | None = None) -> list[Hit]:
    """Of a binary what identifies itself, and what stands in a line of text: a NUL in a text hides nothing.

    `sight`: what the screen saw in it, if it was asked already.
    """
    sight = sight or detector.look(content)
    if not is_binary(content):
        return detector.hits(content, sight)
    formed = detector.forms_only(content, sight)
    if not any(place < FORMS for place in sight.ids):
        return formed
    lined = [hit for hit in detector.confirmed(content, sight) if _is_in_text(content, hit)]
    return list(apart((*formed, *lined), len(content), content))


def is_binary(content: bytes) -> bool:
    """As git tells: a NUL near the start."""
    return b"\0" in content[:BINARY_HEAD]


def utf16(head: bytes) -> str:
    """Which UTF-16 it is by its first bytes, "" if none: it says so, or every second byte of Latin text is NUL."""
    if head.startswith(b"\xff\xfe") and not head.startswith(b"\xff\xfe\0\0"):
        return "utf-16-le"
    if head.startswith(b"\xfe\xff"):
        return "utf-16-be"
    even, odd = head[::2].count(0), head[1::2].count(0)
    if len(head) < 16 or min(even, odd) * 16 > len(head) or max(even, odd) * 5 < len(head) * 2:
        return ""
    return "utf-16-le" if odd > even else "utf-16-be"


def _is_in_text(content: bytes, hit: Hit) -> bool:
    """Whether a value in a binary belongs to a text: printable from the start of its line, or what can be one."""
    line = content.rfind(b"\n", max(0, hit.start - _LONGEST_LINE), hit.start) + 1
    return _NO_TEXT.search(content, max(line, hit.start - _LONGEST_LINE), hit.end) is None
