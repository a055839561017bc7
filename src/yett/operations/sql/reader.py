"""One statement's tree, visited whole: every node and every name in it, in the shape that libpg_query prints.

Expressions and queries are allow-listed: a node that is not known here (a newer grammar) is an unknown effect. What
other statements do is in `definitions`, `authority`, `session` and `bodies`, which use this for the expressions inside.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from yett.model.effects import Effect, Recovery
from yett.operations.sql import builtins, set_config, settings, unbounded
from yett.operations.sql.facts import guard, unknown
from yett.operations.sql.found import Found, Node, dotted
from yett.operations.sql.names import Names, Refs
from yett.operations.sql.reach import Reach
from yett.operations.sql.statement import Statement, Verb

Read = Callable[["Reader", Node], None]
"""Reads one wrapped statement node into a reader."""

Ctes = frozenset[str]
NO_CTES: Ctes = frozenset()
_COMPARISONS = ("=", "<", ">", "<=", ">=", "<>")


class Reader(Found):
    """Visits one statement's tree."""

    def __init__(self, reach: Reach, names: Names, prepared: Mapping[str, Statement], read: Read) -> None:
        super().__init__(reach, names, prepared)
        self._read = read

    def nested(self, node: Node) -> None:
        """Read a statement inside this one; the outer one's tag stays."""
        tag = self.tag
        self._read(self, node)
        self.tag = tag or self.tag

    # -- the walk

    def walk(self, node: Any, ctes: Ctes = NO_CTES) -> None:
        """Visit a node, a list of nodes, or a node's fields."""
        if type(node) is list:
            for item in node:
                self.walk(item, ctes)
        elif type(node) is dict:
            for key, value in node.items():
                if type(value) is dict or type(value) is list:
                    handler = _HANDLERS.get(key, _UNKNOWN if key[0].isupper() else Reader.walk)
                    handler(self, value, ctes)

    def _unknown(self, value: Any, ctes: Ctes) -> None:
        if not self.lenient:
            self.fact(unknown("has a part that this grammar's reader does not know"))
        self.walk(value, ctes)

    def _nothing(self, value: Any, ctes: Ctes) -> None:
        """A leaf: constants, names that stand for themselves."""

    # -- queries

    def select(self, node: Node, ctes: Ctes) -> None:
        self._queries += 1
        self._reads = True
        if "intoClause" in node:
            self.fact(unknown("makes a table where no table can be made"))
        if "fromClause" in node or "larg" in node:
            self._plain = self._once = False
        self._choose_setting(node)
        outer, self._rows = self._rows, "valuesLists" in node
        inner = self.with_clause(node.get("withClause"), ctes)
        for key, value in node.items():
            if key == "lockingClause":
                self._locking(node, value, inner)
            elif key not in ("withClause", "intoClause") and type(value) in (dict, list):
                if key in ("larg", "rarg"):
                    self.select(value, inner)
                else:
                    self.walk(value, inner)
        self._rows = outer

    def _choose_setting(self, node: Node) -> None:
        """`SELECT set_config(name, ..) FROM pg_settings WHERE name = 'x'`, by which pg_dump asks whether x is there."""
        if (found := settings.chosen(node)) is None:
            return
        call, table, name = found
        relations = self.names.relations(table.get("schemaname", ""), "pg_settings")
        if all(one.builtin for one in relations):  # whose name is text, and pg_catalog's `=` of two texts comes first
            self._chosen[id(call)] = name

    def _locking(self, node: Node, clauses: list[Any], ctes: Ctes) -> None:
        """FOR UPDATE and its kin lock what the FROM clause reaches, or the relations they name."""
        del clauses  # naming some of them locks fewer: every one counts
        for range_var in _range_vars(node.get("fromClause", []), ctes):
            self.target(range_var, Verb.LOCK)

    def with_clause(self, clause: Node | None, ctes: Ctes) -> Ctes:
        """Visit WITH; the names that the statement sees inside."""
        if clause is None:
            return ctes
        if clause.get("recursive"):
            ctes |= {cte["CommonTableExpr"]["ctename"] for cte in clause["ctes"]}
        for wrapped in clause["ctes"]:
            cte = wrapped["CommonTableExpr"]
            self.walk(cte, ctes)
            ctes |= {cte["ctename"]}
        return ctes

    def insert(self, node: Node, ctes: Ctes) -> None:
        self._reads = True
        self.target(node["relation"], Verb.INSERT)
        inner = self.with_clause(node.get("withClause"), ctes)
        conflict = node.get("onConflictClause", {})
        if conflict.get("action") == "ONCONFLICT_UPDATE":
            self.target(node["relation"], Verb.UPDATE)
        self._rest(node, inner)

    def update(self, node: Node, ctes: Ctes) -> None:
        self._changes(node, ctes, Verb.UPDATE)

    def delete(self, node: Node, ctes: Ctes) -> None:
        self._changes(node, ctes, Verb.DELETE)

    def merge(self, node: Node, ctes: Ctes) -> None:
        self._reads = True
        inner = self.with_clause(node.get("withClause"), ctes)
        for when in node.get("mergeWhenClauses", []):
            verb = _MERGES.get(when["MergeWhenClause"].get("commandType", ""))
            if verb is not None:
                self.target(node["relation"], verb)
        if unbounded.merge(node):
            self._all_rows(node["relation"])
        self.target(node["relation"], Verb.READ)
        self._rest(node, inner)

    def _changes(self, node: Node, ctes: Ctes, verb: Verb) -> None:
        self._reads = True
        self.target(node["relation"], verb)
        inner = self.with_clause(node.get("withClause"), ctes)
        if unbounded.condition(node):
            self._all_rows(node["relation"])
        self._rest(node, inner)

    def _all_rows(self, range_var: Node) -> None:
        if not self.names.is_own_temporary(range_var.get("schemaname", ""), range_var["relname"]):
            self.unbounded = True
            self.fact(guard(Effect.DELETE, Recovery.FROM_BACKUP, f"may change every row of {range_var['relname']}"))

    def _rest(self, node: Node, ctes: Ctes) -> None:
        for key, value in node.items():
            if key not in ("relation", "withClause") and type(value) in (dict, list):
                self.walk(value, ctes)

    # -- names

    def _range_var(self, node: Node, ctes: Ctes) -> None:
        schema, name = node.get("schemaname", ""), node["relname"]
        if schema or name not in ctes:
            self._reads = True
            self.target(node, Verb.READ)

    def _relation(self, node: Node, ctes: Ctes) -> None:
        """A field of that name holds a RangeVar, or any wrapped item of a FROM clause."""
        if "relname" in node:
            self._range_var(node, ctes)
        else:
            self.walk(node, ctes)

    def _function_call(self, node: Node, ctes: Ctes) -> None:
        *schema, name = (part["String"]["sval"] for part in node["funcname"])
        arguments = len(node.get("args", ()))
        if node.get("agg_within_group"):
            arguments += len(node.get("agg_order", ()))
        self.call(schema[-1] if schema else "", name, arguments, node)
        for key, value in node.items():
            if key != "funcname" and type(value) in (dict, list):
                self.walk(value, ctes)

    def call(self, schema: str, name: str, arguments: int, node: Node) -> None:
        """A call by name, with the two built-in functions whose arguments matter."""
        refs = self.names.call(schema, name, arguments)
        if name == "json_object":  # the grammar says pg_catalog where the text may not
            refs = (refs or frozenset()) | (self.names.call("", name, -1) or frozenset())
        if refs and name == "set_config":
            own = {ref for ref in refs if (f := self.catalog.function(ref.oid)) is not None and f.builtin}
            if own:
                self.fact(set_config.judged(node.get("args", []), self.catalog, self._chosen.get(id(node))))
            refs -= own
        if not self._is_one_value(name, refs):
            self._once = False
        if name == "nextval":
            self._sequences = True
        elif not self._rows and name not in ("currval", "lastval"):
            self._plain = False  # it may return a set; none may stand in VALUES or in SET
        self.reached(refs, f"calls {dotted(schema, name)}, which is not known")

    def spelled(self, node: Node, ctes: Ctes, *, names: tuple[str, ...]) -> None:
        """A construct that may be a call of one of these functions."""
        for name in names:
            self.refs |= self.names.call("", name, -1) or frozenset()
        self._once = self._plain = False
        self.walk(node, ctes)

    def _is_one_value(self, name: str, refs: Refs | None) -> bool:
        if name not in builtins.ADVISORY_LOCKS and name not in builtins.ONE_VALUE:
            return False
        functions = (self.catalog.function(ref.oid) for ref in refs or ())
        return all(function is not None and function.builtin for function in functions)

    @property
    def once(self) -> bool:
        """Whether each of its parts runs at most once, or as often as they stand there."""
        return self._once and self._queries <= 1

    def _operator(self, node: Node, ctes: Ctes) -> None:
        """A_Expr, and whatever else carries an operator's name."""
        if node.get("kind", "").startswith(("AEXPR_BETWEEN", "AEXPR_NOT_BETWEEN")):
            self.comparisons()
        elif "name" in node:
            self.operator(node["name"])
        for key in ("lexpr", "rexpr"):
            if key in node:
                self.walk(node[key], ctes)

    def operator(self, parts: list[Any]) -> None:
        """An operator by its list of names."""
        *schema, name = (part["String"]["sval"] for part in parts)
        self.reached(
            self.names.operator(schema[-1] if schema else "", name), f"uses operator {name}, which is not known"
        )

    def comparisons(self) -> None:
        """Operators that a construct uses without naming them."""
        for name in _COMPARISONS:
            self.reached(self.names.operator("", name), f"uses operator {name}, which is not known")

    def type_name(self, node: Node, ctes: Ctes = NO_CTES) -> None:
        """A type, by the name that stands there."""
        *schema, name = (part["String"]["sval"] for part in node.get("names", ()))
        if node.get("pct_type"):
            return
        self._reads = True
        self.reached(
            self.names.type_(schema[-1] if schema else "", name),
            f"names type {dotted(schema[-1] if schema else '', name)}, which is not known",
        )
        self.walk({key: value for key, value in node.items() if key != "names"}, ctes)

    def _column_ref(self, node: Node, ctes: Ctes) -> None:
        fields = node["fields"]
        if len(fields) > 1 and "String" in fields[-1]:
            self.refs |= self.names.attribute(fields[-1]["String"]["sval"])

    def _indirection(self, node: Node, ctes: Ctes) -> None:
        for part in node.get("indirection", ()):
            if "String" in part:
                self.refs |= self.names.attribute(part["String"]["sval"])
        self.walk(node, ctes)

    def _case(self, node: Node, ctes: Ctes) -> None:
        if "arg" in node:
            self.comparisons()
        self.walk(node, ctes)

    def _join(self, node: Node, ctes: Ctes) -> None:
        if node.get("isNatural") or "usingClause" in node:
            self.comparisons()
        self.walk(node, ctes)

    def _sub_link(self, node: Node, ctes: Ctes) -> None:
        if "operName" in node:
            self.operator(node["operName"])
        elif node.get("subLinkType") in ("ANY_SUBLINK", "ALL_SUBLINK"):
            self.comparisons()
        self.walk({key: value for key, value in node.items() if key != "operName"}, ctes)

    def _sort_by(self, node: Node, ctes: Ctes) -> None:
        if "useOp" in node:
            self.operator(node["useOp"])
        self.walk({"node": node.get("node")}, ctes)

    def _cycle(self, node: Node, ctes: Ctes) -> None:
        self.comparisons()
        self.walk(node, ctes)

    def _sample(self, node: Node, ctes: Ctes) -> None:
        *schema, name = (part["String"]["sval"] for part in node["method"])
        if schema not in ([], ["pg_catalog"]) or name not in ("bernoulli", "system"):
            self.reached(
                self.names.call(schema[-1] if schema else "", name, 1), f"samples by {name}, which is not known"
            )
        self.walk({key: value for key, value in node.items() if key != "method"}, ctes)

    def _list(self, node: Node, ctes: Ctes) -> None:
        self.walk(node.get("items", []), ctes)


