"""Arguments by which an agent says yes for somebody: noted, shown, and worth nothing (A19, R56)."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping

from yett.model.canonical import Json

MAX_SHOWN, MAX_LENGTH = 20, 100

_WORDS = frozenset(
    {
        "accept", "acknowledge", "acknowledged", "agree", "agreed", "approve", "approval", "approved", "certain",
        "confirm", "confirmation", "confirmed", "consent", "dangerously", "force", "forced", "override", "sure",
        "understand", "unsafe", "yes",
    }
)  # fmt: skip

# One word of a camelCase, snake_case or kebab-case name: "enforcement" is not "force".
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def confirmations(action: str, arguments: Mapping[str, Json]) -> tuple[str, ...]:
    """The dotted paths of arguments that look like a confirmation, with the act's name in front."""
    return tuple(f"{action}.{path[:MAX_LENGTH]}" for path in itertools.islice(_paths(arguments), MAX_SHOWN))


def reads_as_confirmation(name: str) -> bool:
    return any(word.lower() in _WORDS for word in _WORD.findall(name))


def _paths(value: Json) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            if reads_as_confirmation(key):
                yield key
            else:
                yield from (f"{key}.{path}" for path in _paths(item))
    elif isinstance(value, list):
        for item in value:
            yield from _paths(item)
