"""What a definition names, and the expressions inside it that will run later."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from yett.model.effects import Effect, Recovery
from yett.operations.sql.catalog import Relation
from yett.operations.sql.facts import Ref, dump
from yett.operations.sql.found import Node
from yett.operations.sql.reader import Reader
from yett.operations.sql.statement import Touched, Verb

_SERIALS = frozenset({"serial", "serial2", "serial4", "serial8", "bigserial", "smallserial"})


def named(reader: Reader, range_var: Node, verb: Verb) -> None:
    schema_name, name = range_var.get("schemaname", ""), range_var["relname"]
    found = reader.names.relations(schema_name, name)
    if verb is Verb.CREATE or not found:
        reader.touched.append(Touched(0, schema_name, name, verb))
    else:
        touch_all(reader, found, verb)


def touch_all(reader: Reader, relations: Iterable[Relation], verb: Verb) -> None:
    reader.touched.extend(Touched(r.oid, r.schema, r.name, verb) for r in relations)


def is_temporary(range_var: Node) -> bool:
    return range_var.get("relpersistence") == "t" or range_var.get("schemaname", "").startswith("pg_temp")


def columns_of_type(reader: Reader, schema: str, name: str) -> None:
    schemas = (schema,) if schema else ("pg_temp", *reader.catalog.search_path)
    for found in (t for s in schemas for t in reader.catalog.types_named(s, name)):
        touch_all(reader, reader.catalog.relations_with(found.oid), Verb.ALTER)


def defines(reader: Reader, node: Node, reason: str) -> None:
    """Read the expressions inside; functions that are not known harmless will run for whoever comes by."""
    reader.lenient = True
    for element in node.get("tableElts", ()):
        table_element(reader, element)
    for key, value in node.items():
        if key not in ("relation", "tableElts", "typevar", "sequence", "relations") and isinstance(value, (dict, list)):
            reader.walk(_without_names(value))
    if reason:
        reader.fact(dump(Effect.WRITE, Recovery.AUTOMATIC, reason))
    reader.plants = True


def table_element(reader: Reader, element: Node) -> None:
    column = element.get("ColumnDef", {})
    type_name = column.get("typeName", {})
    names = [part["String"]["sval"] for part in type_name.get("names", ())]
    if column and names[-1:] and names[-1] not in _SERIALS:
        reader.type_name(type_name)
    constraints = column.get("constraints", ()) if column else (element,)
    for wrapped in constraints:
        constraint = wrapped.get("Constraint", {})
        reader.walk({"expr": constraint.get("raw_expr", {})})
        reader.walk({"where": constraint.get("where_clause", {})})
    if "TableLikeClause" in element:
        _copied(reader, element["TableLikeClause"]["relation"])


def _copied(reader: Reader, range_var: Node) -> None:
    reader.target(range_var, Verb.READ)
    found = reader.names.relations(range_var.get("schemaname", ""), range_var["relname"])
    reader.refs.update(Ref("copy", relation.oid) for relation in found)


def _without_names(value: Any) -> Any:
    """Drop relations and the types of columns to be: they are not read and not computed."""
    if isinstance(value, list):
        return [_without_names(item) for item in value]
    if not isinstance(value, dict):
        return value
    dropped = ("pktable", "TypeName", "typeName", "argType", "returnType", "RangeVar", "PartitionCmd", "objname")
    return {key: _without_names(item) for key, item in value.items() if key not in dropped}
