"""What is looked at in policy text before Cedar's parser sees it.

The parser recurses: a thousand nested brackets overflow its stack, and a crash is not an exception (measured, cedarpy
4.12.2). A workspace's policy is written by an agent, so size and nesting are bounded here, with the lexer's own tokens
(cedar-policy-core, grammar.lalrpop: strings, `//` comments to the end of the line).
"""

from __future__ import annotations

import re

from yett.policy.errors import PolicyError

MAX_TEXT = 1_000_000
"""Characters in a layer."""
MAX_RULES = 10_000
MAX_TOKENS = 2_000
"""Tokens in one policy: a chain of operators nests in the parsed form as deep as it is long."""
MAX_DEPTH = 32
"""Brackets within brackets. One takes 10 KB of stack (measured), so this fits a thread of half a megabyte."""
MAX_PREFIXES = 40
"""`!`, `-` and `if` in one policy: they nest without a bracket, so all of them count."""

_TOKEN = re.compile(r'"(?:\\[^\n]|[^"\\])*"|//[^\n\r]*|\s+|[A-Za-z_]\w*|[0-9]+|[^\s\w"]|(?P<bad>.)', re.DOTALL)
_OPENING, _CLOSING = frozenset("([{"), frozenset(")]}")
_PREFIXES = frozenset({"!", "-", "if"})


def check_text(text: str) -> None:
    """Refuse text that could crash or mislead the parser.

    Raises:
        PolicyError: too long, too deep, or with characters that people cannot see.
    """
    if len(text) > MAX_TEXT:
        raise PolicyError(f"the policy has more than {MAX_TEXT:,} characters", "split it into several files")
    if hidden := hidden_character(text):
        raise PolicyError(f"the policy holds the invisible character {hidden}", "remove it; it could hide what is read")
    _check_depth(text)


def hidden_character(text: str) -> str:
    """The first control, bidi or blank character but space, newline and tab, as U+XXXX; "" if there is none."""
    return next((f"U+{ord(c):04X}" for c in text if not c.isprintable() and c not in "\n\t"), "")


def _check_depth(text: str) -> None:
    tokens = depth = prefixes = 0
    for match in _TOKEN.finditer(text):
        token = match.group()
        if match.group("bad"):
            raise PolicyError("a quotation mark is not closed", "close it on the line where it opens")
        if token.isspace() or token.startswith("//"):
            continue
        if token == ";" and depth == 0:
            tokens = depth = prefixes = 0
            continue
        tokens += 1
        depth += (token in _OPENING) - (token in _CLOSING)
        prefixes += token in _PREFIXES
        # Brackets that close nothing would let as many open unseen.
        if depth < 0 or (token == ";" and depth):
            raise PolicyError("the brackets do not match", "close each bracket that is opened, and no other")
        if tokens > MAX_TOKENS or depth > MAX_DEPTH or prefixes > MAX_PREFIXES:
            raise PolicyError("a policy is too long or too deep to be read safely", "write it as several policies")
