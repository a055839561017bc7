"""What no transaction takes: VACUUM, what is said CONCURRENTLY, and the maintenance of everything at once.

Nothing measures such a statement before it is final. So a person is asked only where it names what it works on, in
this database; and where all that the server would run for it (expressions of indexes and statistics, comparisons) is
known to change nothing (`Found.done`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from yett.model.effects import Effect, Recovery
from yett.operations.sql.facts import Ref, alone, refused
from yett.operations.sql.found import Node, dotted
from yett.operations.sql.reader import Reader
from yett.operations.sql.statement import Touched, Verb
from yett.operations.sql.trees import trees

Name = tuple[str, str]
"""Schema ("" if none is said) and name."""

_NO_NAMES = "names nothing that it works on: name the tables"
_COMPUTES = frozenset({"full", "analyze"})
"""Options of VACUUM by which it computes expressions of indexes and statistics."""


@dataclass(frozen=True, slots=True)
class Written:
    """The names in the text of one such statement: of tables, and of indexes that exist."""

    tables: tuple[Name, ...] = ()
    indexes: tuple[Name, ...] = ()


def written(text: str) -> Written:
    """The names that a statement stands on. Raises ValueError: it is none that this file reads."""
    (tree,) = trees(text.encode())
    if tree.node is None:
        raise ValueError("a statement that nests too deep")
    ((kind, node),) = tree.node.items()
    match kind:
        case "VacuumStmt":
            return Written(tuple(_name(one["VacuumRelation"]["relation"]) for one in node["rels"]))
        case "ReindexStmt" if node["kind"] == "REINDEX_OBJECT_INDEX":
            return Written(indexes=(_name(node["relation"]),))
        case "ReindexStmt" | "IndexStmt":
            return Written((_name(node["relation"]),))
        case "DropStmt":
            return Written(indexes=tuple(_listed(one) for one in node["objects"]))
        case "AlterTableStmt":
            partitions = (one["AlterTableCmd"]["def"]["PartitionCmd"]["name"] for one in node["cmds"])
            return Written((_name(node["relation"]), *map(_name, partitions)))
    raise ValueError(f"not a statement outside of a transaction: {kind}")


def vacuum(reader: Reader, node: Node) -> None:
    reader.tag = "VACUUM"
    reader.fact(alone(Effect.WRITE, Recovery.AUTOMATIC, "rewrites storage, and may lock tables for long"))
    relations = [one["VacuumRelation"].get("relation") for one in node.get("rels", ())]
    if not relations or None in relations:
        reader.fact(refused(_NO_NAMES))
        return
    computes = any(option["DefElem"].get("defname") in _COMPUTES for option in node.get("options", ()))
    for range_var in relations:
        _table(reader, range_var, built=computes)


def rewrite(reader: Reader, node: Node) -> None:
    """REINDEX CONCURRENTLY; REINDEX and CLUSTER of many."""
    if "kind" in node:
        reader.tag = "REINDEX CONCURRENTLY" if "relation" in node else "REINDEX"
    reader.fact(alone(Effect.WRITE, Recovery.AUTOMATIC, "stores indexes anew"))
    if "relation" not in node:
        reader.fact(refused(_NO_NAMES))
    elif node.get("kind") == "REINDEX_OBJECT_INDEX":
        _index(reader, _name(node["relation"]), Verb.ALTER)
    else:
        _table(reader, node["relation"], built=True)


def index(reader: Reader, node: Node) -> None:
    """CREATE INDEX CONCURRENTLY, whose expressions run for every row there is."""
    reader.tag = "CREATE INDEX CONCURRENTLY"
    reader.fact(alone(Effect.WRITE, Recovery.AUTOMATIC, "builds an index outside of a transaction"))
    _table(reader, node["relation"], built=True)
    for element in (*node.get("indexParams", ()), *node.get("indexIncludingParams", ())):
        reader.walk({"expr": element["IndexElem"].get("expr", {})})
    reader.walk({"where": node.get("whereClause", {})})


def drop(reader: Reader, names: Iterable[Name]) -> None:
    """DROP INDEX CONCURRENTLY."""
    reader.tag = "DROP INDEX CONCURRENTLY"
    reader.fact(alone(Effect.DELETE, Recovery.FROM_UNDO, "drops an index outside of a transaction"))
    for name in names:
        _index(reader, name, Verb.DROP)


def detach(reader: Reader, partition: Mapping[str, Any]) -> None:
    """DETACH PARTITION CONCURRENTLY, or FINALIZE; the caller has named the tables."""
    word = "CONCURRENTLY" if partition.get("concurrent") else "FINALIZE"
    reader.tag = f"ALTER TABLE DETACH PARTITION {word}"
    reader.fact(alone(Effect.DELETE, Recovery.FROM_UNDO, "detaches a partition outside of a transaction"))
    for one in reader.touched:
        if not one.oid or one.schema == "pg_temp":
            reader.fact(refused(f"names {dotted(one.schema, one.name)}, which the catalog does not know"))


def _table(reader: Reader, range_var: Node, *, built: bool) -> None:
    schema, name = _name(range_var)
    if reader.catalog.temporary(name) and not schema.removeprefix("pg_temp"):
        reader.fact(refused(f"works on the temporary table {name}, which only its own session sees"))
        return
    found = [one for one in reader.names.relations(schema, name) if one.schema != "pg_temp"]
    if not found:
        reader.fact(refused(f"names {dotted(schema, name)}, which the catalog does not know"))
    if any(one.builtin for one in found):
        reader.fact(refused(f"works on {name}, which is the server's own"))
    reader.touched.extend(Touched(one.oid, one.schema, one.name, Verb.ALTER) for one in found)
    if built:
        reader.refs.update(Ref("built", one.oid) for one in found)


def _index(reader: Reader, name: Name, verb: Verb) -> None:
    """An index by its name; what is touched is its table."""
    table = reader.names.table_of_index(*name)
    if table is None:
        reader.fact(refused(f"names {dotted(*name)}, which is no index that the catalog knows"))
        return
    reader.touched.append(Touched(table.oid, table.schema, table.name, Verb.ALTER))
    if verb is Verb.ALTER:
        reader.refs.add(Ref("built", table.oid))


def _name(range_var: Node) -> Name:
    return range_var.get("schemaname", ""), range_var["relname"]


def _listed(wrapped: Node) -> Name:
    parts = [part["String"]["sval"] for part in wrapped["List"]["items"]]
    return (parts[-2] if len(parts) > 1 else ""), parts[-1]
