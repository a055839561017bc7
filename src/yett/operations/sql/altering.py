"""ALTER of a relation, and what computes or stores one anew: what is lost by it."""

from __future__ import annotations

from collections.abc import Mapping

from yett.model.effects import Effect, Recovery
from yett.operations.sql import additions, outside
from yett.operations.sql.facts import Ref, dump
from yett.operations.sql.found import Node
from yett.operations.sql.reader import Reader
from yett.operations.sql.statement import Verb
from yett.operations.sql.targets import columns_of_type, defines, named

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


def alter_table(reader: Reader, node: Node) -> None:
    kind = node.get("objtype", "OBJECT_TABLE").removeprefix("OBJECT_").replace("MATVIEW", "MATERIALIZED_VIEW")
    commands = [wrapped["AlterTableCmd"] for wrapped in node.get("cmds", ())]
    words = dict.fromkeys(_words(command.get("subtype", "")) for command in commands)
    reader.tag = f"ALTER {kind.replace('_', ' ')} {', '.join(words)}"
    named(reader, node["relation"], Verb.ALTER)
    for command in commands:
        _alter(reader, command)
    defines(reader, node, "changes how a relation is made")
    additions.by_altering(reader, node)
    if kind == "TYPE":
        columns_of_type(reader, node["relation"].get("schemaname", ""), node["relation"]["relname"])


def _alter(reader: Reader, command: Node) -> None:
    subtype = command.get("subtype", "")
    partition = command.get("def", {}).get("PartitionCmd", {})
    if "name" in partition:
        named(reader, partition["name"], Verb.ALTER)
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


def alter_sequence(reader: Reader, node: Node) -> None:
    reader.tag = "ALTER SEQUENCE"
    named(reader, node["sequence"], Verb.ALTER)
    reader.fact(dump(Effect.WRITE, Recovery.FROM_BACKUP, "changes a sequence"))
    additions.by_owning(reader, node)


def refresh(reader: Reader, node: Node) -> None:
    reader.tag = "REFRESH MATERIALIZED VIEW"
    relation = node["relation"]
    for found in reader.names.relations(relation.get("schemaname", ""), relation["relname"]):
        reader.refs |= reader.reach.refs(found.view) - {Ref(Verb.READ, found.oid)}
    named(reader, relation, Verb.ALTER)
    reader.fact(dump(Effect.WRITE, Recovery.AUTOMATIC, f"computes {relation['relname']} anew"))


def rewrite(reader: Reader, node: Node) -> None:
    """REINDEX and CLUSTER of one: the same rows, stored anew under a lock."""
    concurrently = any(option["DefElem"].get("defname") == "concurrently" for option in node.get("params", ()))
    reader.tag = "REINDEX" if "kind" in node else "CLUSTER"
    if "relation" not in node or concurrently:
        outside.rewrite(reader, node)
        return
    reader.fact(dump(Effect.WRITE, Recovery.AUTOMATIC, "stores tables or indexes anew under a lock"))
    named(reader, node["relation"], Verb.ALTER)
