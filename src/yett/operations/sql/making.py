"""CREATE: tables, views, indexes, schemas, and tables made of what is read.

Only a session's own temporary table passes, if nothing in it runs anything.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from yett.model.effects import Effect, Recovery
from yett.operations.sql import additions, outside
from yett.operations.sql.facts import Fact, Ref, ask, dump, refused
from yett.operations.sql.found import Node
from yett.operations.sql.reader import NO_CTES, Reader
from yett.operations.sql.statement import Touched, Verb, Way
from yett.operations.sql.targets import defines, is_temporary, named, table_element

_PLAIN_TABLE = frozenset({"relation", "tableElts", "oncommit", "if_not_exists"})
_PLAIN_CONSTRAINTS = frozenset(
    f"CONSTR_{kind}" for kind in ("NULL", "NOTNULL", "DEFAULT", "CHECK", "PRIMARY", "UNIQUE", "GENERATED", "IDENTITY")
)


def create_table(reader: Reader, node: Node) -> None:
    reader.tag = "CREATE TABLE"
    relation = node["relation"]
    if is_temporary(relation):
        _create_temporary(reader, node)
        return
    named(reader, relation, Verb.CREATE)
    for parent in node.get("inhRelations", ()):
        named(reader, parent["RangeVar"], Verb.ALTER)
    defines(reader, node, "makes a table")
    additions.by_table(reader, node)


def _create_temporary(reader: Reader, node: Node) -> None:
    """A table of this session only: harmless, unless it hides another, or carries code that would run."""
    relation = node["relation"]
    _own_table(reader, relation["relname"])
    for name in _named_beside(node.get("tableElts", ())):
        _may_hide(reader, name)
    if not node.keys() <= _PLAIN_TABLE or not all(_is_plain(element) for element in node.get("tableElts", ())):
        reader.fact(dump(Effect.WRITE, Recovery.AUTOMATIC, "makes a temporary table that hangs on others"))
        reader.lenient = True
    for element in node.get("tableElts", ()):
        table_element(reader, element)


def _is_plain(element: Node) -> bool:
    if "TableLikeClause" in element:
        return True
    constraints = element.get("ColumnDef", {}).get("constraints", ())
    if "Constraint" in element:
        constraints = (element,)
    elif "ColumnDef" not in element:
        return False
    return all(one["Constraint"].get("contype") in _PLAIN_CONSTRAINTS for one in constraints)


def create_table_as(reader: Reader, node: Node) -> None:
    is_view = node.get("objtype") == "OBJECT_MATVIEW"
    reader.tag = "CREATE MATERIALIZED VIEW" if is_view else "CREATE TABLE AS"
    _filled(reader, node["into"]["rel"], is_view)
    reader.nested(node["query"])


def select_into(reader: Reader, node: Node) -> None:
    reader.tag = "SELECT INTO"
    _filled(reader, node["intoClause"]["rel"], False)
    reader.select({key: value for key, value in node.items() if key != "intoClause"}, NO_CTES)


def _filled(reader: Reader, relation: Node, is_view: bool) -> None:
    if not is_temporary(relation):
        named(reader, relation, Verb.CREATE)
        reader.fact(dump(Effect.WRITE, Recovery.AUTOMATIC, "makes a table and fills it"))
        return
    _own_table(reader, relation["relname"])
    reader.keeps = True
    if is_view:
        reader.fact(refused("makes a temporary view", Effect.UNKNOWN))


def _own_table(reader: Reader, name: str) -> None:
    """What any temporary table does: its creation fires event triggers, and its name hides others.

    CVE-2018-1058: functions that run with other rights would read the session's table for the real one.
    """
    reader.touched.append(Touched(0, "pg_temp", name, Verb.CREATE))
    reader.refs.update(Ref("trigger", function) for function in reader.catalog.event_triggers)
    reader.fact(Fact(Way.PASS, Effect.READ, Recovery.AUTOMATIC, "", defines=True))
    _may_hide(reader, name)


def _named_beside(node: Any) -> Iterator[str]:
    """Indexes and sequences that a table brings, by the names that the text gives them."""
    if isinstance(node, (list, tuple)):
        for item in node:
            yield from _named_beside(item)
    elif isinstance(node, dict):
        if "contype" in node:
            yield node.get("conname", "")
        if node.get("defname") == "sequence_name":
            yield node["arg"]["List"]["items"][-1]["String"]["sval"]
        for value in node.values():
            yield from _named_beside(value)


def _may_hide(reader: Reader, name: str) -> None:
    if reader.catalog.hides(name):
        reason = f"hides {name} from this session and the functions it calls"
        reader.fact(ask(Effect.ADMIN, Recovery.AUTOMATIC, reason))


def view(reader: Reader, node: Node) -> None:
    reader.tag = "CREATE VIEW"
    relation = node["view"]
    if is_temporary(relation) or _reads_temporary(reader, node.get("query", {})):
        reader.fact(refused("makes a temporary view, which could stand before a table", Effect.UNKNOWN))
    verb = Verb.ALTER if node.get("replace") else Verb.CREATE
    named(reader, relation, verb)
    reader.nested(node["query"])
    reader.plants = True
    recovery = Recovery.FROM_BACKUP if node.get("replace") else Recovery.AUTOMATIC
    reader.fact(dump(Effect.WRITE, recovery, "replaces a view" if node.get("replace") else "makes a view"))


def _reads_temporary(reader: Reader, node: Any) -> bool:
    if isinstance(node, list):
        return any(_reads_temporary(reader, item) for item in node)
    if not isinstance(node, dict):
        return False
    if "relname" in node:
        name, schema = node["relname"], node.get("schemaname", "")
        if schema.startswith("pg_temp") or reader.catalog.temporary(name):
            return True
        return not schema and bool(reader.catalog.temporaries(name))
    return any(_reads_temporary(reader, value) for value in node.values())


def index(reader: Reader, node: Node) -> None:
    reader.tag = "CREATE INDEX"
    named(reader, node["relation"], Verb.ALTER)
    if node.get("concurrent"):
        outside.index(reader, node)
        return
    defines(reader, node, "builds an index, while nobody can write to the table")
    additions.by_index(reader, node)


def schema(reader: Reader, node: Node) -> None:
    reader.fact(dump(Effect.WRITE, Recovery.AUTOMATIC, "makes a schema"))
    for element in node.get("schemaElts", ()):
        reader.tag = "CREATE SCHEMA"
        reader.nested(element)
    reader.tag = "CREATE SCHEMA"
