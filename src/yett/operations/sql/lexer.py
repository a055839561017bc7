"""PostgreSQL's tokens, for what needs no tree: hiding literals in logs, and finding names in a body's text.

The rules are those of scan.l with standard_conforming_strings on, which the gateway pins.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    WORD = "word"
    QUOTED = "quoted"
    """A quoted identifier."""
    LITERAL = "literal"
    NUMBER = "number"
    PARAMETER = "parameter"
    COMMENT = "comment"
    SPACE = "space"
    OPERATOR = "operator"
    SIGN = "sign"
    UNFINISHED = "unfinished"
    """A string, identifier or comment that does not end: the rest of the text."""


@dataclass(frozen=True, slots=True)
class Token:
    kind: Kind
    text: str


_TOKEN = re.compile(
    r"""
    (?P<space>[ \t\n\r\f\v]+)
  | (?P<line>--[^\n\r]*)
  | (?P<block>/\*)
  | (?P<escaped>[eE]'(?:[^'\\]|''|\\.)*')
  | (?P<literal>(?:[bBxXnN]|[uU]&)?'(?:[^']|'')*')
  | (?P<quoted>(?:[uU]&)?"(?:[^"]|"")*")
  | (?P<dollar>\$(?P<tag>(?:[A-Za-z_\x80-\U0010ffff][A-Za-z0-9_\x80-\U0010ffff]*)?)\$)
  | (?P<parameter>\$\d+)
  | (?P<number>(?:0[xX](?:_?[0-9a-fA-F])+|0[oO](?:_?[0-7])+|0[bB](?:_?[01])+
      |(?:\d(?:_?\d)*(?:\.(?!\.)(?:\d(?:_?\d)*)?)?|\.\d(?:_?\d)*)(?:[eE][-+]?\d(?:_?\d)*)?))
  | (?P<word>[A-Za-z_\x80-\U0010ffff][A-Za-z0-9_$\x80-\U0010ffff]*)
  | (?P<sign>[,()\[\].;:])
  | (?P<operator>[-+*/<>=~!@\#%^&|`?]+)
  | (?P<unfinished>(?:[eEbBxXnN]|[uU]&)?['"].*)
  | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL | re.ASCII,
)
_KINDS = {
    "space": Kind.SPACE,
    "line": Kind.COMMENT,
    "escaped": Kind.LITERAL,
    "literal": Kind.LITERAL,
    "quoted": Kind.QUOTED,
    "parameter": Kind.PARAMETER,
    "number": Kind.NUMBER,
    "word": Kind.WORD,
    "sign": Kind.SIGN,
    "operator": Kind.OPERATOR,
    "unfinished": Kind.UNFINISHED,
    "other": Kind.SIGN,
}
_NEST = re.compile(r"/\*|\*/")
_COMMENT_STARTS = re.compile(r"/\*|--")


ODD_NAME = "has a name beyond ASCII, and the database is not in UTF-8: which object it means cannot be told from here"
_NAMELESS = frozenset({Kind.LITERAL, Kind.COMMENT, Kind.SPACE})


def is_certain(text: str) -> bool:
    """Whether its names are the same in every server encoding.

    A server that does not keep its data in UTF-8 cuts names to 63 bytes of its own encoding, and may fold the case of
    letters beyond ASCII (scansup.c). Which object such a name means there cannot be told from here.
    """
    if text.isascii() and '&"' not in text:
        return True
    return all(token.kind in _NAMELESS or (token.text.isascii() and token.text[1:3] != '&"') for token in tokens(text))


def tokens(text: str) -> Iterator[Token]:
    """All of `text` as tokens; joined again they are the text. Never fails."""
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        assert match is not None
        assert match.lastgroup is not None
        group, end = match.lastgroup, match.end()
        if match["block"]:
            kind, end = _comment(text, position)
        elif match["dollar"] is not None:
            kind, end = _dollar(text, end, match["dollar"])
        else:
            kind = _KINDS[group]
        # An operator ends where a comment begins (scan.l).
        if kind is Kind.OPERATOR and (inner := _COMMENT_STARTS.search(text, position + 1, end)):
            end = inner.start()
        yield Token(kind, text[position:end])
        position = end


def _comment(text: str, start: int) -> tuple[Kind, int]:
    depth = 0
    for found in _NEST.finditer(text, start):
        depth += 1 if found[0] == "/*" else -1
        if depth == 0:
            return Kind.COMMENT, found.end()
    return Kind.UNFINISHED, len(text)


def _dollar(text: str, start: int, tag: str) -> tuple[Kind, int]:
    end = text.find(tag, start)
    return (Kind.UNFINISHED, len(text)) if end < 0 else (Kind.LITERAL, end + len(tag))
