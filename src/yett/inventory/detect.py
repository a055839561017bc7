"""Find credentials in text: by their own form, by the name they are assigned to, by the URL they stand in. No I/O."""

from __future__ import annotations

import fnmatch
import math
import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from yett.providers.book import ProviderBook
from yett.providers.room import CredentialKind

_FORMATS = tomllib.loads((Path(__file__).parent / "formats.toml").read_text())

_ASSIGNMENT = re.compile(
    rb"""(?P<name>[A-Za-z_][A-Za-z0-9_.-]{1,80})["']?\]?[ \t]*(?:=>|:=|=|:)"""
    rb"""[ \t]*(?P<quote>["'`]?)(?P<value>[^\s"'`,;<>(){}]{8,4096})"""
)
_URL_PASSWORD = re.compile(
    rb"[a-z][a-z0-9+.-]{1,20}://[^\s/:@\"'<>]{1,100}:(?P<value>[^\s/@\"'<>]{6,200})@(?P<host>[^\s/:\"'<>]+)"
)
_PRIVATE_KEY = re.compile(
    rb"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----[A-Za-z0-9+/=\s\\n]{60,12000}?-----END (?:[A-Z]+ )?PRIVATE KEY-----"
)
_TELLING = re.compile(rb"(?i)token|secret|key|passw|credential")
"""Every name that any rule wants has one of these in it; a text without them is not looked at closer."""

_REFERENCE = re.compile(rb"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+")
_LOCAL = (b"localhost", b"127.0.0.1", b"[::1]", b"0.0.0.0")
_EXAMPLE = re.compile(
    rb"(?i)example|changeme|placeholder|your[_-]?|xxxx|\*\*\*|dummy|redacted|<|\$\{|\$\(|%\(|^\$|yett_"
)
_TEXTUAL = re.compile(rb"[A-Za-z0-9+/_.~=@!#%^&-]+")
GENERIC_SHORTEST = 20
GENERIC_BITS = 3.2
"""Shannon bits a character: words and paths lie below, random base62 of 20 characters above 3.5."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A credential's value within a text, by byte offsets."""

    provider: str
    kind: str
    title: str
    broad: bool
    start: int
    end: int


class Detector:
    """Rules of every provider's folder, of formats.toml, and of names. Made once, used from any thread."""

    def __init__(self, book: ProviderBook) -> None:
        self._kinds = [(room.name, kind) for room in book.rooms for kind in room.credentials]

    def hits(self, text: bytes) -> Iterator[Hit]:
        """Every credential in the text; the most specific rule first, a span once."""
        taken: list[tuple[int, int]] = []
        for hit in (*self._formed(text), *self._keys(text), *self._assigned(text), *self._in_urls(text)):
            if not any(hit.start < end and start < hit.end for start, end in taken):
                taken.append((hit.start, hit.end))
                yield hit

    def named(self, name: str, value: bytes) -> Hit | None:
        """What a variable of that name holds; the form of its value is looked at too."""
        whole = next(self._formed(value), None) or next(self._keys(value), None)
        return whole or self._by_name(name, value, 0) or next(self._in_urls(value), None)

    def _formed(self, text: bytes) -> Iterator[Hit]:
        for found in self._forms.finditer(text):
            provider, kind, title, broad = self._form_of[found.lastgroup or ""]
            yield Hit(provider, kind, title, broad, found.start(), found.end())

    @cached_property
    def _form_rows(self) -> list[tuple[str, str, str, str, bool]]:
        rows = [(p, k.id, k.title, k.value.pattern, k.broad) for p, k in self._kinds if k.distinctive]
        return rows + [("", row["id"], row["title"], row["value"], False) for row in _FORMATS["format"]]

    @cached_property
    def _forms(self) -> re.Pattern[bytes]:
        parts = [f"(?P<r{n}>(?:{row[3]}))" for n, row in enumerate(self._form_rows)]
        return re.compile(("(?<![A-Za-z0-9_])(?:" + "|".join(parts) + ")(?![A-Za-z0-9_])").encode())

    @cached_property
    def _form_of(self) -> dict[str, tuple[str, str, str, bool]]:
        return {f"r{n}": (p, kind, title, broad) for n, (p, kind, title, _, broad) in enumerate(self._form_rows)}

    def _keys(self, text: bytes) -> Iterator[Hit]:
        if b"PRIVATE KEY-----" in text:
            for found in _PRIVATE_KEY.finditer(text):
                yield Hit("", "private-key", "private key", True, found.start(), found.end())

    def _assigned(self, text: bytes) -> Iterator[Hit]:
        if not _TELLING.search(text):
            return
        for found in _ASSIGNMENT.finditer(text):
            if not _TELLING.search(found["name"]) or not _whole(text, found):
                continue
            hit = self._by_name(found["name"].decode(), found["value"], found.start("value"))
            if hit is not None:
                yield hit

    def _by_name(self, name: str, value: bytes, at: int) -> Hit | None:
        upper = name.upper().replace("-", "_").replace(".", "_")
        for provider, kind in self._kinds:
            if _names(kind, upper) and kind.value.fullmatch(value.decode("latin-1")):
                return Hit(provider, kind.id, kind.title, kind.broad, at, at + len(value))
        if _is_generic(upper) and _looks_made(value):
            return Hit("", "generic-secret", f"secret in {name}", False, at, at + len(value))
        return None

    def _in_urls(self, text: bytes) -> Iterator[Hit]:
        if b"://" not in text:
            return
        for found in _URL_PASSWORD.finditer(text):
            local = found["host"].startswith(_LOCAL)
            if not local and not _EXAMPLE.search(found["value"]):
                yield Hit("", "url-password", "password in an address", False, found.start("value"), found.end("value"))


def _whole(text: bytes, found: re.Match[bytes]) -> bool:
    """Whether the value stands by itself: quoted, or up to the end of its line. Code that calls something does not."""
    return bool(found["quote"]) or text[found.end() : found.end() + 1] in (b"", b"\n", b"\r", b" ", b"#")


def _is_generic(upper: str) -> bool:
    generic = _FORMATS["generic"]
    named = any(fnmatch.fnmatchcase(upper, pattern) for pattern in generic["names"])
    return named and not any(fnmatch.fnmatchcase(upper, pattern) for pattern in generic["not_names"])


def _names(kind: CredentialKind, upper: str) -> bool:
    return any(fnmatch.fnmatchcase(upper, pattern.upper()) for pattern in kind.names)


def _looks_made(value: bytes) -> bool:
    """Whether a machine made it: long, mixed, no word, no path, no reference to something else."""
    if len(value) < GENERIC_SHORTEST or len(value) > 500 or _EXAMPLE.search(value) or not _TEXTUAL.fullmatch(value):
        return False
    if not re.search(rb"\d", value) or not re.search(rb"[A-Za-z]", value) or _REFERENCE.fullmatch(value):
        return False
    if value.count(b"/") > 3 or value.startswith((b"/", b"./", b"http")):
        return False
    return _bits(value) >= GENERIC_BITS


def _bits(value: bytes) -> float:
    total = len(value)
    return -sum(n / total * math.log2(n / total) for n in Counter(value).values())
