"""Statements about the session and its transactions, and those that carry others: EXPLAIN, PREPARE, cursors, COPY."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from yett.model.effects import Effect, Recovery
from yett.operations.sql import bodies, outside, settings
from yett.operations.sql.catalog import Catalog
from yett.operations.sql.facts import Ref, ask, guard, refused, unknown
from yett.operations.sql.found import Node
from yett.operations.sql.grammar import GrammarError
from yett.operations.sql.parameters import declared
from yett.operations.sql.reader import NO_CTES, Reader
from yett.operations.sql.statement import Control, Verb, Way
from yett.operations.sql.trees import trees
from yett.providers.postgres.identifiers import fold

_CONTROLS = {
    "TRANS_STMT_BEGIN": ("BEGIN", Control.BEGIN),
    "TRANS_STMT_START": ("START TRANSACTION", Control.BEGIN),
    "TRANS_STMT_COMMIT": ("COMMIT", Control.COMMIT),
    "TRANS_STMT_ROLLBACK": ("ROLLBACK", Control.ROLLBACK),
    "TRANS_STMT_SAVEPOINT": ("SAVEPOINT", Control.SAVEPOINT),
    "TRANS_STMT_RELEASE": ("RELEASE", Control.RELEASE),
    "TRANS_STMT_ROLLBACK_TO": ("ROLLBACK TO SAVEPOINT", Control.ROLLBACK_TO),
}
_OFF = frozenset({"false", "off", "0"})
_ROW_EXCLUSIVE, _ACCESS_SHARE = 3, 1


def _transaction(reader: Reader, node: Node) -> None:
    tag, control = _CONTROLS.get(node.get("kind", ""), ("PREPARE TRANSACTION", Control.TWO_PHASE))
    reader.tag, reader.control, reader.chain = tag, control, bool(node.get("chain"))
    reader.savepoint = node.get("savepoint_name", "")
    if control is Control.TWO_PHASE:
        reader.fact(refused("commits in two phases, later and out of sight", Effect.UNKNOWN))


def _set(reader: Reader, node: Node) -> None:
    kind, name = node.get("kind", ""), node.get("name", "")
    reader.tag = "RESET" if kind.startswith("VAR_RESET") else "SET"
    if kind == "VAR_SET_VALUE":
        reader.fact(settings.judge(name, tuple(_value(argument) for argument in node.get("args", ())), reader.catalog))
    elif kind == "VAR_SET_CURRENT":
        reader.fact(unknown("sets what only a function can"))


def limited(statement: Node, catalog: Catalog) -> str:
    """What is sent in the place of a SET that lifts the limit of this session's statements; "": it is none."""
    node = statement.get("VariableSetStmt", {})
    most = settings.limit(node.get("name", ""), catalog)
    return f"SET {'LOCAL ' if node.get('is_local') else ''}{most}" if most else ""


def _value(node: Any) -> str:
    """A constant as guc.c reads it; "" for what is none, which no rule takes for harmless."""
    constant = node.get("A_Const", {}) if isinstance(node, dict) else {}
    if "sval" in constant:
        return str(constant["sval"].get("sval", ""))
    if "ival" in constant:
        return str(constant["ival"].get("ival", 0))
    if "fval" in constant:
        return str(constant["fval"].get("fval", ""))
    return ("true" if constant["boolval"].get("boolval") else "false") if "boolval" in constant else ""


def _explain(reader: Reader, node: Node) -> None:
    reader.tag = "EXPLAIN"
    if any(_is_on(option["DefElem"]) for option in node.get("options", ()) if _names_analyze(option)):
        reader.nested(node["query"])
        return
    reader.planning = True
    query = node["query"]
    for kind in ("CreateTableAsStmt", "DeclareCursorStmt"):
        if kind in query:
            query = query[kind]["query"]
    before = len(reader.facts)
    if "RefreshMatViewStmt" not in query:
        reader.nested(query)
    kept = [fact for fact in reader.facts[before:] if fact.way not in (Way.GUARD, Way.DUMP)]
    reader.facts[before:] = kept
    reader.unbounded = False


def _names_analyze(option: Node) -> bool:
    return fold(str(option["DefElem"].get("defname", ""))) == "analyze"


def _is_on(element: Node) -> bool:
    """defGetBoolean: present is true; only these are false."""
    if "arg" not in element:
        return True
    ((kind, fields),) = element["arg"].items()
    given = fields.get({"Integer": "ival", "Boolean": "boolval", "String": "sval"}.get(kind, ""), 0)
    return fold(str(given)) not in _OFF


def _prepare(reader: Reader, node: Node) -> None:
    reader.tag, reader.prepares = "PREPARE", node["name"]
    reader.walk(node.get("argtypes", []))
    reader.nested(node["query"])


def _execute(reader: Reader, node: Node) -> None:
    """Read again what was prepared: the server plans it again too, with what the catalog says now."""
    name = node["name"]
    reader.tag = reader.tag or "EXECUTE"
    if reader.executes:
        # What is signed holds the text behind one name: nobody would see what the second stands for.
        reader.fact(refused("executes a statement that executes another", Effect.UNKNOWN))
        return
    reader.executes = name
    before, reader.refs = reader.refs, set()
    reader.walk(node.get("params", []))
    reader.evaluated |= reader.refs
    reader.refs |= before
    if name not in reader.prepared:
        reader.fact(unknown("executes a statement that nobody here prepared"))
        return
    reader.refs.update(Ref("type", oid) for oid in declared(reader.prepared[name].text.encode()))
    try:
        prepared = trees(reader.prepared[name].text.encode())
    except GrammarError:
        prepared = []
    if len(prepared) != 1 or prepared[0].node is None:
        reader.fact(unknown("executes a prepared statement that cannot be read"))
        return
    query = prepared[0].node
    if "PrepareStmt" in query:  # its types too: what is given is made one of them before anything else
        query = query["PrepareStmt"]
        reader.walk(query.get("argtypes", []))
        query = query["query"]
    reader.nested(query)
    if reader.control is not Control.NONE or reader.copies:
        reader.fact(refused("executes transaction control or COPY under another name", Effect.UNKNOWN))


