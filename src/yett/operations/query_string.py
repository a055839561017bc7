"""Query strings with one reading: UTF-8, whole escapes, no key twice, "&" alone between pairs."""

from __future__ import annotations

import re
from urllib.parse import unquote_plus

from yett.model.errors import Unreadable

_BROKEN = re.compile(r"%(?![0-9A-Fa-f]{2})")
MAX_PAIRS = 200


def parse_query(query: str) -> dict[str, str]:
    """Keys and values, decoded as HTML forms are.

    Raises:
        Unreadable: a broken escape, text that is not UTF-8, a semicolon (some servers split there), a key twice.
    """
    if not query:
        return {}
    if ";" in query or _BROKEN.search(query) or query.count("&") >= MAX_PAIRS:
        raise Unreadable("The query string has more than one reading", "Escape ; and % in it.")
    found: dict[str, str] = {}
    for pair in query.split("&"):
        name, _, value = pair.partition("=")
        try:
            key, text = (unquote_plus(part, errors="strict") for part in (name, value))
        except UnicodeDecodeError:
            raise Unreadable("The query string is not UTF-8", "Send UTF-8.") from None
        if key in found:
            raise Unreadable("The query string has a key twice", "Send every key once.")
        found[key] = text
    return found
