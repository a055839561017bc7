"""Values that are told by the name they are assigned to, in any language that people keep them in."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any

from yett.inventory.engine.expressions import LEAD, TYPED, WRAPPED
from yett.inventory.engine.filters import bits, is_example, is_weak, looks_made, looks_typed
from yett.inventory.engine.row import Row
from yett.inventory.hit import Hit, Told
from yett.inventory.severity import Severity

SHORTEST = 12
"""Bytes of a value that counts for its name; the screen sees no shorter one."""
LONGEST = 4096
LONG = 200
"""Bytes of a value from which on a change in it may lie far from its name."""
NEAR = 200
"""How far before a value its provider's name may stand, in bytes (a YAML section, the URL of a curl command)."""

_WORD = re.compile(rb"token|secret|key|pass|pwd|credential|_pat|auth|session")
_NAME = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-"
_HEAD = re.compile(
    rb"""(?P<rest>[A-Za-z0-9_.-]{0,60})\\?["']?\]?[ \t]{0,40}"""
    rb"""(?:"""
    + TYPED
    + rb"""|=>|:=|==|=|:|(?P<element>>)|(?P<argument>,\s{0,40}(?=["'])|(?<=[ \t])))[ \t]{0,40}(?:(?:"""
    + WRAPPED
    + rb"""|[rbuL])(?=["'`]))?(?P<quote>\\?["'`]?)"""
    rb"""(?:(?i:basic|bearer|token)[ ])?"""
)
_BETWEEN = b" \t\n\r\f\v\"'`,;<>(){}\\"
_RUN = re.compile(b"[^" + re.escape(_BETWEEN) + b"]*")
_PARTED = bytes.maketrans(_BETWEEN, b"\n" * len(_BETWEEN))
_TAIL = frozenset((b"", b"\n", b"\r", b" ", b"#", b"\t", b","))

Room = tuple[str, frozenset[bytes]]
"""A provider's name, and the words that tell that a text is about it."""
_TOLD = re.compile(rb"[a-z0-9]{4,}")


class Assigned:
    """Rows with `names`, and the generic rule for what has a telling name and a value that a machine made."""

    def __init__(self, rows: Iterable[Row], rooms: Sequence[Room], compiled: Callable[[str], Any]) -> None:
        self._rows = [row for row in rows if row.names]
        self._patterns = [
            (max(parts, key=len), parts, number)
            for number, row in enumerate(self._rows)
            for parts in (pattern.upper().split("*") for pattern in row.names)
        ]
        self._values: dict[str, Any] = {}  # Any: see regex
        self._compiled = compiled
        self._told_by: dict[bytes, list[str]] = {}
        for name, words in rooms:
            for word in words:
                self._told_by.setdefault(word, []).append(name)
        self._place = {name: number for number, (name, _) in enumerate(rooms)}
        self._of_name = lru_cache(maxsize=65536)(self._rows_of)

    def hits(self, text: bytes, ends: Iterable[int]) -> Iterator[Hit]:
        """Every assignment whose value counts, of those that the screen saw. `ends` lie within their values.

        A value's run is measured once, however many names lead into it.
        """
        done, run_end = 0, -1
        for seen in ends:
            first = max(done, seen - LEAD)
            for word in _WORD.finditer(text[first:seen].lower()):
                head = _HEAD.match(text, first + word.end())
                if head is None:
                    continue
                start = head.end()
                if start > run_end:
                    run = _RUN.match(text, start)
                    run_end = run.end() if run else start
                end = min(run_end, start + LONGEST)
                if end - start >= SHORTEST and (hit := self._judged(text, first + word.start(), head, end)) is not None:
                    yield hit
            done = seen

    def named(self, name: str, value: bytes) -> Hit | None:
        """What a variable of that name holds."""
        return self._by_name(upper(name), value, 0, list)

    def _judged(self, text: bytes, word: int, head: re.Match[bytes], end: int) -> Hit | None:
        before = text[max(0, word - 80) : word]
        name_at = word - len(before) + len(before.rstrip(_NAME))
        name = text[name_at : head.start()] + head["rest"]
        option = name.startswith(b"--")
        in_query = name_at > 0 and text[name_at - 1 : name_at] in (b"?", b"&")
        if head["argument"] is not None and not option:
            return None  # of a list or a command line, only an option is followed by its value
        if not (option or in_query or _stands_alone(text, head, name_at, end)):
            return None
        start = head.end()
        value = text[start:end].partition(b"&")[0] if in_query else text[start:end]
        return self._by_name(upper(name.decode("latin-1")), value, start, lambda: self.near(text, start))

    def _by_name(self, name: str, value: bytes, at: int, near: Callable[[], list[str]]) -> Hit | None:
        if is_example(value[:512]):
            return None
        for row, form in self._of_name(name):
            if form.fullmatch(value) and bits(value) >= row.entropy:
                return hit_of(row, at, at + len(value))
        if not is_generic(name) or not (looks_made(value) or (_TYPED.match(name) and looks_typed(value))):
            return None
        for provider in near():
            if (row_ := self.row_of(provider, name, value)) is not None:
                return hit_of(row_, at, at + len(value))
        title = f"secret in {name}"
        severity = Severity.LOW if is_weak(value) else Severity.MEDIUM
        identity = "password" if _TYPED.match(name) else "api-key"
        return Hit("", "generic-secret", title, False, at, at + len(value), severity, identity, told=Told.NAME)

    def row_of(self, provider: str, name: str, value: bytes) -> Row | None:
        """What the value is if the name belongs to this provider: TOKEN in a section of Railway is a RAILWAY_TOKEN."""
        full = f"{provider.upper()}_{name}"
        found = (row for row, form in self._of_name(full) if row.provider == provider and form.fullmatch(value))
        return next(found, None)

    def near(self, text: bytes, at: int, reach: int = 0) -> list[str]:
        """The providers that the text before a place speaks of; with `reach`, behind it too."""
        around = text[max(0, at - max(NEAR, reach)) : at + reach].lower()
        said = {name for word in _TOLD.findall(around) for name in self._told_by.get(word, ())}
        return sorted(said, key=self._place.__getitem__)

    def _rows_of(self, name: str) -> tuple[tuple[Row, Any], ...]:  # Any: see regex
        found = {number for longest, parts, number in self._patterns if longest in name and _fits(parts, name)}
        rows = (self._rows[number] for number in sorted(found))
        return tuple((row, self._value(row.value)) for row in rows)

    def _value(self, value: str) -> Any:  # Any: see regex
        if value not in self._values:
            self._values[value] = self._compiled(value)
        return self._values[value]