def _range_vars(node: Any, ctes: Ctes) -> list[Node]:
    """The relations of a FROM clause, sub-selects and joins included, functions' arguments too: more is safe."""
    found: list[Node] = []
    waiting = [node]
    while waiting:
        item = waiting.pop()
        if isinstance(item, list):
            waiting.extend(item)
        elif isinstance(item, dict):
            if "relname" in item and (item.get("schemaname") or item["relname"] not in ctes):
                found.append(item)
            waiting.extend(value for value in item.values() if isinstance(value, (dict, list)))
    return found


_MERGES = {"CMD_INSERT": Verb.INSERT, "CMD_UPDATE": Verb.UPDATE, "CMD_DELETE": Verb.DELETE}
_UNKNOWN = Reader._unknown
_PASSED = """A_ArrayExpr A_Indices BoolExpr BooleanTest CaseWhen CoalesceExpr CollateClause
 ColumnDef CommonTableExpr CurrentOfExpr GroupingFunc GroupingSet IndexElem InferClause JsonAggConstructor JsonArgument
 JsonBehavior JsonFormat JsonIsPredicate JsonKeyValue JsonOutput JsonReturning
 JsonTableColumn JsonTablePathSpec JsonValueExpr MergeWhenClause MinMaxExpr MultiAssignRef
 NamedArgExpr NullTest OnConflictClause RangeFunction RangeSubselect RangeTableFunc RangeTableFuncCol ResTarget
 ReturningClause ReturningOption RowExpr TypeCast WindowDef WithClause XmlExpr XmlSerialize"""
