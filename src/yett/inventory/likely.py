"""How likely it is that a value which only its surroundings tell is anybody's: tests and prose say it is not."""

from __future__ import annotations

import re

from yett.inventory.finding import Severity
from yett.inventory.hit import Hit

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
_QUOTES = b"\"'`"


def severity_of(path: str, hit: Hit) -> Severity:
    """`path` from the root of what is scanned. What its form or an issuer's name says is never played down."""
    if hit.provider or hit.kind not in _UNSIGNED:
        return hit.severity
    return Severity.LOW if not _TESTS.isdisjoint(_WORDS.findall(path.lower())) else hit.severity


def is_prose(path: str, content: bytes, hit: Hit) -> bool:
    """Whether an assignment without quotes stands in a file of code: then it is an example in a comment."""
    return path.rpartition(".")[2].lower() in _CODE and content[hit.start - 1 : hit.start] not in _quoted


_quoted = frozenset(_QUOTES[at : at + 1] for at in range(len(_QUOTES)))


def is_weighty(path: str, content: bytes, hit: Hit) -> bool:
    """Whether a hit is worth stopping a commit for: nothing of low severity is."""
    if hit.kind == GENERIC and is_prose(path, content, hit):
        return False
    return severity_of(path, hit) > Severity.LOW
