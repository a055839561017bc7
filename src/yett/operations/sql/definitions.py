"""Statements that define: CREATE, ALTER, DROP, TRUNCATE and what else changes relations, types and schemas.

A person is asked for all of them, so what counts here is to say what they destroy (`touched`), what they plant, and
whether they can run inside a transaction. Only a session's own temporary table passes, if nothing in it runs anything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from yett.model.effects import Effect, Recovery
from yett.operations.sql import additions
from yett.operations.sql.altering import alter_sequence, alter_table, refresh, rewrite
from yett.operations.sql.dropping import drop, truncate
from yett.operations.sql.facts import dump, refused
from yett.operations.sql.found import Node
from yett.operations.sql.making import create_table, create_table_as, index, schema, select_into, view
from yett.operations.sql.reader import NO_CTES, Reader
from yett.operations.sql.statement import Touched, Verb
from yett.operations.sql.targets import defines, is_temporary, named

_DEFINES = {
    "AlterCollationStmt": "ALTER COLLATION",
    "AlterDomainStmt": "ALTER DOMAIN",
    "AlterEnumStmt": "ALTER TYPE",
    "AlterObjectDependsStmt": "ALTER",
    "AlterObjectSchemaStmt": "ALTER",
    "AlterStatsStmt": "ALTER STATISTICS",
    "AlterTSConfigurationStmt": "ALTER TEXT SEARCH CONFIGURATION",
    "AlterTSDictionaryStmt": "ALTER TEXT SEARCH DICTIONARY",
    "AlterTableMoveAllStmt": "ALTER TABLE",
    "CommentStmt": "COMMENT",
    "CompositeTypeStmt": "CREATE TYPE",
    "CreateDomainStmt": "CREATE DOMAIN",
    "CreateEnumStmt": "CREATE TYPE",
    "CreateRangeStmt": "CREATE TYPE",
    "CreateSeqStmt": "CREATE SEQUENCE",
    "CreateStatsStmt": "CREATE STATISTICS",
    "RenameStmt": "ALTER",
}


def define(kind: str) -> Callable[[Reader, Node], None]:
    """A handler for statements that add or rename."""
    tag = _DEFINES[kind]

    def handler(reader: Reader, node: Node) -> None:
        word = node.get("renameType") or node.get("objectType") or ""
        reader.tag = f"{tag} {word.removeprefix('OBJECT_').replace('_', ' ')}" if tag == "ALTER" else tag
        for key in ("relation", "sequence", "typevar"):
            if key in node:
                created = kind.startswith(("Create", "Composite"))
                named(reader, node[key], Verb.CREATE if created else Verb.ALTER)
                _not_temporary(reader, node[key])
        if node.get("domainname", [{}])[0].get("String", {}).get("sval", "").startswith("pg_temp"):
            reader.fact(refused("makes a temporary type, which could stand before another", Effect.UNKNOWN))
        loses = kind == "AlterDomainStmt" and node.get("subtype") in ("X", "O")
        effect = Effect.DELETE if loses else Effect.WRITE
        reader.fact(dump(effect, Recovery.AUTOMATIC, f"changes the catalog ({reader.tag.lower()})"))
        defines(reader, node, "")
        if kind == "CommentStmt":
            additions.by_comment(reader, node)
        if kind == "CreateSeqStmt":
            additions.by_sequence(reader, node)
        if kind == "CreateEnumStmt":
            *schema, name = [part["String"]["sval"] for part in node["typeName"]]
            reader.touched.append(Touched(0, "".join(schema[-1:]), name, Verb.CREATE))
            _not_temporary(reader, {"schemaname": "".join(schema[-1:])})
            additions.by_labels(reader, node)

    return handler


def _not_temporary(reader: Reader, relation: Node) -> None:
    if is_temporary(relation):
        reader.fact(refused("makes a temporary type or sequence by its schema", Effect.UNKNOWN))


def _select(reader: Reader, node: Node) -> None:
    if "intoClause" in node:
        select_into(reader, node)
        return
    reader.tag = reader.tag or "SELECT"
    reader.select(node, NO_CTES)


def _rows(tag: str, read: Callable[[Reader, Node, frozenset[str]], None]) -> Callable[[Reader, Node], None]:
    def handler(reader: Reader, node: Node) -> None:
        reader.tag = reader.tag or tag
        read(reader, node, NO_CTES)

    return handler


ROWS: Mapping[str, Callable[[Reader, Node], None]] = {
    "DeleteStmt": _rows("DELETE", Reader.delete),
    "InsertStmt": _rows("INSERT", Reader.insert),
    "MergeStmt": _rows("MERGE", Reader.merge),
    "SelectStmt": _select,
    "UpdateStmt": _rows("UPDATE", Reader.update),
}
DEFINITIONS: Mapping[str, Callable[[Reader, Node], None]] = {
    **{kind: define(kind) for kind in _DEFINES},
    "AlterSeqStmt": alter_sequence,
    "AlterTableStmt": alter_table,
    "ClusterStmt": rewrite,
    "CreateSchemaStmt": schema,
    "CreateStmt": create_table,
    "CreateTableAsStmt": create_table_as,
    "DropStmt": drop,
    "IndexStmt": index,
    "RefreshMatViewStmt": refresh,
    "ReindexStmt": rewrite,
    "TruncateStmt": truncate,
    "ViewStmt": view,
}
