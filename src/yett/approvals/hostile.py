"""Text that an agent may have written, made harmless to look at (law 13).

Nothing is dropped: what would steer a terminal, a browser or an eye (control, bidi, zero-width, filler and tag
characters, piles of combining marks) is replaced by its code point and name; long text is cut, with the length and hash
of what was cut. Escaping for HTML is the template's work; these functions make sure that there is nothing else to do.
"""

from __future__ import annotations

import hashlib
import unicodedata
from dataclasses import dataclass

LINE = 240
"""Characters shown of one value; the hash of the remainder stands for the rest."""

_BLANK_LETTERS = frozenset("\u115f\u1160\u3164\uffa0\u2800\u034f\u17b4\u17b5\u180b\u180c\u180d\u180f")
"""Not of category C or Z, yet drawn as nothing (Unicode: Default_Ignorable_Code_Point, and the blank Braille cell)."""

_CONTROLS = {0x00: "NULL", 0x08: "BACKSPACE", 0x09: "TAB", 0x0A: "LINE FEED", 0x0D: "CARRIAGE RETURN", 0x1B: "ESCAPE"}

_SCRIPTS = ("LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "HEBREW", "ARABIC", "FULLWIDTH", "MATHEMATICAL")

_MARKS_IN_A_ROW = 2
_SAYING_SO = 40


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of ordinary characters, or the name of one that is not shown as itself."""

    text: str
    named: bool = False


@dataclass(frozen=True, slots=True)
class Visible:
    """A value ready to be shown: `pieces`, then what was cut off, then what a reader should be told about it."""

    pieces: tuple[Piece, ...]
    cut: int = 0
    cut_sha256: str = ""
    warnings: tuple[str, ...] = ()

    def plain(self) -> str:
        """One line for a terminal: printable characters only."""
        text = "".join(f"<{piece.text}>" if piece.named else piece.text for piece in self.pieces)
        if self.cut:
            text += f"... ({self.cut} more characters, SHA-256 {self.cut_sha256[:16]})"
        return text + "".join(f" [!{warning}]" for warning in self.warnings)


def visible(text: str, limit: int = LINE) -> Visible:
    """Make one value showable on one line. A little more than `limit` is shown: to say that it was cut is as long."""
    shown, rest = (text, "") if len(text) <= limit + _SAYING_SO else (text[:limit], text[limit:])
    digest = hashlib.sha256(rest.encode("utf-8", "surrogatepass")).hexdigest() if rest else ""
    return Visible(tuple(_pieces(shown)), len(rest), digest, _warnings(shown))


def visible_lines(text: str, limit: int = 2000, lines: int = 40) -> tuple[Visible, ...]:
    """Make a block showable: line feeds separate its lines, everything else is as in `visible`."""
    found = text[:limit].split("\n")
    shown = found[:lines]
    used = sum(len(line) + 1 for line in shown) - 1
    rest = text[used:]
    block = [Visible(tuple(_pieces(line)), warnings=_warnings(line)) for line in shown]
    if rest:
        digest = hashlib.sha256(rest.encode("utf-8", "surrogatepass")).hexdigest()
        block.append(Visible((), len(rest), digest))
    return tuple(block)


def one_line(text: str, limit: int = LINE) -> str:
    """The terminal form of `visible`."""
    return visible(text, limit).plain()


def is_plain_name(text: str) -> bool:
    """Whether a name that a person chose reads as what it is: no tricks, one script, no outer or double spaces."""
    if not text or len(text) > 64 or text != " ".join(text.split(" ")).strip() or "  " in text:
        return False
    return not any(piece.named for piece in _pieces(text)) and not _warnings(text) and any(c.isalnum() for c in text)


def same_name(one: str, other: str) -> bool:
    """Whether two names would be taken for the same person."""
    return folded(one) == folded(other)


def folded(name: str) -> str:
    """The form in which names are compared: compatibility-normalised, without case."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def _pieces(text: str) -> list[Piece]:
    pieces: list[Piece] = []
    run: list[str] = []
    marks = 0
    for character in text:
        marks = marks + 1 if unicodedata.combining(character) else 0
        if marks <= _MARKS_IN_A_ROW and _shows_as_itself(character):
            run.append(character)
            continue
        if run:
            pieces.append(Piece("".join(run)))
            run = []
        pieces.append(Piece(_name(character), named=True))
    if run:
        pieces.append(Piece("".join(run)))
    return pieces


def _shows_as_itself(character: str) -> bool:
    if character == " ":
        return True
    category = unicodedata.category(character)
    if category[0] in "CZ" or character in _BLANK_LETTERS:
        return False
    code = ord(character)
    return not (0xFE00 <= code <= 0xFE0F or 0xE0100 <= code <= 0xE01EF)  # variation selectors


def _name(character: str) -> str:
    code = ord(character)
    name = _CONTROLS.get(code) or unicodedata.name(character, "")
    if not name:
        name = "CONTROL" if unicodedata.category(character) == "Cc" else "UNASSIGNED"
    return f"U+{code:04X} {name}"


def _warnings(text: str) -> tuple[str, ...]:
    if text.isascii():
        return ()
    for word in text.split():
        scripts = sorted({script for c in word if (script := _script(c))})
        if len(scripts) > 1:
            return (f"letters of {' and '.join(scripts)} in one word",)
    if any(unicodedata.bidirectional(character) in ("R", "AL") for character in text):
        return ("right-to-left letters",)
    return ()


def _script(character: str) -> str:
    if character.isascii():
        return "LATIN" if character.isalpha() else ""
    first = unicodedata.name(character, "").split(" ", 1)[0]
    return first if first in _SCRIPTS else ""
