"""A statement as it may be logged: no literal, no comment, no string body."""

from __future__ import annotations

from yett.operations.sql.lexer import Kind, tokens

LONGEST = 8192
"""Characters kept: a log line is no place for a megabyte of VALUES."""

_CONSTANTS = frozenset({Kind.LITERAL, Kind.NUMBER})


def redact(text: str) -> str:
    """Replace constants by $1, $2 ..., after the highest parameter in use; comments by nothing; spaces by one each."""
    parts: list[str] = []
    length, number = 0, 0
    found = list(tokens(text))
    for token in found:
        if token.kind is Kind.PARAMETER:
            number = max(number, int(token.text[1:7]))
    for token in found:
        if token.kind in _CONSTANTS:
            number += 1
            shown = f"${number}"
        elif token.kind in (Kind.COMMENT, Kind.SPACE):
            shown = "" if parts and parts[-1] == " " else " "
        elif token.kind is Kind.UNFINISHED:
            shown = "..."
        else:
            shown = token.text
        parts.append(shown)
        length += len(shown)
        if length > LONGEST:
            parts.append(" ...")
            break
    return "".join(parts).strip()
