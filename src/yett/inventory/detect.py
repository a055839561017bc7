"""Find credentials in text: by their own form, by the name they are assigned to, by the place they stand in. No I/O.

One search for every rule's anchor (a prefix, a telling word), then a pattern at the anchor: text without anchors, which
is nearly all text, costs one pass.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator

from ahocorasick_rs import BytesAhoCorasick, MatchKind

from yett.inventory.hit import Hit
from yett.inventory.rules import Form, Kind, Named, forms, is_generic, named
from yett.providers.book import ProviderBook

_WORDS = (b"token", b"secret", b"key", b"passw", b"_pwd", b"credential", b"db_pass")
"""Every name that any rule wants has one of these in it."""
_ADDRESS, _BEARER, _PEM = b"://", b"bearer ", b"private key"

_BEFORE = re.compile(rb"[A-Za-z0-9_.-]{0,80}\Z")
_ASSIGNED = re.compile(
    rb"""(?P<rest>[A-Za-z0-9_.-]{0,60})\\?["']?\]?[ \t]*+"""
    rb"""(?:=>|:=|==|=|:|(?P<argument>,\s*(?=["'])|(?<=[ \t])))[ \t]*+"""
    rb"""(?P<quote>\\?["'`]?)(?P<value>[^\s"'`,;<>(){}\\]{8,4096})"""
)
_USERINFO = re.compile(rb"://[^\s/:@\"'<>]{0,100}:(?P<value>[^\s/@\"'<>,]{6,200})@(?P<host>[^\s/:\"'<>]+)")
_AFTER_BEARER = re.compile(rb"(?i)bearer +(?P<value>[A-Za-z0-9._~+/=-]{16,4096})")
_PRIVATE_KEY = re.compile(
    rb"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY(?: BLOCK)?-----[A-Za-z0-9+/=\s\\:,.()-]{60,12000}?"
    rb"-----END (?:[A-Z]+ )?PRIVATE KEY(?: BLOCK)?-----"
)
_REFERENCE = re.compile(rb"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+|[A-Za-z_]+\d?[A-Za-z_]*")
"""Attributes and identifiers: words with at most one digit."""
_LOCAL = (b"localhost", b"127.0.0.1", b"[::1]", b"0.0.0.0", b"example.", b"host.docker.internal")
_EXAMPLE = re.compile(
    rb"(?i)example|changeme|change[_-]me|placeholder|your[_-]?|xxxx|\*\*\*|dummy|redacted|<|\$\{|\$\(|%\(|\{\{|^\$|yett_"
)
_TAUGHT = frozenset(
    {b"password", b"passwd", b"secret", b"pass", b"tiger", b"hunter2", b"postgres", b"mysecretpassword"}
)
"""Passwords of documentation, not of anyone."""
_TEXTUAL = re.compile(rb"[A-Za-z0-9+/_.~=@!#%^-]+")
GENERIC_SHORTEST = 20
GENERIC_LONGEST = 500
GENERIC_BITS = 3.2
"""Shannon bits a character: words and paths lie below, random base62 of 20 characters above 3.5."""
_NEAR = 200
"""How far before a value its provider's name may stand, in bytes (a YAML section, the URL of a curl command)."""

_PEM_KIND = Kind("", "private-key", "private key", True)
_URL_KIND = Kind("", "url-password", "password in an address", False)
_BEARER_KIND = Kind("", "bearer-token", "bearer token", False)


