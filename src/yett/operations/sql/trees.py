"""Text -> raw parse trees: here if that is safe, else in the worker. A tree too deep to walk is known by its kind."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from yett.operations.sql.grammar import GrammarError, grammar, is_tame
from yett.operations.sql.worker import worker

_KIND = re.compile(rb'"stmts":\[\{"stmt":\{"(\w+)":')


@dataclass(frozen=True, slots=True)
class Tree:
    """One statement: its bytes, its kind and its wrapped node; `node` is None if it nests too deep to be walked."""

    text: bytes
    kind: str
    node: Mapping[str, Any] | None


def trees(text: bytes, mode: int = 0) -> list[Tree]:
    """All statements of a text. `mode` as `Grammar.parse`.

    Raises:
        GrammarError: not in the grammar, or nothing survives reading it.
    """
    answer = _parsed(text, mode)
    try:
        statements = json.loads(answer)["stmts"] if b'"stmt"' in answer else []
    except RecursionError:
        return [_shallow(text[start : start + length]) for start, length in _places(text)]
    return [_tree(text, statement) for statement in statements]


def _parsed(text: bytes, mode: int) -> bytes:
    return grammar().parse(text, mode) if is_tame(text) else worker().parse(text, mode)


def _places(text: bytes) -> list[tuple[int, int]]:
    return grammar().split(text) if is_tame(text) else worker().split(text)


def _tree(text: bytes, statement: Mapping[str, Any]) -> Tree:
    start, length = statement.get("stmt_location", 0), statement.get("stmt_len", 0)
    own = text[start : start + length] if length else text[start:]
    ((kind, _),) = statement["stmt"].items()
    return Tree(own.strip(), kind, statement["stmt"])


def _shallow(text: bytes) -> Tree:
    answer = _parsed(text, 0)
    try:
        return _tree(text, json.loads(answer)["stmts"][0])
    except RecursionError:
        match = _KIND.search(answer)
        if match is None:
            raise GrammarError("a statement of no kind") from None
        return Tree(text.strip(), match[1].decode(), None)
