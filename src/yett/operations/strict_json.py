"""JSON that no two parsers read differently (RFC 8259): UTF-8, no duplicate keys, no NaN, no lone surrogates."""

from __future__ import annotations

import json
import math
from typing import NoReturn

from yett.model.canonical import Json
from yett.model.errors import Unreadable

MAX_DEPTH = 64

# JSON with floats, as it stands on the wire; `Json` of the model has none.
Parsed = str | int | float | bool | None | list["Parsed"] | dict[str, "Parsed"]


def parse(data: bytes) -> Parsed:
    """Parse a body.

    Raises:
        Unreadable: not JSON, or JSON that another parser could read otherwise.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise Unreadable("The body is not UTF-8", "Send JSON in UTF-8.") from None
    return parse_text(text)


def parse_text(text: str) -> Parsed:
    """Parse JSON text. Raises Unreadable, as `parse` does."""
    if text.startswith("\ufeff"):
        raise Unreadable("The body starts with a byte order mark", "Send it without.")
    try:
        value: Parsed = json.loads(
            text, object_pairs_hook=_unique, parse_float=_finite, parse_int=_whole, parse_constant=_not_json
        )
        _check(value, MAX_DEPTH)
    except (ValueError, RecursionError):
        raise Unreadable("The body is not JSON", "Send valid JSON.") from None
    return value


def dump(value: Parsed) -> bytes:
    """Serialise so that equal values give equal bytes. Raises Unreadable: a lone surrogate."""
    try:
        text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        return text.encode("utf-8")
    except (ValueError, RecursionError):  # a UnicodeEncodeError is a ValueError
        raise Unreadable("The body holds half a surrogate pair", "Send whole characters.") from None


def as_json(value: Parsed) -> Json:
    """Give the value without floats, as `canonical` takes it: a float becomes its shortest text."""
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, list):
        return [as_json(item) for item in value]
    if isinstance(value, dict):
        return {key: as_json(item) for key, item in value.items()}
    return value


def _unique(pairs: list[tuple[str, Parsed]]) -> dict[str, Parsed]:
    """One parser takes the first of two equal keys, another the last."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Unreadable("The body has a key twice", "Send every key once.")
    return found


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


def _whole(text: str) -> int:
    if len(text) > 40:
        raise ValueError("a number of more than 40 digits")
    return int(text)


def _not_json(name: str) -> NoReturn:
    raise ValueError(name)


def _check(value: Parsed, depth: int) -> None:
    """Bound the depth and refuse lone surrogates, in keys and values."""
    if isinstance(value, str):
        value.encode("utf-8")
    elif isinstance(value, dict | list):
        if depth == 0:
            raise ValueError("nested too deeply")
        for item in value.values() if isinstance(value, dict) else value:
            _check(item, depth - 1)
        if isinstance(value, dict):
            for key in value:
                key.encode("utf-8")
