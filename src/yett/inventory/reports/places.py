"""Where a credential lies, in the five sorts that a person tells apart."""

from __future__ import annotations

from dataclasses import replace
from enum import Enum
from pathlib import Path

from yett.inventory.finding import Finding, place_words
from yett.model.credential import Location


class Sort(Enum):
    """The value is `Location.source`; the order is how near an agent it is."""

    CONFIGURATION = "client-config"
    VARIABLE = "variable"
    FILE = "file"
    TRANSCRIPT = "transcript"
    HISTORY = "history"


_ONE = {
    Sort.CONFIGURATION: "in an agent's configuration",
    Sort.VARIABLE: "in a variable",
    Sort.FILE: "in a file an agent reads",
    Sort.TRANSCRIPT: "in a transcript",
    Sort.HISTORY: "in history",
}
_MANY = {
    Sort.CONFIGURATION: "in agents' configuration",
    Sort.VARIABLE: "in variables",
    Sort.FILE: "in files an agent reads",
    Sort.TRANSCRIPT: "in transcripts",
    Sort.HISTORY: "in history",
}


def sort_of(location: Location) -> Sort:
    try:
        return Sort(location.source)
    except ValueError:  # a source made later is a file to whoever reads the report
        return Sort.FILE


def nearest(finding: Finding) -> Sort:
    """The one sort it is counted under, so that the numbers of a headline add up."""
    order = list(Sort)
    return min((sort_of(at) for at in finding.credential.locations), key=order.index, default=Sort.FILE)


def sort_words(sort: Sort, number: int) -> str:
    """ "3 in files an agent reads"."""
    return f"{number:,} {_ONE[sort] if number == 1 else _MANY[sort]}"


def place(location: Location, root: Path) -> str:
    """One place, with its sort where the path alone would not tell; below `root` relative to it.

    Not yet made harmless: see `model.visible`.
    """
    words = place_words(_from(location, root))
    match sort_of(location):
        case Sort.CONFIGURATION:
            return f"{words} (agent's configuration)"
        case Sort.TRANSCRIPT:
            return f"{words} (transcript)"
    return words


def places(finding: Finding, root: Path) -> list[str]:
    """Each once, in the finding's order."""
    return list(dict.fromkeys(place(at, root) for at in finding.credential.locations))


def _from(location: Location, root: Path) -> Location:
    prefix = f"{root}/"
    if location.source == "variable" or not location.path.startswith(prefix):
        return location
    return replace(location, path=location.path.removeprefix(prefix))
