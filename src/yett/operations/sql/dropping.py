"""DROP and TRUNCATE: all that goes with what is named."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from yett.model.effects import Effect, Recovery
from yett.operations.sql import outside
from yett.operations.sql.catalog import Relation
from yett.operations.sql.facts import Ref, dump
from yett.operations.sql.found import Node
from yett.operations.sql.reader import Reader
from yett.operations.sql.statement import Touched, Verb
from yett.operations.sql.targets import columns_of_type, touch_all

_DROPS: Mapping[str, tuple[Effect, Recovery]] = {
    **dict.fromkeys(
        ("OBJECT_TABLE", "OBJECT_SEQUENCE", "OBJECT_TYPE", "OBJECT_DOMAIN", "OBJECT_EXTENSION", "OBJECT_SCHEMA"),
        (Effect.DELETE, Recovery.FROM_BACKUP),
    ),
    **dict.fromkeys(
        ("OBJECT_VIEW", "OBJECT_MATVIEW", "OBJECT_INDEX", "OBJECT_STATISTIC_EXT", "OBJECT_COLLATION"),
        (Effect.DELETE, Recovery.AUTOMATIC),
    ),
    **dict.fromkeys(
        ("OBJECT_FUNCTION", "OBJECT_PROCEDURE", "OBJECT_ROUTINE", "OBJECT_AGGREGATE", "OBJECT_OPERATOR", "OBJECT_CAST"),
        (Effect.DELETE, Recovery.FROM_BACKUP),
    ),
}
_RELATIONS = frozenset(
    {"OBJECT_TABLE", "OBJECT_VIEW", "OBJECT_MATVIEW", "OBJECT_SEQUENCE", "OBJECT_FOREIGN_TABLE", "OBJECT_INDEX"}
)


def drop(reader: Reader, node: Node) -> None:
    kind, cascade = node.get("removeType", ""), node.get("behavior") == "DROP_CASCADE"
    words = kind.removeprefix("OBJECT_").replace("_", " ").replace("MATVIEW", "MATERIALIZED VIEW")
    reader.tag = f"DROP {words}"
    effect, recovery = _DROPS.get(kind, (Effect.ADMIN, Recovery.FROM_BACKUP))
    names = [_object_name(wrapped) for wrapped in node.get("objects", ())]
    if node.get("concurrent"):
        outside.drop(reader, names)
        return
    if kind in _RELATIONS:
        _drop_relations(reader, names, cascade)
    elif kind == "OBJECT_SCHEMA":
        for _, name in names:
            reader.schemas.append(name)
            touch_all(reader, reader.catalog.relations_in(name), Verb.DROP)
    elif kind in ("OBJECT_TYPE", "OBJECT_DOMAIN"):
        for schema, name in names:
            columns_of_type(reader, schema, name)
    if cascade and kind in ("OBJECT_SCHEMA", "OBJECT_EXTENSION"):
        recovery = Recovery.NONE
    shown = ", ".join(f"{schema}.{name}" if schema else name for schema, name in names)
    all_with_it = ", and all that depends on it" if cascade else ""
    reader.fact(dump(effect, recovery, f"drops {words.lower()} {shown}{all_with_it}"))


def _drop_relations(reader: Reader, names: Iterable[tuple[str, str]], cascade: bool) -> None:
    for schema, name in names:
        found = reader.names.relations(schema, name)
        if not found:
            reader.touched.append(Touched(0, schema, name, Verb.DROP))
        touch_all(reader, _family(reader, found), Verb.DROP)
        if cascade:
            children = [reader.catalog.relation(ref.child) for relation in found for ref in relation.references]
            touch_all(reader, (child for child in children if child is not None), Verb.ALTER)


def _family(reader: Reader, relations: Iterable[Relation]) -> list[Relation]:
    """Relations with their partitions and heirs."""
    found: dict[int, Relation] = {}
    waiting = list(relations)
    while waiting:
        relation = waiting.pop()
        if relation.oid not in found:
            found[relation.oid] = relation
            children = (reader.catalog.relation(oid) for oid in relation.children)
            waiting.extend(child for child in children if child is not None)
    return list(found.values())


def _object_name(wrapped: Node) -> tuple[str, str]:
    ((kind, fields),) = wrapped.items()
    if kind == "String":
        return "", fields.get("sval", "")
    parts = fields.get("items") or fields.get("names") or fields.get("objname") or ()
    names = [part["String"]["sval"] for part in parts if "String" in part]
    return (names[-2] if len(names) > 1 else ""), (names[-1] if names else "")


def truncate(reader: Reader, node: Node) -> None:
    reader.tag = "TRUNCATE TABLE"
    for wrapped in node.get("relations", ()):
        reader.target(wrapped["RangeVar"], Verb.TRUNCATE)
    if node.get("behavior") == "DROP_CASCADE":
        seen: set[int] = set()
        waiting = [ref.oid for ref in reader.refs if ref.kind == Verb.TRUNCATE]
        while waiting:
            relation = reader.catalog.relation(waiting.pop())
            if relation is not None and relation.oid not in seen:
                seen.add(relation.oid)
                reader.refs.add(Ref(Verb.TRUNCATE, relation.oid))
                waiting.extend((*(ref.child for ref in relation.references), *relation.children))
