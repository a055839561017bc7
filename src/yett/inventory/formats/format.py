"""A file format that says by itself where its credentials stand, and the refusal to read a broken one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from yett.inventory.hit import Hit
from yett.inventory.severity import Severity
from yett.model.errors import YettError


class Unparsable(YettError):
    """The file is not of its format. One line; what the parser gave before holds, patterns look at the rest."""


@dataclass(frozen=True, slots=True)
class Format:
    """One format and everything that says that a file is of it.

    `parse` raises nothing but Unparsable, whatever the bytes are, takes linear time, and gives exact spans.
    `names` are base names anywhere, `paths` endings of a path, both shell patterns without regard to case; `homes` are
    places below a home folder, `~/...` with * (a whole path in there is read only because it lies there). `sniff` is a
    regular expression in the rules' language that tells the format by content alone, b"" if that cannot be told.
    """

    id: str
    title: str
    identity: str
    parse: Callable[[bytes], Iterable[Hit]]
    names: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    homes: tuple[str, ...] = ()
    sniff: bytes = b""
    severity: Severity = Severity.HIGH