def _deallocate(reader: Reader, node: Node) -> None:
    reader.tag, reader.deallocates = "DEALLOCATE", node.get("name", "*")


def _discard(reader: Reader, node: Node) -> None:
    reader.tag = "DISCARD " + node.get("target", "").removeprefix("DISCARD_")
    if node.get("target") == "DISCARD_ALL":
        reader.deallocates = "*"


def _declare(reader: Reader, node: Node) -> None:
    reader.tag, reader.defers = "DECLARE CURSOR", True
    reader.nested(node["query"])


def _copy(reader: Reader, node: Node) -> None:
    reader.tag = "COPY"
    if node.get("is_program"):
        reader.fact(refused("runs a program on the database's own machine"))
    elif "filename" in node:
        reader.fact(refused("reads or writes files on the database's own machine"))
    elif node.get("is_from"):
        reader.copies = "in"
        reader.insert({"relation": node["relation"]}, NO_CTES)
        reader.walk(node.get("whereClause", {}))
    else:
        reader.copies = "out"
        if "relation" in node:
            reader.target(node["relation"], Verb.READ)
        else:
            reader.nested(node["query"])


def _lock(reader: Reader, node: Node) -> None:
    reader.tag = "LOCK TABLE"
    mode = node.get("mode", 0)
    for wrapped in node.get("relations", ()):
        if mode == _ACCESS_SHARE:
            reader.mentioned(wrapped["RangeVar"])
        else:
            reader.target(wrapped["RangeVar"], Verb.LOCK)
    if not _ACCESS_SHARE <= mode <= _ROW_EXCLUSIVE:
        reader.fact(ask(Effect.WRITE, Recovery.AUTOMATIC, "locks whole tables against others"))


def _do(reader: Reader, node: Node) -> None:
    reader.tag, reader.floor = "DO", Way.GUARD
    options = {option["DefElem"]["defname"]: option["DefElem"].get("arg", {}) for option in node.get("args", ())}
    language = options.get("language", {}).get("String", {}).get("sval", "plpgsql")
    if fold(language) != "plpgsql":
        reader.fact(unknown(f"runs code in {language}, which Yett does not read"))
        return
    body = options.get("as", {}).get("String", {}).get("sval", "")
    bodies.read_block(reader, bodies.do_block(body), "runs a block")


def _call(reader: Reader, node: Node) -> None:
    reader.tag, reader.floor = "CALL", Way.GUARD
    reader.walk({"FuncCall": node["funccall"]})


def _analyze(reader: Reader, node: Node) -> None:
    """ANALYZE computes the expressions of indexes and statistics. VACUUM stands in `outside`."""
    if node.get("is_vacuumcmd"):
        outside.vacuum(reader, node)
        return
    reader.tag = "ANALYZE"
    if "rels" not in node:
        reader.fact(ask(Effect.WRITE, Recovery.AUTOMATIC, "computes statistics of every table"))
    for wrapped in node.get("rels", ()):
        range_var = wrapped["VacuumRelation"]["relation"]
        reader.target(range_var, Verb.READ)
        found = reader.names.relations(range_var.get("schemaname", ""), range_var["relname"])
        reader.refs.update(Ref("copy", relation.oid) for relation in found)
        reader.fact(guard(Effect.WRITE, Recovery.AUTOMATIC, f"computes statistics of {range_var['relname']}"))


def _notify(reader: Reader, node: Node) -> None:
    reader.tag = "NOTIFY"
    reader.fact(ask(Effect.WRITE, Recovery.NONE, "notifies listeners, who may act on it"))


def _load(reader: Reader, node: Node) -> None:
    reader.tag = "LOAD"
    reader.fact(ask(Effect.ADMIN, Recovery.NONE, "loads code into the server"))


def _checkpoint(reader: Reader, node: Node) -> None:
    reader.tag = "CHECKPOINT"
    reader.fact(ask(Effect.WRITE, Recovery.AUTOMATIC, "makes the server write everything to disk at once"))


def _harmless(tag: str) -> Callable[[Reader, Node], None]:
    def handler(reader: Reader, node: Any) -> None:
        reader.tag = tag

    return handler


SESSION: Mapping[str, Callable[[Reader, Node], None]] = {
    "CallStmt": _call,
    "CheckPointStmt": _checkpoint,
    "ClosePortalStmt": _harmless("CLOSE CURSOR"),
    "ConstraintsSetStmt": _harmless("SET CONSTRAINTS"),
    "CopyStmt": _copy,
    "DeallocateStmt": _deallocate,
    "DeclareCursorStmt": _declare,
    "DiscardStmt": _discard,
    "DoStmt": _do,
    "ExecuteStmt": _execute,
    "ExplainStmt": _explain,
    "FetchStmt": _harmless("FETCH"),
    "ListenStmt": _harmless("LISTEN"),
    "LoadStmt": _load,
    "LockStmt": _lock,
    "NotifyStmt": _notify,
    "PrepareStmt": _prepare,
    "TransactionStmt": _transaction,
    "UnlistenStmt": _harmless("UNLISTEN"),
    "VacuumStmt": _analyze,
    "VariableSetStmt": _set,
    "VariableShowStmt": _harmless("SHOW"),
}
