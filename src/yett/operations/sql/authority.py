"""Statements about rights, roles, code and the server itself: effect `admin`, whatever else they do.

They grant rights, hold credentials, or plant what will later run with other rights.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from yett.model.effects import Effect, Recovery
from yett.operations.sql import settings
from yett.operations.sql.facts import dump, refused
from yett.operations.sql.found import Node
from yett.operations.sql.reader import Reader
from yett.operations.sql.statement import Touched, Verb
from yett.providers.postgres.identifiers import fold

_PLANTS = "plants what will later run with other rights"
_GRANTS = "changes who may do what"
_SERVER = "reaches beyond this database"

_SIMPLE: Mapping[str, tuple[str, str]] = {
    "AlterDefaultPrivilegesStmt": ("ALTER DEFAULT PRIVILEGES", _GRANTS),
    "AlterEventTrigStmt": ("ALTER EVENT TRIGGER", _PLANTS),
    "AlterExtensionContentsStmt": ("ALTER EXTENSION", _PLANTS),
    "AlterExtensionStmt": ("ALTER EXTENSION", _PLANTS),
    "AlterFdwStmt": ("ALTER FOREIGN DATA WRAPPER", _SERVER),
    "AlterForeignServerStmt": ("ALTER SERVER", _SERVER),
    "AlterOpFamilyStmt": ("ALTER OPERATOR FAMILY", _PLANTS),
    "AlterOperatorStmt": ("ALTER OPERATOR", _PLANTS),
    "AlterOwnerStmt": ("ALTER OWNER", _GRANTS),
    "AlterPolicyStmt": ("ALTER POLICY", _GRANTS),
    "AlterPublicationStmt": ("ALTER PUBLICATION", _SERVER),
    "AlterRoleStmt": ("ALTER ROLE", _GRANTS),
    "AlterTypeStmt": ("ALTER TYPE", _PLANTS),
    "AlterUserMappingStmt": ("ALTER USER MAPPING", _SERVER),
    "CreateAmStmt": ("CREATE ACCESS METHOD", _PLANTS),
    "CreateCastStmt": ("CREATE CAST", _PLANTS),
    "CreateConversionStmt": ("CREATE CONVERSION", _PLANTS),
    "CreateEventTrigStmt": ("CREATE EVENT TRIGGER", _PLANTS),
    "CreateExtensionStmt": ("CREATE EXTENSION", _PLANTS),
    "CreateFdwStmt": ("CREATE FOREIGN DATA WRAPPER", _SERVER),
    "CreateForeignServerStmt": ("CREATE SERVER", _SERVER),
    "CreateForeignTableStmt": ("CREATE FOREIGN TABLE", _SERVER),
    "CreateOpClassStmt": ("CREATE OPERATOR CLASS", _PLANTS),
    "CreateOpFamilyStmt": ("CREATE OPERATOR FAMILY", _PLANTS),
    "CreatePLangStmt": ("CREATE LANGUAGE", _PLANTS),
    "CreatePolicyStmt": ("CREATE POLICY", _GRANTS),
    "CreatePublicationStmt": ("CREATE PUBLICATION", _SERVER),
    "CreateRoleStmt": ("CREATE ROLE", _GRANTS),
    "CreateTransformStmt": ("CREATE TRANSFORM", _PLANTS),
    "CreateTrigStmt": ("CREATE TRIGGER", _PLANTS),
    "CreateUserMappingStmt": ("CREATE USER MAPPING", _SERVER),
    "DefineStmt": ("CREATE", _PLANTS),
    "DropUserMappingStmt": ("DROP USER MAPPING", _SERVER),
    "GrantRoleStmt": ("GRANT ROLE", _GRANTS),
    "ImportForeignSchemaStmt": ("IMPORT FOREIGN SCHEMA", _SERVER),
    "ReassignOwnedStmt": ("REASSIGN OWNED", _GRANTS),
    "RuleStmt": ("CREATE RULE", _PLANTS),
    "SecLabelStmt": ("SECURITY LABEL", _GRANTS),
}
_ELSEWHERE = "no undo of this database brings it back"
_NEVER: Mapping[str, tuple[str, Effect, str]] = {
    "AlterDatabaseRefreshCollStmt": ("ALTER DATABASE", Effect.ADMIN, "changes a whole database"),
    "AlterDatabaseStmt": ("ALTER DATABASE", Effect.ADMIN, "changes a whole database"),
    "AlterSubscriptionStmt": ("ALTER SUBSCRIPTION", Effect.ADMIN, _SERVER),
    "AlterSystemStmt": ("ALTER SYSTEM", Effect.ADMIN, "changes the server for everyone"),
    "AlterTableSpaceOptionsStmt": ("ALTER TABLESPACE", Effect.ADMIN, _SERVER),
    "CreateSubscriptionStmt": ("CREATE SUBSCRIPTION", Effect.ADMIN, _SERVER),
    "CreateTableSpaceStmt": ("CREATE TABLESPACE", Effect.ADMIN, _SERVER),
    "CreatedbStmt": ("CREATE DATABASE", Effect.ADMIN, "makes a database that nobody guards"),
    "DropSubscriptionStmt": ("DROP SUBSCRIPTION", Effect.ADMIN, _SERVER),
    "DropTableSpaceStmt": ("DROP TABLESPACE", Effect.DELETE, f"drops a place where data lies, and {_ELSEWHERE}"),
    "DropdbStmt": ("DROP DATABASE", Effect.DELETE, f"drops a whole database, and {_ELSEWHERE}"),
}
"""They reach past the one database that this connection is guarded in, so no answer of a person lets them through."""


def _simple(kind: str) -> Callable[[Reader, Node], None]:
    tag, reason = _SIMPLE[kind]

    def handler(reader: Reader, node: Node) -> None:
        reader.tag = tag
        if kind == "DefineStmt":
            reader.tag += " " + node.get("kind", "").removeprefix("OBJECT_").replace("_", " ")
        for key in ("relation", "table"):
            if isinstance(node.get(key), dict) and "relname" in node[key]:
                _touch(reader, node[key], Verb.ALTER)
        reader.fact(dump(Effect.ADMIN, Recovery.AUTOMATIC, reason))

    return handler


def _never(kind: str) -> Callable[[Reader, Node], None]:
    tag, effect, reason = _NEVER[kind]

    def handler(reader: Reader, node: Node) -> None:
        reader.tag = tag
        reader.fact(refused(f"{tag} {reason}: a person does that outside of Yett", effect))

    return handler


def _grant(reader: Reader, node: Node) -> None:
    reader.tag = "GRANT" if node.get("is_grant") else "REVOKE"
    for wrapped in node.get("objects", ()):
        if "RangeVar" in wrapped:
            _touch(reader, wrapped["RangeVar"], Verb.GRANT)
    reader.fact(dump(Effect.ADMIN, Recovery.AUTOMATIC, _GRANTS))


def _function(reader: Reader, node: Node) -> None:
    word = "PROCEDURE" if node.get("is_procedure") or node.get("objtype") == "OBJECT_PROCEDURE" else "FUNCTION"
    reader.tag = f"{'CREATE' if 'funcname' in node else 'ALTER'} {word}"
    reader.fact(dump(Effect.ADMIN, Recovery.AUTOMATIC, _PLANTS))
    for option in (*node.get("options", ()), *node.get("actions", ())):
        fields = option["DefElem"]
        if fields.get("defname") == "set":
            _stored_setting(reader, fields.get("arg", {}).get("VariableSetStmt", {}), own_path=True)


def _role_setting(tag: str) -> Callable[[Reader, Node], None]:
    def handler(reader: Reader, node: Node) -> None:
        reader.tag = tag
        reader.fact(dump(Effect.ADMIN, Recovery.AUTOMATIC, "changes what sessions start with"))
        _stored_setting(reader, node.get("setstmt", {}), own_path=False)

    return handler


def _stored_setting(reader: Reader, node: Node, own_path: bool) -> None:
    """A setting that will hold later. A function may well fix its own search_path; a role may not."""
    name = fold(node.get("name", ""))
    if node.get("kind") == "VAR_RESET_ALL" or settings.pinned(name) or (name == "search_path" and not own_path):
        reader.fact(refused(f"stores a setting that Yett pins ({name or 'all'})"))


def _drop_role(reader: Reader, node: Node) -> None:
    reader.tag = "DROP ROLE"
    reader.fact(dump(Effect.ADMIN, Recovery.NONE, "drops a role"))


def _drop_owned(reader: Reader, node: Node) -> None:
    reader.tag = "DROP OWNED"
    reader.fact(dump(Effect.DELETE, Recovery.NONE, "drops everything that a role owns, and its rights"))


def _touch(reader: Reader, range_var: Node, verb: Verb) -> None:
    schema, name = range_var.get("schemaname", ""), range_var["relname"]
    found: list[Any] = list(reader.names.relations(schema, name))
    reader.touched.extend(Touched(r.oid, r.schema, r.name, verb) for r in found)
    if not found:
        reader.touched.append(Touched(0, schema, name, verb))


AUTHORITY: Mapping[str, Callable[[Reader, Node], None]] = {
    **{kind: _simple(kind) for kind in _SIMPLE},
    **{kind: _never(kind) for kind in _NEVER},
    "AlterDatabaseSetStmt": _role_setting("ALTER DATABASE"),
    "AlterFunctionStmt": _function,
    "AlterRoleSetStmt": _role_setting("ALTER ROLE"),
    "CreateFunctionStmt": _function,
    "DropOwnedStmt": _drop_owned,
    "DropRoleStmt": _drop_role,
    "GrantStmt": _grant,
}
