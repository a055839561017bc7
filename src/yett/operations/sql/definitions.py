"""Statements that define: CREATE, ALTER, DROP, TRUNCATE and what else changes relations, types and schemas.

A person is asked for all of them, so what counts here is to say what they destroy (`touched`), what they plant, and
whether they can run inside a transaction. Only a session's own temporary table passes, if nothing in it runs anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from yett.model.effects import Effect, Recovery
from yett.operations.sql import outside
from yett.operations.sql.catalog import Relation
from yett.operations.sql.facts import Fact, Ref, ask, dump, refused
from yett.operations.sql.found import Node
from yett.operations.sql.reader import NO_CTES, Reader
from yett.operations.sql.statement import Touched, Verb, Way

_SERIALS = frozenset({"serial", "serial2", "serial4", "serial8", "bigserial", "smallserial"})
_PLAIN_TABLE = frozenset({"relation", "tableElts", "oncommit", "if_not_exists"})
_PLAIN_CONSTRAINTS = frozenset(
    f"CONSTR_{kind}" for kind in ("NULL", "NOTNULL", "DEFAULT", "CHECK", "PRIMARY", "UNIQUE", "GENERATED", "IDENTITY")
)
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
_LOSSES: Mapping[str, tuple[Effect, Recovery, str]] = {
    "AT_AlterColumnType": (Effect.DELETE, Recovery.FROM_BACKUP, "rewrites a column as another type"),
    "AT_ChangeOwner": (Effect.ADMIN, Recovery.AUTOMATIC, "gives a relation to another owner"),
    "AT_DetachPartition": (Effect.DELETE, Recovery.AUTOMATIC, "takes a partition out of its table"),
    "AT_DropColumn": (Effect.DELETE, Recovery.FROM_BACKUP, "drops a column with all that is in it"),
    "AT_DropConstraint": (Effect.DELETE, Recovery.AUTOMATIC, "drops a constraint"),
    "AT_DropExpression": (Effect.WRITE, Recovery.AUTOMATIC, "stops generating a column"),
    "AT_DropIdentity": (Effect.WRITE, Recovery.FROM_BACKUP, "drops the sequence of a column"),
    "AT_DropInherit": (Effect.DELETE, Recovery.AUTOMATIC, "takes a table out of another"),
    "AT_SetExpression": (Effect.DELETE, Recovery.FROM_BACKUP, "generates a column anew"),
    "AT_SetUnLogged": (Effect.DELETE, Recovery.FROM_BACKUP, "lets a crash empty a table"),
}
_HARMLESS_ALTER = frozenset(
    {
        "AT_AddColumn",
        "AT_AddConstraint",
        "AT_AddIdentity",
        "AT_AddIndex",
        "AT_AddIndexConstraint",
        "AT_AddInherit",
        "AT_AddOf",
        "AT_AlterConstraint",
        "AT_AttachPartition",
        "AT_ClusterOn",
        "AT_ColumnDefault",
        "AT_CookedColumnDefault",
        "AT_DetachPartitionFinalize",
        "AT_DropCluster",
        "AT_DropNotNull",
        "AT_DropOf",
        "AT_ReplicaIdentity",
        "AT_ResetOptions",
        "AT_ResetRelOptions",
        "AT_SetAccessMethod",
        "AT_SetCompression",
        "AT_SetIdentity",
        "AT_SetLogged",
        "AT_SetNotNull",
        "AT_SetOptions",
        "AT_SetRelOptions",
        "AT_SetStatistics",
        "AT_SetStorage",
        "AT_SetTableSpace",
        "AT_ValidateConstraint",
    }
)
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


def create_table(reader: Reader, node: Node) -> None:
    reader.tag = "CREATE TABLE"
    relation = node["relation"]
    if _is_temporary(relation):
        _create_temporary(reader, node)
        return
    _named(reader, relation, Verb.CREATE)
    for parent in node.get("inhRelations", ()):
        _named(reader, parent["RangeVar"], Verb.ALTER)
    _defines(reader, node, "makes a table")


def _create_temporary(reader: Reader, node: Node) -> None:
    """A table of this session only: harmless, unless it hides another, or carries code that would run."""
    relation = node["relation"]
    _own_table(reader, relation["relname"])
    if not node.keys() <= _PLAIN_TABLE or not all(_is_plain(element) for element in node.get("tableElts", ())):
        reader.fact(dump(Effect.WRITE, Recovery.AUTOMATIC, "makes a temporary table that hangs on others"))
        reader.lenient = True
    for element in node.get("tableElts", ()):
        _table_element(reader, element)


def _is_plain(element: Node) -> bool:
    constraints = element.get("ColumnDef", {}).get("constraints", ())
    if "Constraint" in element:
        constraints = (element,)
    elif "ColumnDef" not in element:
        return False
    return all(one["Constraint"].get("contype") in _PLAIN_CONSTRAINTS for one in constraints)


def _table_element(reader: Reader, element: Node) -> None:
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
    if not _is_temporary(relation):
        _named(reader, relation, Verb.CREATE)
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
    if reader.catalog.hides(name):
        reason = f"hides {name} from this session and the functions it calls"
        reader.fact(ask(Effect.ADMIN, Recovery.AUTOMATIC, reason))


def view(reader: Reader, node: Node) -> None:
    reader.tag = "CREATE VIEW"
    relation = node["view"]
    if _is_temporary(relation) or _reads_temporary(reader, node.get("query", {})):
        reader.fact(refused("makes a temporary view, which could stand before a table", Effect.UNKNOWN))
    verb = Verb.ALTER if node.get("replace") else Verb.CREATE
    _named(reader, relation, verb)
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
    _named(reader, node["relation"], Verb.ALTER)
    if node.get("concurrent"):
        outside.index(reader, node)
        return
    _defines(reader, node, "builds an index, while nobody can write to the table")


def alter_table(reader: Reader, node: Node) -> None:
    kind = node.get("objtype", "OBJECT_TABLE").removeprefix("OBJECT_").replace("MATVIEW", "MATERIALIZED_VIEW")
    commands = [wrapped["AlterTableCmd"] for wrapped in node.get("cmds", ())]
    words = dict.fromkeys(_words(command.get("subtype", "")) for command in commands)
    reader.tag = f"ALTER {kind.replace('_', ' ')} {', '.join(words)}"
    _named(reader, node["relation"], Verb.ALTER)
    for command in commands:
        _alter(reader, command)
    _defines(reader, node, "changes how a relation is made")
    if kind == "TYPE":
        _columns_of_type(reader, node["relation"].get("schemaname", ""), node["relation"]["relname"])


def _alter(reader: Reader, command: Node) -> None:
    subtype = command.get("subtype", "")
    partition = command.get("def", {}).get("PartitionCmd", {})
    if "name" in partition:
        _named(reader, partition["name"], Verb.ALTER)
    if partition.get("concurrent") or subtype == "AT_DetachPartitionFinalize":
        outside.detach(reader, partition)
    if subtype in _LOSSES:
        reader.fact(dump(*_LOSSES[subtype]))
    elif subtype not in _HARMLESS_ALTER:
        # Triggers, rules and row security off or on; options of foreign tables; what a newer grammar has.
        reader.fact(dump(Effect.ADMIN, Recovery.AUTOMATIC, f"changes what guards the table ({_words(subtype)})"))


def _words(subtype: str) -> str:
    """AT_DropColumn -> DROP COLUMN."""
    name = subtype.removeprefix("AT_")
    return "".join(f" {letter}" if letter.isupper() else letter for letter in name).upper().strip()


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
            _touch_all(reader, reader.catalog.relations_in(name), Verb.DROP)
    elif kind in ("OBJECT_TYPE", "OBJECT_DOMAIN"):
        for schema, name in names:
            _columns_of_type(reader, schema, name)
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
        _touch_all(reader, _family(reader, found), Verb.DROP)
        if cascade:
            children = [reader.catalog.relation(ref.child) for relation in found for ref in relation.references]
            _touch_all(reader, (child for child in children if child is not None), Verb.ALTER)


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


def _columns_of_type(reader: Reader, schema: str, name: str) -> None:
    schemas = (schema,) if schema else ("pg_temp", *reader.catalog.search_path)
    for found in (t for s in schemas for t in reader.catalog.types_named(s, name)):
        _touch_all(reader, reader.catalog.relations_with(found.oid), Verb.ALTER)


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


def refresh(reader: Reader, node: Node) -> None:
    reader.tag = "REFRESH MATERIALIZED VIEW"
    relation = node["relation"]
    for found in reader.names.relations(relation.get("schemaname", ""), relation["relname"]):
        reader.refs |= reader.reach.refs(found.view) - {Ref(Verb.READ, found.oid)}
    _named(reader, relation, Verb.ALTER)
    reader.fact(dump(Effect.WRITE, Recovery.AUTOMATIC, f"computes {relation['relname']} anew"))


def rewrite(reader: Reader, node: Node) -> None:
    """REINDEX and CLUSTER of one: the same rows, stored anew under a lock."""
    concurrently = any(option["DefElem"].get("defname") == "concurrently" for option in node.get("params", ()))
    reader.tag = "REINDEX" if "kind" in node else "CLUSTER"
    if "relation" not in node or concurrently:
        outside.rewrite(reader, node)
        return
    reader.fact(dump(Effect.WRITE, Recovery.AUTOMATIC, "stores tables or indexes anew under a lock"))
    _named(reader, node["relation"], Verb.ALTER)


def schema(reader: Reader, node: Node) -> None:
    reader.fact(dump(Effect.WRITE, Recovery.AUTOMATIC, "makes a schema"))
    for element in node.get("schemaElts", ()):
        reader.tag = "CREATE SCHEMA"
        reader.nested(element)
    reader.tag = "CREATE SCHEMA"


def alter_sequence(reader: Reader, node: Node) -> None:
    reader.tag = "ALTER SEQUENCE"
    _named(reader, node["sequence"], Verb.ALTER)
    reader.fact(dump(Effect.WRITE, Recovery.FROM_BACKUP, "changes a sequence"))


def define(kind: str) -> Callable[[Reader, Node], None]:
    """A handler for statements that add or rename."""
    tag = _DEFINES[kind]

    def handler(reader: Reader, node: Node) -> None:
        word = node.get("renameType") or node.get("objectType") or ""
        reader.tag = f"{tag} {word.removeprefix('OBJECT_').replace('_', ' ')}" if tag == "ALTER" else tag
        for key in ("relation", "sequence", "typevar"):
            if key in node:
                created = kind.startswith(("Create", "Composite"))
                _named(reader, node[key], Verb.CREATE if created else Verb.ALTER)
                _not_temporary(reader, node[key])
        if node.get("domainname", [{}])[0].get("String", {}).get("sval", "").startswith("pg_temp"):
            reader.fact(refused("makes a temporary type, which could stand before another", Effect.UNKNOWN))
        loses = kind == "AlterDomainStmt" and node.get("subtype") in ("X", "O")
        effect = Effect.DELETE if loses else Effect.WRITE
        reader.fact(dump(effect, Recovery.AUTOMATIC, f"changes the catalog ({reader.tag.lower()})"))
        _defines(reader, node, "")

    return handler


def _not_temporary(reader: Reader, relation: Node) -> None:
    if relation.get("schemaname", "").startswith("pg_temp"):
        reader.fact(refused("makes a temporary type or sequence by its schema", Effect.UNKNOWN))


def _defines(reader: Reader, node: Node, reason: str) -> None:
    """Read the expressions inside; functions that are not known harmless will run for whoever comes by."""
    reader.lenient = True
    for element in node.get("tableElts", ()):
        _table_element(reader, element)
    for key, value in node.items():
        if key not in ("relation", "tableElts", "typevar", "sequence", "relations") and isinstance(value, (dict, list)):
            reader.walk(_without_names(value))
    if reason:
        reader.fact(dump(Effect.WRITE, Recovery.AUTOMATIC, reason))
    reader.plants = True


def _without_names(value: Any) -> Any:
    """Drop relations and the types of columns to be: they are not read and not computed."""
    if isinstance(value, list):
        return [_without_names(item) for item in value]
    if not isinstance(value, dict):
        return value
    dropped = ("pktable", "TypeName", "typeName", "argType", "returnType", "RangeVar", "PartitionCmd", "objname")
    return {key: _without_names(item) for key, item in value.items() if key not in dropped}


def _named(reader: Reader, range_var: Node, verb: Verb) -> None:
    schema_name, name = range_var.get("schemaname", ""), range_var["relname"]
    found = reader.names.relations(schema_name, name)
    if verb is Verb.CREATE or not found:
        reader.touched.append(Touched(0, schema_name, name, verb))
    else:
        _touch_all(reader, found, verb)


def _touch_all(reader: Reader, relations: Iterable[Relation], verb: Verb) -> None:
    reader.touched.extend(Touched(r.oid, r.schema, r.name, verb) for r in relations)


def _is_temporary(range_var: Node) -> bool:
    return range_var.get("relpersistence") == "t" or range_var.get("schemaname", "").startswith("pg_temp")


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
