"""How likely it is that a value which only its surroundings tell is anybody's: tests and prose say it is not."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from functools import lru_cache

from yett.inventory.guessable import is_guessable
from yett.inventory.hit import Hit, Told
from yett.inventory.severity import Severity

GENERIC = "generic-secret"
BY_PLACE = frozenset({GENERIC, "url-password", "bearer-token", "basic-password"})
"""Kinds that say nothing but where a value stands; a parser of the file's form knows more."""
_UNSIGNED = frozenset({*BY_PLACE, "private-key", "jwt", "json-web-token"})
_TESTS = frozenset(
    {"test", "tests", "testing", "testdata", "fixtures", "fixture", "spec", "specs", "mock", "mocks", "examples", "e2e"}
    | {"example", "docs", "doc", "samples", "sample", "testsuite", "testcases", "demo", "demos", "molecule", "template"}
    | {"changelog", "readme", "rst", "md"}
)
_WORDS = re.compile(r"[a-z0-9]+")
_CODE = frozenset(
    {"py", "pyi", "js", "mjs", "cjs", "ts", "tsx", "jsx", "go", "java", "kt", "rb", "php", "c", "h", "cc", "cpp", "rs"}
    | {"cs", "swift", "scala", "groovy", "pl", "lua", "r", "rst", "md", "txt", "html", "css"}
)
_YAML = frozenset({"yml", "yaml"})
_ADJACENT = re.compile(rb"(?m)^EXAMPLES: [|>]")
_PYTHON = frozenset({"py", "pyi"})
_QUOTES = b"\"'`"


def severity_of(path: str, hit: Hit, value: bytes) -> Severity:
    """`path` from the root of what is scanned. What its issuer's own form says is never played down."""
    if is_signed(hit):
        return hit.severity
    if not _TESTS.isdisjoint(_WORDS.findall(path.lower())):
        return Severity.LOW
    if hit.identity == "password" and is_guessable(value, f"{path} {hit.account}"):
        return Severity.LOW
    return hit.severity


def is_signed(hit: Hit) -> bool:
    """Whether the value itself says whose it is, wherever it stands."""
    return hit.told is Told.FORM and hit.kind not in _UNSIGNED


def is_prose(path: str, content: bytes, hit: Hit) -> bool:
    """Whether a value in a file of code is an example in its comments: an assignment without quotes, or within the text
    that a Python module says about itself (an Ansible module's may lie in YAML beside it).
    """
    extension = path.rpartition(".")[2].lower()
    if is_signed(hit):
        return False
    if extension in _YAML:
        return _ADJACENT.search(content, 0, max(hit.start, 0)) is not None
    if extension not in _CODE:
        return False
    if extension in _PYTHON and _is_in_docstring(content, hit.start):
        return True
    return hit.told is Told.NAME and not _is_quoted(content, hit.start)


def is_weighty(path: str, content: bytes, hit: Hit) -> bool:
    """Whether a hit is worth stopping a commit for: nothing of low severity is."""
    return not is_prose(path, content, hit) and severity_of(path, hit, hit.value_in(content)) > Severity.LOW


def _is_quoted(content: bytes, start: int) -> bool:
    """Whether a quote opens right before the value, or before the run of signs that it is the end of ("?token=...")."""
    run = _RUN_BEFORE.search(content, max(0, start - 400), start)
    at = run.start() if run else start
    return content[at - 1 : at] in _quoted


def _is_in_docstring(content: bytes, start: int) -> bool:
    """Whether a string in three quotes is open that is a statement, or Ansible's documentation of a module."""
    starts, ends = _docstrings(content)
    at = bisect_right(starts, start) - 1
    return at >= 0 and start < ends[at]


@lru_cache(maxsize=1)
def _docstrings(content: bytes) -> tuple[list[int], list[int]]:
    """Where each begins and ends."""
    starts: list[int] = []
    ends: list[int] = []
    for opening, closing in _in_three_quotes(content):
        if _DOCUMENTING.fullmatch(content, content.rfind(b"\n", 0, opening) + 1, opening) is not None:
            starts.append(opening + 3)
            ends.append(closing)
    return starts, ends


def _in_three_quotes(content: bytes) -> Iterator[tuple[int, int]]:
    """Where each string in three quotes opens and closes; one that never does, at the end of the text."""
    next_of = {mark: content.find(mark) for mark in _TRIPLE}
    while (opening := min((at for at in next_of.values() if at >= 0), default=-1)) >= 0:
        mark = content[opening : opening + 3]
        closing = content.find(mark, opening + 3)
        if closing < 0:
            yield opening, len(content)
            return
        yield opening, closing
        for each, at in next_of.items():
            if 0 <= at < closing + 3:
                next_of[each] = content.find(each, closing + 3)


_quoted = frozenset(_QUOTES[at : at + 1] for at in range(len(_QUOTES)))
_RUN_BEFORE = re.compile(rb"[^\s\"'`]*\Z")
_TRIPLE = (b'"""', b"'''")
_DOCUMENTING = re.compile(rb"[ \t]*(?:(?:DOCUMENTATION|EXAMPLES|RETURN|__doc__)\s?=\s?)?[rRuU]?")
