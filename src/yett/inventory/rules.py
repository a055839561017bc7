"""The rules: forms that identify a credential by themselves, and names that tell what is assigned to them."""

from __future__ import annotations

import fnmatch
import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from yett.providers.book import ProviderBook

_DECLARED = tomllib.loads((Path(__file__).parent / "formats.toml").read_text("utf-8"))
_LITERAL = re.compile(r"[A-Za-z0-9_-]+(?![?*{+])")
SHORTEST_PREFIX = 3
"""A prefix of one or two letters stands in every second word; such a form is searched for as a whole."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What a credential is. `provider` is a room's name, "" if no room knows it."""

    provider: str
    id: str
    title: str
    broad: bool


@dataclass(frozen=True, slots=True)
class Form:
    """A kind that its value gives away. Each has one of `prefixes` (lower case) `back` bytes behind its start.

    Without prefixes it is searched for everywhere, which costs as much as all others together.
    """

    kind: Kind
    pattern: re.Pattern[bytes]
    prefixes: tuple[bytes, ...]
    back: int = 0


@dataclass(frozen=True, slots=True)
class Named:
    """A kind that counts only under a matching name. `value` is the form of the whole value."""

    kind: Kind
    names: re.Pattern[str]
    value: re.Pattern[bytes]


def forms(book: ProviderBook) -> tuple[Form, ...]:
    """The providers' own and those of formats.toml; of two that fit, the one with the longer prefix is meant."""
    found = [
        _form(Kind(room.name, kind.id, kind.title, kind.broad), kind.value.pattern, ())
        for room in book.rooms
        for kind in room.credentials
        if kind.distinctive
    ]
    for row in _DECLARED["format"]:
        form = _form(Kind("", row["id"], row["title"], False), row["value"], row.get("prefixes", ()))
        found.append(replace(form, back=row.get("back", 0)))
    return tuple(sorted(found, key=lambda form: -max(map(len, form.prefixes), default=0)))


def named(book: ProviderBook) -> tuple[Named, ...]:
    """The providers' own first."""
    found = [
        Named(Kind(room.name, kind.id, kind.title, kind.broad), _any_name(kind.names), _bytes(kind.value.pattern))
        for room in book.rooms
        for kind in room.credentials
        if kind.names
    ]
    for row in _DECLARED["named"]:
        kind = Kind("", row["id"], row["title"], False)
        found.append(Named(kind, _any_name(row["names"]), _bytes(row["value"])))
    return tuple(found)


@lru_cache(maxsize=4096)
def is_generic(name: str) -> bool:
    """Whether something secret is kept under such a name, whatever it is for."""
    return bool(_GENERIC.fullmatch(name)) and not _NOT_GENERIC.fullmatch(name)


def _form(kind: Kind, value: str, declared: Iterable[str]) -> Form:
    leading = _LITERAL.match(value)
    prefixes = [leading[0].lower()] if leading and not declared else list(declared)
    # A value ends where no letter, digit or underscore follows: the middle of something longer is no token.
    pattern = _bytes(f"(?<![A-Za-z0-9_])(?:{value})(?![A-Za-z0-9_])")
    return Form(kind, pattern, tuple(p.encode() for p in prefixes if len(p) >= SHORTEST_PREFIX))


def _any_name(patterns: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(fnmatch.translate(pattern.upper()) for pattern in patterns))


def _bytes(pattern: str) -> re.Pattern[bytes]:
    return re.compile(pattern.encode())


_GENERIC = _any_name(_DECLARED["generic"]["names"])
_NOT_GENERIC = _any_name(_DECLARED["generic"]["not_names"])
