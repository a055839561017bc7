"""The one canonical byte form of what is signed, digested or logged.

RFC 8785 (JSON Canonicalization Scheme) restricted to strings, integers, booleans, null, lists and objects: floats are
refused, because no two parsers agree on them. Keys sorted by code point, no spaces, UTF-8, no surrogates.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence

_PLAIN = frozenset({str, int, bool, type(None)})

Json = str | int | bool | None | Sequence["Json"] | Mapping[str, "Json"]


def canonical(value: Json) -> bytes:
    """Serialise `value` so that equal values give equal bytes.

    Raises:
        ValueError: a float, a non-string key, a lone surrogate, or another type.
    """
    _check(value)
    return _encode(value).encode("utf-8")


def digest(domain: str, value: Json) -> str:
    """SHA-256 in hex over the domain string, a NUL and the canonical form. The domain keeps kinds of digest apart."""
    return hashlib.sha256(domain.encode() + b"\0" + canonical(value)).hexdigest()


# `json.dumps` makes an encoder for every call, which takes longer than a short entry.
_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode


def _check(value: Json) -> None:
    if type(value) in _PLAIN:  # most of what there is; the slow questions below are for the rest
        return
    if isinstance(value, float):
        raise ValueError("a float has no canonical form")
    if value is None or isinstance(value, str | bool | int):
        return
    if isinstance(value, Mapping):
        for key, item in value.items():
            if not isinstance(key, str):
                raise ValueError(f"object key {key!r} is not a string")
            _check(item)
    elif isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        for item in value:
            _check(item)
    else:
        raise ValueError(f"{type(value).__name__} has no canonical form")
