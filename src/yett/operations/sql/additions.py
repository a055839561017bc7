"""Definitions that make something new or add to a table, and evaluate nothing while they run: what they add to.

On tables that its own transaction has made such a statement is nobody's loss, and runs nobody's code. What it stores to
be evaluated later (a default, a check) is judged with the rest of it (`found.Found.plants`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from yett.operations.sql.found import Node
from yett.operations.sql.reader import Reader

_TABLE = frozenset({"relation", "tableElts", "oncommit", "if_not_exists"})
_STORED = frozenset({"AT_AddConstraint", "AT_ColumnDefault", "AT_DropNotNull", "AT_SetNotNull"})
_KEYS = frozenset({"CONSTR_PRIMARY", "CONSTR_UNIQUE", "CONSTR_FOREIGN"})
_IN_A_TABLE = _KEYS | {
    f"CONSTR_{kind}" for kind in ("NULL", "NOTNULL", "DEFAULT", "CHECK", "IDENTITY")
} | {f"CONSTR_ATTR_{kind}" for kind in ("DEFERRABLE", "NOT_DEFERRABLE", "DEFERRED", "IMMEDIATE")}  # fmt: skip


def by_index(reader: Reader, node: Node) -> None:
    """Of plain columns: no expression, no condition."""
    columns = (*node.get("indexParams", ()), *node.get("indexIncludingParams", ()))
    if all("name" in one["IndexElem"] for one in columns) and "whereClause" not in node:
        _adds_to(reader, [node["relation"]])


def by_table(reader: Reader, node: Node) -> None:
    """One that is no child of another, and is filled with nothing."""
    constraints = list(_constraints(node.get("tableElts", ())))
    if node.keys() <= _TABLE and all(_kind(one) in _IN_A_TABLE for one in constraints):
        _adds_to(reader, _referred(constraints))


def by_altering(reader: Reader, node: Node) -> None:
    """Keys, defaults for what comes later, and whether a column may be empty."""
    commands = [wrapped["AlterTableCmd"] for wrapped in node.get("cmds", ())]
    added = [one["def"] for one in commands if one.get("subtype") == "AT_AddConstraint"]
    constraints = [one.get("Constraint", {}) for one in added]
    if (
        node.get("objtype", "OBJECT_TABLE") == "OBJECT_TABLE"
        and all(one.get("subtype") in _STORED for one in commands)
        and all(_kind(one) in _KEYS for one in constraints)
    ):
        _adds_to(reader, [node["relation"], *_referred(constraints)])


def by_itself(reader: Reader, node: Node) -> None:
    """A type of labels, or a sequence that no table owns."""
    if all(one["DefElem"].get("defname") != "owned_by" for one in node.get("options", ())):
        _adds_to(reader, ())


def by_owning(reader: Reader, node: Node) -> None:
    """A sequence that goes with a column from here on."""
    names = [_names(one["DefElem"]) for one in node.get("options", ()) if one["DefElem"].get("defname") == "owned_by"]
    if len(names) == len(node.get("options", ())) == 1 and len(names[0]) > 1:
        *schema, table, _ = names[0]
        _adds_to(reader, [node["sequence"], {"schemaname": "".join(schema[-1:]), "relname": table}])


def _names(option: Node) -> list[str]:
    return [one.get("String", {}).get("sval", "") for one in option.get("arg", {}).get("List", {}).get("items", ())]


def _adds_to(reader: Reader, relations: Iterable[Node]) -> None:
    """An event trigger runs code at each definition."""
    if not reader.catalog.event_triggers:
        reader.adds_to = frozenset(oid for one in relations for oid in _oids(reader, one))


def _oids(reader: Reader, relation: Node) -> list[int]:
    """0: the catalog does not know it."""
    return [one.oid for one in reader.names.relations(relation.get("schemaname", ""), relation["relname"])] or [0]


def _constraints(elements: Iterable[Node]) -> Iterator[Node]:
    for element in elements:
        if "Constraint" in element:
            yield element["Constraint"]
        elif "ColumnDef" in element:
            yield from (one["Constraint"] for one in element["ColumnDef"].get("constraints", ()))
        else:
            yield {}


def _kind(constraint: Node) -> str:
    return str(constraint.get("contype", ""))


def _referred(constraints: Iterable[Node]) -> list[Node]:
    return [one["pktable"] for one in constraints if "pktable" in one]
