"""`set_config(name, value, ..)`: the function that does what SET does, judged by its constants."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from yett.model.errors import Unreadable
from yett.operations.sql import settings
from yett.operations.sql.catalog import Catalog
from yett.operations.sql.facts import Fact, unknown
from yett.providers.postgres.identifiers import fold


def judged(arguments: list[Any], catalog: Catalog, chosen: str | None) -> Fact | None:
    """What the call does. `chosen`: the only name that it can be given here, where that is no constant."""
    constants = [_constant(argument) for argument in arguments]
    name, value = (*constants, None, None)[:2]
    name = name if chosen is None else chosen
    if name is None:
        return unknown("calls set_config with a name that is not a constant")
    values: tuple[str, ...] | None = None if value is None else (value,)
    if value is not None and fold(name) == "search_path":
        values = _path(value, catalog)
    return settings.judge(name, values, catalog)


def only_sets(statement: Mapping[str, Any]) -> bool:
    """Whether a statement (a parse tree: Any) does nothing but to set settings with a dot in their names, to what its
    text says or is bound to it: the same whenever it runs."""
    match statement:
        case {"VariableSetStmt": {"kind": "VAR_SET_VALUE", "name": name, "args": values}}:
            return "." in name and all("A_Const" in value for value in values)
        case {"SelectStmt": {"targetList": targets, **rest}} if rest.keys() <= {"limitOption", "op"}:
            return all(map(_is_such_a_call, targets))
    return False


def _is_such_a_call(target: Any) -> bool:
    match target:
        case {"ResTarget": {"val": {"FuncCall": {"funcname": called, "args": [name, value, local], **rest}}}} if (
            rest.keys() <= {"funcformat", "location"}
        ):
            known = _constant(value) is not None or _is_bound(value)
            is_it = [part["String"]["sval"] for part in called] in (["set_config"], ["pg_catalog", "set_config"])
            return is_it and known and "." in (_constant(name) or "") and "boolval" in local.get("A_Const", {})
    return False


def _path(value: str, catalog: Catalog) -> tuple[str, ...] | None:
    """The schemas of a search_path; None: which they are is not known."""
    if not (value.isascii() or catalog.is_utf8):
        return None
    try:
        return settings.path_of(value, ())
    except Unreadable:
        return None


def _constant(node: Any) -> str | None:
    """The text of a string constant, cast to text or not; None: no constant."""
    if not isinstance(node, dict):
        return None  # from the worker, which leaves constants out
    if "TypeCast" in node and _is_text(node["TypeCast"].get("typeName", {})):
        node = node["TypeCast"].get("arg", {})
    constant = node.get("A_Const", {})
    if "sval" in constant:
        return str(constant["sval"].get("sval", ""))
    return "" if "boolval" in constant else None


def _is_bound(node: Any) -> bool:
    """A parameter, cast to text or not."""
    match node:
        case {"ParamRef": _}:
            return True
        case {"TypeCast": {"arg": {"ParamRef": _}, "typeName": type_name}}:
            return _is_text(type_name)
    return False


def _is_text(type_name: Mapping[str, Any]) -> bool:
    names = [part["String"]["sval"] for part in type_name.get("names", ())]
    return names in (["text"], ["pg_catalog", "text"], ["pg_catalog", "bool"])
