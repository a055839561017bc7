"""The quick search, for bytes that come by the gigabyte or one small message at a time: rows of a COPY, bound values.

It finds a value as it stands, as COPY, CSV, JSON or a URL must write it, and in base64 or hex. Nothing is unwrapped: an
encoding of an encoding, and escapes that nobody needs to write, are for the slower search (examine.py, stream.py).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from urllib.parse import quote_from_bytes

from ahocorasick_rs import BytesAhoCorasick, Implementation, MatchKind

from yett.broker.needles import SHORTEST, base64_core
from yett.model.errors import CredentialRefused
from yett.model.secret import Secret

_URLSAFE = bytes.maketrans(b"+/", b"-_")
_TEXT = {0x5C: "\\\\", 0x08: "\\b", 0x09: "\\t", 0x0A: "\\n", 0x0B: "\\v", 0x0C: "\\f", 0x0D: "\\r"}
"""What PostgreSQL writes for these bytes in the text form of COPY (manual, COPY, "Text Format")."""


def forms(value: bytes) -> frozenset[bytes]:
    """Every way in which a program that means no harm writes a value into rows."""
    try:
        quoted = json.dumps(value.decode())[1:-1].encode()
    except UnicodeDecodeError:
        quoted = value
    in_rows = {value, quoted, value.replace(b'"', b'""'), quote_from_bytes(value, safe="").encode()}
    in_rows |= {form.decode("latin-1").translate(_TEXT).encode("latin-1") for form in (value, quoted)}
    in_rows |= {value.hex().encode(), value.hex().upper().encode()}
    for offset in range(3):
        core = base64_core(value, offset)
        in_rows |= {core, core.translate(_URLSAFE)}
    return frozenset(in_rows)


class Plain:
    """Every known secret of SHORTEST bytes or more. Immutable."""

    def __init__(self, values: Mapping[str, Secret]) -> None:
        long_enough = {name: value.reveal() for name, value in values.items() if len(value) >= SHORTEST}
        found = {form: name for name, value in long_enough.items() for form in forms(value)}
        self._names = tuple(found.values())
        self.longest = max(map(len, found), default=0)
        # Leftmost: a few patterns are looked for sixteen bytes at a time; a DFA, for where there are many.
        self._search = BytesAhoCorasick(list(found), MatchKind.LeftmostFirst, Implementation.DFA) if found else None

    def find_one(self, data: bytes) -> str | None:
        """The fingerprint of a secret that stands in it."""
        hits = self._search.find_matches_as_indexes(data) if self._search is not None else ()
        return self._names[hits[0][0]] if hits else None


class RowScan:
    """Law 3(a) on rows that stream out, in pieces that are cut anywhere."""

    def __init__(self, plain: Callable[[], Plain]) -> None:
        self._plain = plain
        self._tail = b""

    def feed(self, data: bytes) -> None:
        """Raises CredentialRefused: a secret ends in this piece."""
        plain = self._plain()
        if not plain.longest:
            return
        if (name := plain.find_one(self._tail + data)) is not None:
            raise CredentialRefused(
                "A secret that Yett knows stands in these rows.",
                "Real secrets never pass the gate. Nothing of the COPY was kept.",
                fingerprint=name,
                position="body",
            )
        kept = plain.longest - 1
        self._tail = data[-kept:] if len(data) >= kept else (self._tail + data)[-kept:]
