"""Shell text as commands of words that can be placed in the file (POSIX.1-2024, 2.2 and 2.3). Nothing is expanded."""

from __future__ import annotations

import re
from collections.abc import Iterator

from yett.inventory.formats.word import Word

LONGEST_LINE = 65_536
"""Bytes. A longer line is data, not a command that somebody wrote."""
MOST_RUNS = 64
"""Pieces of one word. A word of more quotes than that is masked as a whole."""

_TOKEN = re.compile(
    rb"""(?s)(?P<blank>[ \t\r]++|\\\r?\n)|(?P<here><<<)|(?P<end>\|\||&&|[;&|()\n`])|(?P<redirect>\d?[<>]+&?)"""
    rb"""|'(?P<single>[^']*+)'|"(?P<double>[^"\\]*+(?:\\.[^"\\]*+)*+)"|\\(?P<escaped>.)|(?P<plain>[^\s'"\\;&|()`<>]++)|(?P<odd>.)"""
)
_DOUBLE = re.compile(rb"""(?s)(?P<plain>[^\\]++)|\\(?P<escaped>["\\$`])|(?P<kept>\\.)|(?P<odd>\\)""")

Command = list[Word]


def commands(content: bytes, start: int, end: int, *, origin: int = 0) -> Iterator[tuple[str, Command]]:
    """The commands between two bytes, each with the operator before it ("" or "|", ";", ...).

    `<<<` and redirections are words of their own. `origin`: where in the file `content` begins.
    """
    if end - start > LONGEST_LINE:
        return
    reader = _Reader(origin)
    for found in _TOKEN.finditer(content, start, end):
        operator = found[0].decode("latin-1") if found.lastgroup == "end" else ""
        if operator:
            reader.end_word()
            if reader.words:
                yield reader.operator, reader.words
            reader = _Reader(origin, operator)
        else:
            reader.take(found)
    reader.end_word()
    if reader.words:
        yield reader.operator, reader.words


class _Reader:
    """The words of one command so far, and the pieces of the word that is being read."""

    def __init__(self, origin: int, operator: str = "") -> None:
        self.operator = operator
        self._origin = origin
        self.words: Command = []
        self._pieces: list[bytes] = []
        self._runs: list[tuple[int, int, int]] = []
        self._size = 0
        self._span: tuple[int, int] | None = None

    def take(self, token: re.Match[bytes]) -> None:
        group = token.lastgroup or ""
        if group == "blank":
            self.end_word()
        elif group in ("here", "redirect"):
            self.end_word()
            self._add(token[0], token.start(), token.span())
            self.end_word()
        elif group == "double":
            self._add(b"", token.start(group), token.span())
            for piece in _DOUBLE.finditer(token[group]):
                name = piece.lastgroup or "odd"
                self._add(piece[name], token.start(group) + piece.start(name), token.span())
        else:
            self._add(token[group], token.start(group), token.span())

    def end_word(self) -> None:
        if self._span is not None:
            runs = tuple(self._runs) if len(self._runs) <= MOST_RUNS else ()
            self.words.append(Word(b"".join(self._pieces), *self._span, runs))
        self._pieces, self._runs, self._size, self._span = [], [], 0, None

    def _add(self, piece: bytes, raw: int, span: tuple[int, int]) -> None:
        raw += self._origin
        self._span = (self._span[0] if self._span else span[0] + self._origin, span[1] + self._origin)
        if not piece:
            return
        self._pieces.append(piece)
        self._runs.append((self._size, raw, len(piece)))
        self._size += len(piece)