class Detector:
    """Rules of every provider's folder and of formats.toml. Made once, used from any thread."""

    def __init__(self, book: ProviderBook) -> None:
        all_forms = forms(book)
        self._named: tuple[Named, ...] = named(book)
        self._rooms = [(room.name, [name.encode() for name in (room.name, *room.hosts)]) for room in book.rooms]
        self._everywhere = [form for form in all_forms if not form.prefixes]
        self._of_prefix: dict[bytes, list[Form]] = {}
        for form in all_forms:
            for prefix in form.prefixes:
                self._of_prefix.setdefault(prefix, []).append(form)
        self._anchors = [*dict.fromkeys((*self._of_prefix, *_WORDS, _ADDRESS, _BEARER, _PEM))]
        self._search = BytesAhoCorasick(self._anchors, MatchKind.Standard)

    def hits(self, text: bytes) -> Iterator[Hit]:
        """Every credential in the text, a span once: what its form tells comes before what its name tells.

        Of two forms at one place the one with the longer prefix is meant: sk-ant-api03-... is not OpenAI's sk-...
        """
        by_form: list[tuple[int, Hit]] = []
        by_place: list[Hit] = []
        lower = text.lower()
        for index, start, end in self._search.find_matches_as_indexes(lower, overlapping=True):
            anchor = self._anchors[index]
            for form in self._of_prefix.get(anchor, ()):
                found = form.pattern.match(text, start - form.back) if start >= form.back else None
                if found is not None and b"EXAMPLE" not in found[0]:  # Amazon's documentation keys
                    by_form.append((len(anchor), _hit(form.kind, *found.span())))
            if anchor in _WORDS:
                by_place += self._assigned(text, lower, start, end)
            elif anchor is _ADDRESS:
                by_place += _in_address(text, start)
            elif anchor is _BEARER:
                by_place += self._bearer(text, lower, start)
            elif anchor is _PEM and (opening := _PRIVATE_KEY.match(text, max(0, text.rfind(b"-----BEGIN", 0, start)))):
                by_form.append((len(anchor), _hit(_PEM_KIND, *opening.span())))
        formed = [hit for _, hit in sorted(by_form, key=lambda found: (found[1].start, -found[0]))]
        for form in self._everywhere:
            formed += [_hit(form.kind, *found.span()) for found in form.pattern.finditer(text)]
        yield from _apart((*formed, *by_place), len(text))

    def named(self, name: str, value: bytes) -> Hit | None:
        """What a variable of that name holds: a provider's own name tells best, then the form of its value.

        A program sends the same key elsewhere if it has it from another variable (ANTHROPIC_AUTH_TOKEN: as a bearer).
        """
        by_name = self._by_name(_upper(name), value, 0, ())
        if by_name is not None and by_name.provider:
            return by_name
        return next(self.hits(value), None) or by_name

    def _assigned(self, text: bytes, lower: bytes, start: int, end: int) -> Iterator[Hit]:
        found = _ASSIGNED.match(text, end)
        if found is None:
            return
        before = _BEFORE.search(text, max(0, start - 80), start)
        name_at = start - len(before[0]) if before else start
        name = text[name_at:end] + found["rest"]
        option = name.startswith(b"--")
        in_query = text[name_at - 1 : name_at] in (b"?", b"&") if name_at else False
        if found["argument"] is not None and not option:
            return  # of a list or a command line, only an option is followed by its value
        if not (option or in_query or _stands_alone(text, found, name_at)):
            return
        value = found["value"].partition(b"&")[0] if in_query else found["value"]
        hit = self._by_name(_upper(name.decode("latin-1")), value, at := found.start("value"), self._near(lower, at))
        if hit is not None:
            yield hit

    def _by_name(self, name: str, value: bytes, at: int, near: Iterable[str]) -> Hit | None:
        if _EXAMPLE.search(value):
            return None
        for rule in self._named:
            if rule.names.match(name) and rule.value.fullmatch(value):
                return _hit(rule.kind, at, at + len(value))
        if not is_generic(name) or not looks_made(value):
            return None
        for provider in near:
            if (kind := self._kind_of(provider, name, value)) is not None:
                return _hit(kind, at, at + len(value))
        return Hit("", "generic-secret", f"secret in {name}", False, at, at + len(value))

    def _kind_of(self, provider: str, name: str, value: bytes) -> Kind | None:
        """What the value is if the name belongs to this provider: TOKEN in a section of Railway is a RAILWAY_TOKEN."""
        full = f"{provider.upper()}_{name}"
        rules = (rule for rule in self._named if rule.kind.provider == provider)
        return next((rule.kind for rule in rules if rule.names.match(full) and rule.value.fullmatch(value)), None)

    def _bearer(self, text: bytes, lower: bytes, start: int) -> Iterator[Hit]:
        found = _AFTER_BEARER.match(text, start)
        if found is None or _EXAMPLE.search(found["value"]) or not looks_made(found["value"], shortest=16):
            return
        kinds = (
            self._kind_of(provider, "API_TOKEN", found["value"]) for provider in self._near(lower, start, 2 * _NEAR)
        )
        yield _hit(next((kind for kind in kinds if kind), _BEARER_KIND), *found.span("value"))

    def _near(self, lower: bytes, at: int, reach: int = _NEAR) -> list[str]:
        around = lower[max(0, at - reach) : at + (reach if reach > _NEAR else 0)]
        return [name for name, words in self._rooms if any(word in around for word in words)]


def looks_made(value: bytes, shortest: int = GENERIC_SHORTEST) -> bool:
    """Whether a machine made it: long, mixed, no word, no path, no reference to something else."""
    if not shortest <= len(value) <= GENERIC_LONGEST or _EXAMPLE.search(value) or not _TEXTUAL.fullmatch(value):
        return False
    if not re.search(rb"\d", value) or not re.search(rb"[A-Za-z]", value) or _REFERENCE.fullmatch(value):
        return False
    if value.count(b"/") > 3 or value.startswith((b"/", b"./", b"http")):
        return False
    return _bits(value) >= GENERIC_BITS


def _in_address(text: bytes, start: int) -> Iterator[Hit]:
    found = _USERINFO.match(text, start)
    if found is None or found["host"].lower().startswith(_LOCAL):
        return
    if found["value"].lower() not in _TAUGHT and not _EXAMPLE.search(found["value"]):
        yield _hit(_URL_KIND, *found.span("value"))


def _stands_alone(text: bytes, found: re.Match[bytes], name_at: int) -> bool:
    """Whether the value stands by itself: quoted, or up to the end of its line. Code that calls something does not."""
    behind = text[found.end() : found.end() + 1]
    if found["quote"] or behind in (b"", b"\n", b"\r", b" ", b"#", b"\t", b","):
        return True
    return behind in (b'"', b"'") and text[name_at - 1 : name_at] == behind  # name and value in one string


def _apart(hits: Iterable[Hit], size: int) -> Iterator[Hit]:
    """The hits that do not overlap an earlier one, in a text of that size: a mark a byte, as a file may be all hits."""
    taken = bytearray(size)
    for hit in hits:
        if taken.find(1, hit.start, hit.end) < 0:
            taken[hit.start : hit.end] = b"\1" * (hit.end - hit.start)
            yield hit


def _hit(kind: Kind, start: int, end: int) -> Hit:
    return Hit(kind.provider, kind.id, kind.title, kind.broad, start, end)


def _upper(name: str) -> str:
    return name.strip("._-").upper().replace("-", "_").replace(".", "_")


def _bits(value: bytes) -> float:
    total = len(value)
    return -sum(n / total * math.log2(n / total) for n in Counter(value).values())
