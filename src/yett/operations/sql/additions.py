"""Definitions that make something new or add to a table, and evaluate nothing as its owner: what they add to.

On tables that its own transaction has made such a statement is nobody's loss, and runs nobody's code. What it stores to
be evaluated later (a default, a check) is evaluated as whoever changes a row, and judged with the rest of it
(`found.Found.plants`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from yett.operations.sql.catalog import FIRST_NORMAL_OID
from yett.operations.sql.found import Node
from yett.operations.sql.reach import FUNCTIONS
from yett.operations.sql.reader import Reader

_TABLE = frozenset({"relation", "tableElts", "oncommit", "if_not_exists"})
_STORED = frozenset({"AT_AddConstraint", "AT_ColumnDefault", "AT_DropNotNull", "AT_SetNotNull"})
_KEYS = frozenset({"CONSTR_PRIMARY", "CONSTR_UNIQUE", "CONSTR_FOREIGN"})
_IN_A_TABLE = _KEYS | {
    f"CONSTR_{kind}" for kind in ("NULL", "NOTNULL", "DEFAULT", "CHECK", "IDENTITY")
} | {f"CONSTR_ATTR_{kind}" for kind in ("DEFERRABLE", "NOT_DEFERRABLE", "DEFERRED", "IMMEDIATE")}  # fmt: skip


def adds_to(reader: Reader) -> frozenset[int] | None:
    """As in `Statement`, of a definition that was read to its end: none where it runs somebody's code all the same.

    The server makes values of literals while it reads a default, by their types. And what is said to be immutable it
    evaluates whenever it likes: SET NOT NULL asks whether a check already says so.
    """
    found = reader.adds_to
    if found is None or any(ref.kind in FUNCTIONS and ref.oid >= FIRST_NORMAL_OID for ref in reader.refs):
        return None
    columns = (reader.catalog.relation(oid) for oid in found)
    types = {ref.oid for ref in reader.refs if ref.kind == "type"}
    types |= {one for relation in columns if relation is not None for one in relation.types}
    return found if _are_known(reader, types) else None


def _are_known(reader: Reader, types: Iterable[int]) -> bool:
    """The server's own, an extension's, and types of labels, and arrays of those."""
    waiting, seen = set(types), set[int]()
    while waiting:
        oid = waiting.pop()
        seen.add(oid)
        if oid < FIRST_NORMAL_OID:
            continue
        one = reader.catalog.type_(oid)
        if one is None or one.kind not in ("b", "e"):
            return False
        waiting |= one.parts - seen
    return True


def by_index(reader: Reader, node: Node) -> None:
    """Of plain columns: no expression, no condition."""
    columns = (*node.get("indexParams", ()), *node.get("indexIncludingParams", ()))
    if all("name" in one["IndexElem"] for one in columns) and "whereClause" not in node:
        _adds_to(reader, [node["relation"]])


def by_table(reader: Reader, node: Node) -> None:
    """One that is no child of another, and is filled with nothing."""
    constraints = list(_constraints(node.get("tableElts", ())))
    if node.keys() <= _TABLE and _is_lasting(node["relation"]) and _are_plain(constraints, _IN_A_TABLE):
        _adds_to(reader, [one for one in _referred(constraints) if not _is_itself(one, node["relation"])])


def by_altering(reader: Reader, node: Node) -> None:
    """Keys, defaults for what comes later, and whether a column may be empty."""
    commands = [wrapped["AlterTableCmd"] for wrapped in node.get("cmds", ())]
    added = [one["def"] for one in commands if one.get("subtype") == "AT_AddConstraint"]
    constraints = [one.get("Constraint", {}) for one in added]
    if (
        node.get("objtype", "OBJECT_TABLE") == "OBJECT_TABLE"
        and all(one.get("subtype") in _STORED for one in commands)
        and _are_plain(constraints, _KEYS)
    ):
        _adds_to(reader, [node["relation"], *_referred(constraints)])


def by_sequence(reader: Reader, node: Node) -> None:
    """One that no table owns."""
    if _is_lasting(node["sequence"]) and all(
        one["DefElem"].get("defname") != "owned_by" for one in node.get("options", ())
    ):
        _adds_to(reader, ())


def by_labels(reader: Reader, node: Node) -> None:
    """A type of labels."""
    _adds_to(reader, ())


def by_comment(reader: Reader, node: Node) -> None:
    """On a table or one of its columns."""
    names = [part.get("String", {}).get("sval", "") for part in node["object"].get("List", {}).get("items", ())]
    if node.get("objtype") == "OBJECT_COLUMN":
        names.pop()
    if node.get("objtype") in ("OBJECT_TABLE", "OBJECT_COLUMN") and 1 <= len(names) <= 2:
        *schema, table = names
        _adds_to(reader, [{"schemaname": "".join(schema), "relname": table}])


def by_owning(reader: Reader, node: Node) -> None:
    """A sequence that goes with a column from here on."""
    names = [_names(one["DefElem"]) for one in node.get("options", ()) if one["DefElem"].get("defname") == "owned_by"]
    if len(names) == len(node.get("options", ())) == 1 and len(names[0]) > 1:
        *schema, table, _ = names[0]
        _adds_to(reader, [node["sequence"], {"schemaname": "".join(schema[-1:]), "relname": table}])


def _adds_to(reader: Reader, relations: Iterable[Node]) -> None:
    """With the children that it reaches through them. An event trigger runs code at each definition; behind a name that
    is not known may stand anything once it runs."""
    found = [reader.names.relations(one.get("schemaname", ""), one["relname"]) for one in relations]
    if reader.catalog.event_triggers or not all(found):
        return
    oids, waiting = set[int](), [one.oid for relation in found for one in relation]
    while waiting:
        oid = waiting.pop()
        relation = reader.catalog.relation(oid)
        if oid not in oids and relation is not None:
            waiting += relation.children
        oids.add(oid)
    reader.adds_to = frozenset(oids)


def _is_itself(referred: Node, made: Node) -> bool:
    """Where both are found by the search_path alone; a name in another schema's table may be anybody's."""
    return "schemaname" not in referred and "schemaname" not in made and referred["relname"] == made["relname"]


def _is_lasting(relation: Node) -> bool:
    return relation.get("relpersistence") != "t" and not relation.get("schemaname", "").startswith("pg_")


def _names(option: Node) -> list[str]:
    return [one.get("String", {}).get("sval", "") for one in option.get("arg", {}).get("List", {}).get("items", ())]


def _constraints(elements: Iterable[Node]) -> Iterator[Node]:
    for element in elements:
        if "Constraint" in element:
            yield element["Constraint"]
        elif "ColumnDef" in element:
            yield from (one["Constraint"] for one in element["ColumnDef"].get("constraints", ()))
        else:
            yield {}


def _are_plain(constraints: Iterable[Node], kinds: frozenset[str]) -> bool:
    """A foreign key's action is run by the server as the table's owner, and with it the defaults and checks of what it
    changes; one that only deletes evaluates nothing."""
    return all(
        one.get("contype", "") in kinds
        and one.get("fk_del_action", "a") in ("a", "r", "c")
        and one.get("fk_upd_action", "a") in ("a", "r")
        for one in constraints
    )


def _referred(constraints: Iterable[Node]) -> list[Node]:
    return [one["pktable"] for one in constraints if "pktable" in one]
