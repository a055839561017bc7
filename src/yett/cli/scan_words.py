"""A plain command line of `yett scan`, read without typer, whose loading takes longer than a small scan.

Only words that can be meant in one way are read here: known options, each once, and paths. All else, what asks for help
and what is wrong is left to typer, which says so. Both readings give the same request; a test holds them together.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from yett.cli.scanning import NEVER, SEVERITIES, Request

_FLAGS: dict[str, tuple[str, bool]] = {
    "--home": ("home", True),
    "--no-home": ("home", False),
    "--history": ("history", True),
    "--no-history": ("history", False),
    "--installed": ("installed", True),
    "--again": ("again", True),
    "--json": ("json", True),
    "--strict-read": ("strict_read", True),
    "--no-baseline": ("no_baseline", True),
}
_VALUES = {
    "--format": "format",
    "--output": "output",
    "--severity": "severity",
    "--fail-on": "fail_on",
    "--baseline": "baseline",
}
_KNOWN = {"severity": frozenset(SEVERITIES), "fail_on": frozenset((*SEVERITIES, NEVER))}


def request(words: Sequence[str]) -> Request | None:
    """What the words behind `yett scan` ask for; None: typer is to read them."""
    given: dict[str, Any] = {}  # Any: of each field its own type
    paths: list[Path] = []
    left = iter(words)
    for word in left:
        if not word.startswith("-"):
            if not word:
                return None
            paths.append(Path(word))
            continue
        option, equals, value = word.partition("=")
        if option in _VALUES:
            name = _VALUES[option]
            said = value if equals else next(left, "")
            if name in given or not said or said.startswith("-") or said not in _KNOWN.get(name, (said,)):
                return None
            given[name] = said
        elif word in _FLAGS and _FLAGS[word][0] not in given:
            name, given[name] = _FLAGS[word]
        else:
            return None
    return _request(given, tuple(paths))


def _request(given: dict[str, Any], paths: tuple[Path, ...]) -> Request:  # Any: as above
    output = given.pop("output", None)
    form = given.pop("format", "table")
    form = "json" if given.pop("json", False) else form
    if "baseline" in given:
        given["baseline"] = Path(given["baseline"])
    return Request(paths=paths, reports=((form, Path(output) if output else None),), **given)
