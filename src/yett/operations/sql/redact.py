"""A statement as it may be logged: no literal, no comment, no string body."""

from __future__ import annotations

import re

from yett.operations.sql.lexer import Kind, tokens

LONGEST = 8192
"""Characters kept: a log line is no place for a megabyte of VALUES."""

_CONSTANTS = frozenset({Kind.LITERAL, Kind.NUMBER})
_PLACE = re.compile(r"\$(\d{1,6})")
_NAME = r"A-Za-z_$\x80-\U0010ffff"
_QUICK = re.compile(
    rf"""["'$\s.\d](?:
    (?<=")[^"]*"
  | (?<=\$)\d+
  | (?P<space>(?<=\s)\s+|(?<=[^\S ]))
  | (?P<constant>(?<=')[^']*'
    | (?:(?<=(?<![0-9{_NAME}])\d)[\d_.]*|(?<=(?<![0-9{_NAME}])\.)\d[\d_]*)(?:[eE][-+]?\d+)?(?![{_NAME}]))
  | (?P<rest>(?<=["']).*)
    )""",
    re.VERBOSE | re.DOTALL | re.ASCII,
)
"""Begins with one set of characters, and looks back at them: so the search for it skips all others at once."""
_SLOW = re.compile(
    r"""[-/$'\d](?:(?<=-)-|(?<=/)\*|(?<=\$)(?:[^\d]|\Z)|(?<=\d)[xXoObB]
      |(?<=(?<![A-Za-z_])[eE]')|(?<=(?<![A-Za-z_'])[bBxXnN]')|(?<=[uU]&'))""",
    re.VERBOSE | re.ASCII,
)
"""A letter before the prefix: the end of a word in a string ('free'), or of a name, which is no prefix of one. A quote
before one: a string of one letter; only behind E would a quote in it be another."""


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