def is_any_long(text: bytes, ends: Iterable[int]) -> bool:
    """Whether around any of these places stands a run of 200 bytes or more that may be one value."""
    return any(
        len(run) >= LONG
        for seen in ends
        for run in text[max(0, seen - LONG) : seen + LONG].translate(_PARTED).split(b"\n")
    )


def hit_of(row: Row, start: int, end: int, told: Told = Told.NAME) -> Hit:
    return Hit(row.provider, row.kind, row.title, row.broad, start, end, row.level, row.identity, told=told)


def upper(name: str) -> str:
    """A name as rules spell it."""
    return name.strip("._-").upper().replace("-", "_").replace(".", "_")


@lru_cache(maxsize=4096)
def is_generic(name: str) -> bool:
    """Whether something secret is kept under such a name, whatever it is for."""
    return _GENERIC.match(name) and not _NOT_GENERIC.match(name)


def _stands_alone(text: bytes, head: re.Match[bytes], name_at: int, end: int) -> bool:
    """Whether the value stands by itself: quoted, or up to the end of its line. Code that calls something does not."""
    behind = text[end : end + 1]
    if head["element"] is not None:
        return behind == b"<" and text[name_at - 1 : name_at] == b"<"  # <apiKey>...</apiKey>
    if head["quote"] or behind in _TAIL:
        return True
    # name and value in one string, as a talk with an agent holds them: "export TOKEN=...", "X=...\\nY=..."
    return behind in _STRING_ENDS and (text[name_at - 1 : name_at] in _BEFORE_NAME or _is_escape(text, name_at))


_STRING_ENDS = frozenset((b'"', b"'", b"\\", b"`"))
_BEFORE_NAME = frozenset((b"", b'"', b"'", b"`", b" ", b"\t", b"\n", b";"))


def _is_escape(text: bytes, at: int) -> bool:
    return text[at - 2 : at] in (b"\\n", b"\\t", b"\\r")


class _Names:
    """Shell patterns over names, without regular expressions: compiling hundreds would take longer than a scan."""

    def __init__(self, patterns: Iterable[str]) -> None:
        self._parts = [pattern.upper().split("*") for pattern in patterns]

    def match(self, name: str) -> bool:
        return any(_fits(parts, name) for parts in self._parts)


def _fits(parts: Sequence[str], name: str) -> bool:
    if len(parts) == 1:
        return parts[0] == name
    if not name.startswith(parts[0]) or not name.endswith(parts[-1]):
        return False
    at, end = len(parts[0]), len(name) - len(parts[-1])
    for part in parts[1:-1]:
        found = name.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return at <= end


_GENERIC = _Names(
    (
        *("*TOKEN", "*SECRET", "*SECRET_KEY", "*API_KEY", "*APIKEY", "*ACCESS_KEY", "*PASSWORD", "*PASSWD"),
        *("*PRIVATE_KEY", "*SIGNING_KEY", "*ENCRYPTION_KEY", "*MASTER_KEY", "*SERVICE_ROLE_KEY", "*SERVICE_KEY"),
        *("*CLIENT_SECRET", "*AUTH_KEY", "*_CREDENTIAL"),
    )
)
_TYPED = _Names(("*PASSWORD", "*PASSWD", "*PASSPHRASE"))
"""What people make up themselves."""
_NOT_GENERIC = _Names(
    (
        *("*MAX_TOKEN*", "*PUBLIC*", "*TOKENIZER*", "*TOKEN_URL", "*CSRF*", "*NEXT*TOKEN", "*PAGE*TOKEN", "*_KEY_ID"),
        *("*CONTINUATION*TOKEN",),
    )
)
