"""What comes out of a container, and what people call it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from yett.inventory.unpack.streams import Bytes
from yett.model.visible import visible

LONGEST_NAME = 400
"""Characters of one member's name. The end is kept: it says what kind of file it is."""

_MEDIA = re.compile(
    r".*\.(?:avi|bmp|eot|flac|gif|heic|ico|jpe?g|m4a|m4v|mkv|mov|mp[34]|mpe?g|ogg|otf|png|tiff?|ttf|wav|web[mp]|woff2?)",
    re.IGNORECASE | re.DOTALL,
)
_INSTALLED = frozenset({"node_modules", "site-packages", "dist-packages", "__pycache__"})


@dataclass(frozen=True, slots=True)
class Text:
    """`name` is for people: "backup.zip!/conf/.env"."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Member:
    """`part`: it belongs to the container's own build (an image's layer, a package's data), and is no level deeper."""

    name: str
    stream: Bytes
    part: bool = False


def shown(name: str) -> str:
    """A member's name that can harm nobody: no NUL, bidi or terminal codes, not absolute, no way up."""
    parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".")]
    joined = "/".join("<..>" if part == ".." else part for part in parts)
    harmless = visible(joined[-LONGEST_NAME - 1 :], 12 * LONGEST_NAME)
    return harmless if len(harmless) <= LONGEST_NAME else "…" + harmless[1 - LONGEST_NAME :]


def is_worth_reading(name: str) -> bool:
    """Pictures, fonts and sound hold no text; installed packages hold other people's test keys."""
    return _MEDIA.fullmatch(name) is None and _INSTALLED.isdisjoint(name.split("/"))
