"""Look into one version of a file as git keeps it: as it lies, as the UTF-16 that it may be, and inside if it says that
it is an archive. Its first bytes may lie, so no look takes the place of another.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from yett.inventory.formats import format_of
from yett.inventory.look import Look, Seen, Tell
from yett.inventory.outcome import Unread
from yett.inventory.texts import BINARY_HEAD, utf16
from yett.inventory.unpack import HEAD, is_container, texts_of

ARCHIVE = "archive"
_NOTEBOOK = ".ipynb"
"""Text as well, and both are looked at: its lines are what people know."""


@dataclass(frozen=True, slots=True)
class Spot:
    """A credential in a version. `raw` are the bytes that stand for it there, b"" inside an archive."""

    seen: Seen
    raw: bytes


def spots_in(look: Look, path: str, content: bytes, tell: Tell) -> list[Spot]:
    """Each value once; one inside an archive with the path `archive!/member`. `tell` hears what is wrong with it."""
    found: dict[bytes, None] = {}
    spots = []
    for spot in _every(look, path, content, tell):
        if spot.seen.value not in found or path.endswith(_NOTEBOOK):
            spots.append(spot)
        found[spot.seen.value] = None
    return spots


def is_archive(path: str, content: bytes) -> bool:
    """Whether it says so."""
    return is_container(path, content[:HEAD])


def _every(look: Look, path: str, content: bytes, tell: Tell) -> Iterator[Spot]:
    if is_archive(path, content):
        for text in texts_of(content, path, unread=tell):
            for seen in look.text(text.name, text.content, ARCHIVE, tell, format_of(text.name)):
                yield Spot(seen, b"")
    if encoding := utf16(content[:BINARY_HEAD]):
        text_there = content.decode(encoding, "replace").encode("utf-8", "replace")
        for seen in _plain(look, path, text_there):
            said = text_there[seen.hit.start : seen.hit.end].decode("utf-8", "replace")
            yield Spot(seen, said.encode(encoding, "replace"))
    for seen in _plain(look, path, content):
        yield Spot(seen, content[seen.hit.start : seen.hit.end])


def _plain(look: Look, path: str, content: bytes) -> list[Seen]:
    return look.text(path, content, "file", _unheard, format_of(path))


def _unheard(_unread: Unread) -> None:
    """A file that its parser cannot read was screened all the same."""