_SPELLED = {
    "JsonArrayAgg": ("json_arrayagg",),
    "JsonArrayConstructor": ("json_array",),
    "JsonArrayQueryConstructor": ("json_array",),
    "JsonFuncExpr": ("json_exists", "json_query", "json_value"),
    "JsonObjectAgg": ("json_objectagg",),
    "JsonObjectConstructor": ("json_object",),
    "JsonParseExpr": ("json",),
    "JsonScalarExpr": ("json_scalar",),
    "JsonSerializeExpr": ("json_serialize",),
    "JsonTable": ("json_table",),
    "MergeSupportFunc": ("merge_action",),
}
"""Constructs that are calls of functions by these names to a server whose grammar is older than this one."""
_LEAVES = """A_Const A_Star Alias BitString Boolean Float Integer ParamRef SQLValueFunction SetToDefault String
 LockingClause"""

_HANDLERS: dict[str, Callable[[Reader, Any, Ctes], None]] = {
    **dict.fromkeys(_PASSED.split(), Reader.walk),
    **{kind: partial(Reader.spelled, names=names) for kind, names in _SPELLED.items()},
    **dict.fromkeys(_LEAVES.split(), Reader._nothing),
    "A_Expr": Reader._operator,
    "A_Indirection": Reader._indirection,
    "CTECycleClause": Reader._cycle,
    "cycle_clause": Reader._cycle,
    "CaseExpr": Reader._case,
    "ColumnRef": Reader._column_ref,
    "DeleteStmt": Reader.delete,
    "FuncCall": Reader._function_call,
    "InsertStmt": Reader.insert,
    "JoinExpr": Reader._join,
    "List": Reader._list,
    "MergeStmt": Reader.merge,
    "RangeTableSample": Reader._sample,
    "RangeVar": Reader._range_var,
    "SelectStmt": Reader.select,
    "SortBy": Reader._sort_by,
    "SubLink": Reader._sub_link,
    "TypeName": Reader.type_name,
    "UpdateStmt": Reader.update,
    "collClause": Reader._nothing,
    "relation": Reader._relation,
    "typeName": Reader.type_name,
}
