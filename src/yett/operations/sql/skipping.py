"""IF NOT EXISTS of what is there, IF EXISTS of what is not: statements that a server only says a NOTICE to.

Many programs send them each time they start. Only what surely does nothing counts: names that stand for one thing, in
one schema, and a statement that asks for no more than that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from yett.operations.sql.catalog import Catalog
from yett.operations.sql.found import Node
from yett.operations.sql.names import Names

_TABLE, _SCHEMA, _OBJECT, _NONE = "42P07", "42P06", "42710", "00000"

Notice = tuple[str, str]
"""SQLSTATE and message, as the server has them."""


def skipped(statement: Node, catalog: Catalog, names: Names) -> tuple[Notice, ...]:
    """What the server would say instead of doing anything; (): it may do something."""
    ((kind, node),) = statement.items()
    says = _KINDS.get(kind)
    return (
        () if says is None or not (node.get("if_not_exists") or node.get("missing_ok")) else says(node, catalog, names)
    )


def _table(node: Node, catalog: Catalog, names: Names) -> tuple[Notice, ...]:
    relation = node["relation"]
    name, path = relation["relname"], catalog.search_path
    schema = relation.get("schemaname", "") or (path[0] if path else "")
    if relation.get("relpersistence") != "p" or "catalogname" in relation or schema.startswith("pg_temp"):
        return ()
    return _there(name) if catalog.relation_named(schema, name) is not None else ()


def _index(node: Node, catalog: Catalog, names: Names) -> tuple[Notice, ...]:
    relation = node["relation"]
    tables = names.relations(relation.get("schemaname", ""), relation["relname"])
    if node.get("concurrent") or "catalogname" in relation or len(tables) != 1:
        return ()
    name = node.get("idxname", "")
    there = any(name in one.indexes for one in catalog.relations_in(tables[0].schema))
    return _there(name) if there else ()


def _schema(node: Node, catalog: Catalog, names: Names) -> tuple[Notice, ...]:
    name = node.get("schemaname", "")
    if not name or "authrole" in node or not catalog.relations_in(name):
        return ()
    return ((_SCHEMA, f'schema "{name}" already exists, skipping'),)


def _extension(node: Node, catalog: Catalog, names: Names) -> tuple[Notice, ...]:
    name = node["extname"]
    return ((_OBJECT, f'extension "{name}" already exists, skipping'),) if catalog.has_extension(name) else ()


def _drop(node: Node, catalog: Catalog, names: Names) -> tuple[Notice, ...]:
    if node.get("removeType") != "OBJECT_TABLE":
        return ()
    found: list[Notice] = []
    for wrapped in node.get("objects", ()):
        *schemas, name = (part["String"]["sval"] for part in wrapped["List"]["items"])
        schema = schemas[-1] if schemas else ""
        if len(schemas) > 1 or names.relations(schema, name) or catalog.temporary(name):
            return ()
        found.append((_NONE, f'table "{name}" does not exist, skipping'))
    return tuple(found)


def _there(name: str) -> tuple[Notice, ...]:
    return ((_TABLE, f'relation "{name}" already exists, skipping'),)


_KINDS: Mapping[str, Callable[[Node, Catalog, Names], tuple[Notice, ...]]] = {
    "CreateExtensionStmt": _extension,
    "CreateSchemaStmt": _schema,
    "CreateStmt": _table,
    "DropStmt": _drop,
    "IndexStmt": _index,
}
