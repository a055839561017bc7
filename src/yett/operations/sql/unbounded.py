"""Whether a condition selects anything: `WHERE true`, `WHERE id = id` and their like change every row.

That a WHERE clause is there is no control (findings 4): a condition without a column of the table, or one that compares
a column with itself, is as good as none. What this calls bounded may still be all rows: the guard counts them.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

Node = Mapping[str, Any]
_SAME = frozenset({"=", "<=", ">=", "~~", "~~*"})
_CHANGES = ("CMD_UPDATE", "CMD_DELETE")


def condition(statement: Node) -> bool:
    """Whether an UPDATE or DELETE may change every row."""
    return not _selects(statement.get("whereClause"), _Tables(statement))


def merge(statement: Node) -> bool:
    """Whether a MERGE may change every row of its target."""
    tables = _Tables(statement)
    joined = _selects(statement.get("joinCondition"), tables)
    for wrapped in statement.get("mergeWhenClauses", ()):
        when = wrapped["MergeWhenClause"]
        if when.get("commandType") not in _CHANGES or _selects(when.get("condition"), tables):
            continue
        if not joined or when.get("matchKind") == "MERGE_WHEN_NOT_MATCHED_BY_SOURCE":
            return True
    return False


class _Tables:
    """Everything that a column can be qualified with: what else stands before one is a variable of a block."""

    def __init__(self, statement: Node) -> None:
        self._statement = statement

    def __contains__(self, name: object) -> bool:
        return name in self._names

    @cached_property
    def _names(self) -> frozenset[str]:
        found: set[str] = set()
        waiting: list[Any] = [self._statement]
        while waiting:
            item = waiting.pop()
            if isinstance(item, list):
                waiting.extend(item)
            elif isinstance(item, dict):
                found.update(item[key] for key in ("relname", "aliasname", "ctename") if key in item)
                waiting.extend(item.values())
        return frozenset(found)


def _selects(node: Node | None, tables: _Tables) -> bool:
    if not isinstance(node, dict):
        return False
    ((kind, fields),) = node.items()
    if kind == "BoolExpr":
        selects = [_selects(part, tables) for part in fields["args"]]
        return all(selects) if fields["boolop"] == "OR_EXPR" else any(selects)
    if kind == "A_Expr" and _is_same(fields, tables):
        return False
    if kind == "NullTest" and fields.get("nulltesttype") == "IS_NOT_NULL":
        return False
    return kind == "CurrentOfExpr" or _has_column(node)


def _is_same(fields: Node, tables: _Tables) -> bool:
    if fields.get("kind") == "AEXPR_NOT_DISTINCT":
        return _alike(fields.get("lexpr"), fields.get("rexpr"), tables)
    names: list[str] = [part["String"]["sval"] for part in fields.get("name", ())]
    return bool(names) and names[-1] in _SAME and _alike(fields.get("lexpr"), fields.get("rexpr"), tables)


def _alike(one: Any, other: Any, tables: _Tables) -> bool:
    """Whether two trees say the same, but for positions, numbers, and a table's name that only one of them has."""
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(_alike(*pair, tables) for pair in zip(one, other, strict=True))
    if not isinstance(one, dict) or not isinstance(other, dict):
        return bool(one == other)
    if "ColumnRef" in one and "ColumnRef" in other:
        return _is_same_column(one["ColumnRef"]["fields"], other["ColumnRef"]["fields"], tables)
    if _is_number(one) and _is_number(other):
        return True  # whichever: the cache tells texts apart by everything but their numbers
    keys = (one.keys() | other.keys()) - {"location"}
    return all(key in one and key in other and _alike(one[key], other[key], tables) for key in keys)


def _is_same_column(one: list[Any], other: list[Any], tables: _Tables) -> bool:
    short, long = sorted((one, other), key=len)
    if long[len(long) - len(short) :] != short:
        return False
    qualifier = long[-len(short) - 1 : -len(short)]
    return not qualifier or qualifier[0].get("String", {}).get("sval") in tables


def _is_number(node: Node) -> bool:
    constant = node.get("A_Const", {})
    return "ival" in constant or "fval" in constant


def _has_column(node: Any) -> bool:
    """Whether a column is looked at outside of sub-selects that look at none from outside."""
    if isinstance(node, list):
        return any(_has_column(item) for item in node)
    if not isinstance(node, dict):
        return False
    if "ColumnRef" in node:
        return True
    if "SubLink" in node:
        link = node["SubLink"]
        return _has_column(link.get("testexpr")) or _is_correlated(link.get("subselect"))
    return any(_has_column(value) for value in node.values() if isinstance(value, (dict, list)))


def _is_correlated(query: Any) -> bool:
    """Whether a sub-select uses a qualified column of something that it does not bring itself."""
    own: set[str] = set()
    used: set[str] = set()
    waiting = [query]
    while waiting:
        item = waiting.pop()
        if isinstance(item, list):
            waiting.extend(item)
        elif isinstance(item, dict):
            if "relname" in item:
                own.add(item.get("alias", {}).get("aliasname", item["relname"]))
            elif "aliasname" in item:
                own.add(item["aliasname"])
            elif "fields" in item and len(item["fields"]) > 1 and "String" in item["fields"][-2]:
                used.add(item["fields"][-2]["String"]["sval"])
            waiting.extend(value for value in item.values() if isinstance(value, (dict, list)))
    return bool(used - own)
