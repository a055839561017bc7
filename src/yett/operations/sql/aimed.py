"""The rows that an UPDATE or DELETE names in plain words: `id = 5`, `id = $1`, `id IN (1, 2)`.

It says where to look first, no more: nothing may be decided by it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from yett.operations.sql.grammar import GrammarError
from yett.operations.sql.trees import trees
from yett.operations.sql.worker import WouldWait, not_waiting

Node = Mapping[str, Any]
Columns = tuple[tuple[str, tuple[str, ...]], ...]
_KINDS = {"UpdateStmt": "fromClause", "DeleteStmt": "usingClause"}


def aimed(text: bytes, parameters: Sequence[bytes | None]) -> Columns:
    """Columns and the values one of which each of them must hold, in text form; () for all other statements, and for
    texts that it would take long to read. `parameters` are in text form, too."""
    try:
        with not_waiting():
            (tree,) = trees(text)
        if tree.node is None or tree.kind not in _KINDS:
            return ()
        fields: Node = tree.node[tree.kind]
        if fields.get(_KINDS[tree.kind]) or fields.get("withClause"):
            return ()
        return tuple(_conditions(fields.get("whereClause", {}), parameters))
    except (GrammarError, WouldWait, RecursionError, LookupError, TypeError, ValueError):
        return ()


def _conditions(node: Node, parameters: Sequence[bytes | None]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Those of a conjunction that are plain: fewer of them select more rows, never fewer."""
    if not node:
        return
    ((kind, fields),) = node.items()
    if kind == "BoolExpr" and fields["boolop"] == "AND_EXPR":
        for part in fields["args"]:
            yield from _conditions(part, parameters)
    if kind != "A_Expr" or fields["kind"] not in ("AEXPR_OP", "AEXPR_IN"):
        return
    (operator,) = fields["name"]
    if operator["String"]["sval"] != "=":  # `<>` is that of NOT IN
        return
    column, other = fields["lexpr"], fields["rexpr"]
    if "ColumnRef" not in column and fields["kind"] == "AEXPR_OP":
        column, other = other, column
    items = other["List"]["items"] if fields["kind"] == "AEXPR_IN" else [other]
    values = [_value(item, parameters) for item in items]
    if "ColumnRef" in column and values and None not in values:
        yield column["ColumnRef"]["fields"][-1]["String"]["sval"], tuple(value for value in values if value is not None)


def _value(node: Node, parameters: Sequence[bytes | None]) -> str | None:
    node = node["TypeCast"]["arg"] if "TypeCast" in node else node
    if "ParamRef" in node:
        value = parameters[node["ParamRef"].get("number", 0) - 1]
        return None if value is None else value.decode()
    constant = node.get("A_Const", {})
    if "ival" in constant:
        return str(constant["ival"].get("ival", 0))
    for kind in ("sval", "fval"):
        if kind in constant:
            return str(constant[kind].get(kind, ""))
    return None
