"""A statement as it may be logged: no literal, no comment, no string body."""

from __future__ import annotations

import re

from yett.operations.sql.lexer import Kind, tokens

LONGEST = 8192
"""Characters kept: a log line is no place for a megabyte of VALUES."""

_CONSTANTS = frozenset({Kind.LITERAL, Kind.NUMBER})
_PLACE = re.compile(r"\$(\d{1,6})")
_QUICK = re.compile(
    r"""
    (?P<keep>"[^"]*"|\$\d+)
  | (?P<space>\s\s+|[^\S ])
  | (?P<constant>(?<![A-Za-z0-9_$\x80-\U0010ffff])
      (?:[eE]'(?:[^'\\]|''|\\.)*'
      | (?:\d[\d_.]*(?:[eE][-+]?\d+)?|\.\d[\d_]*(?:[eE][-+]?\d+)?|0[xXoObB][0-9a-fA-F_]+)(?![A-Za-z_$\x80-\U0010ffff]))
    | (?:(?<![A-Za-z0-9_$\x80-\U0010ffff])(?:[bBxXnN]|[uU]&))?'[^']*')
  | (?P<rest>["'].*)
    """,
    re.VERBOSE | re.DOTALL | re.ASCII,
)
_SLOW = re.compile(r"""--|/\*|\$[^\d]|\$\Z|(?<![A-Za-z_])[eE]'|\d[xXoObB]""", re.ASCII)
"""A letter before the E: the end of a word in a string ('free'), or of a name, which is no prefix of one."""


def redact(text: str) -> str:
    """Replace constants by $1, $2 ..., after the highest parameter in use; comments by nothing; spaces by one each."""
    if len(text) > LONGEST or _SLOW.search(text):
        return _by_tokens(text)
    number = max(map(int, _PLACE.findall(text)), default=0)

    def shown(match: re.Match[str]) -> str:
        nonlocal number
        if match.lastgroup == "constant":
            number += 1
            return f"${number}"
        if match.lastgroup == "rest":
            return "..."
        return " " if match.lastgroup == "space" else match[0]

    return _QUICK.sub(shown, text).strip()


def _by_tokens(text: str) -> str:
    parts: list[str] = []
    number = max(map(int, _PLACE.findall(text[:LONGEST])), default=0)
    for token in tokens(text[:LONGEST]):
        if token.kind in _CONSTANTS:
            number += 1
            parts.append(f"${number}")
        elif token.kind is Kind.UNFINISHED:
            parts.append("...")
        elif token.kind not in (Kind.COMMENT, Kind.SPACE):
            parts.append(token.text)
        elif parts and parts[-1] != " ":
            parts.append(" ")
    return "".join(parts).strip()[:LONGEST] + (" ..." if len(text) > LONGEST else "")
