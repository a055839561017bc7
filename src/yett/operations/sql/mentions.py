"""Which columns a statement's text names, and where: what can then stand in its answer, and what it can carry away.

An expression in an answer has no origin that the server tells (RowDescription: table 0). It cannot hold a column that
the statement names nowhere in what makes its values: not by its name, not by `*`, not as part of a whole row, not under
another name, not behind a function. That is told here, from the text alone, and always as more than it may be.

Conditions (WHERE, ON, HAVING, ORDER BY, GROUP BY) are apart: they choose rows and make no value, but an error in one
may quote what it read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from yett.operations.sql.grammar import GrammarError
from yett.operations.sql.trees import trees
from yett.providers.postgres.identifiers import words

T = TypeVar("T")

_CONDITIONS = frozenset(
    (
        "whereClause", "havingClause", "quals", "sortClause", "groupClause", "distinctClause", "infer",
        "joinCondition", "condition",
    )
)  # fmt: skip
_RETURNING = "returningClause"
_VERSIONS = ("old", "new")
_WRITES = ("InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt")
_SELECTS = frozenset(("SelectStmt", *_WRITES))
_SETS = "SETOP_NONE"
_HARMLESS_CONSTRAINTS = frozenset(
    ("CONSTR_CHECK", "CONSTR_UNIQUE", "CONSTR_PRIMARY", "CONSTR_FOREIGN", "CONSTR_EXCLUSION", "CONSTR_DEFAULT")
)
_DEFINES_NO_VALUE = frozenset(
    ("IndexStmt", "CreatePolicyStmt", "AlterPolicyStmt", "CreateStatsStmt", "ViewStmt", "CreateTrigStmt")
)
_EXCLUDED = "excluded"


@dataclass(frozen=True, slots=True)
class Names:
    """What some part of a statement names. Tables by their bare names, whatever their schema.

    `columns`: every bare name that may be a column's. `fields`: (table, name) of those that are qualified. `calls`: the
    same of those whose origin the server tells, if they are columns at all: `u.row_to_json` calls a function. `stars`:
    tables under a `*` or taken as whole rows. `renames`: tables whose columns get other names. `all`: a NATURAL JOIN,
    or what is not understood: it could be any column.
    """

    columns: frozenset[str] = frozenset()
    fields: frozenset[tuple[str, str]] = frozenset()
    calls: frozenset[tuple[str, str]] = frozenset()
    stars: frozenset[str] = frozenset()
    renames: frozenset[str] = frozenset()
    all: bool = False

    def name(self, columns: Mapping[str, tuple[frozenset[str], frozenset[str]]]) -> bool:
        """Whether one of these could be meant. `columns`: by table, those that count and all that it has."""
        if self.all or any(table in columns for table in self.stars | self.renames):
            return True
        if any(self.columns & counted for counted, _ in columns.values()):
            return True
        if any(table in columns and name in columns[table][0] for table, name in self.fields):
            return True
        return any(table in columns and name not in columns[table][1] for table, name in self.fields | self.calls)


@dataclass(frozen=True, slots=True)
class Mentions:
    """`values`: what its values are made of, but for columns that are the answer's own as they are, or under its own
    `*`: the server tells where those come from. `conditions`: what stands in conditions. `stores`: what it reads may
    stay somewhere, in a table, a definition or a setting."""

    values: Names
    conditions: Names
    stores: bool = False


NO_NAMES = Names()
EVERYTHING = Mentions(Names(all=True), Names(all=True), stores=True)


def mentions(sql: bytes) -> tuple[Mentions, ...]:
    """Of every statement of a text, in order. May block where `trees` does."""
    try:
        return tuple(_of(tree.node) for tree in trees(sql))
    except GrammarError:
        return (EVERYTHING,)


def _of(node: Mapping[str, Any] | None) -> Mentions:
    if node is None:
        return EVERYTHING
    try:
        walk = _Walk(node)
    except (RecursionError, LookupError, TypeError, ValueError, AttributeError):
        return EVERYTHING
    return Mentions(walk.values.names(), walk.conditions.names(), walk.stores)


@dataclass
class _Found:
    columns: set[str] = field(default_factory=set)
    fields: set[tuple[str, str]] = field(default_factory=set)
    calls: set[tuple[str, str]] = field(default_factory=set)
    stars: set[str] = field(default_factory=set)
    renames: set[str] = field(default_factory=set)
    all: bool = False

    def names(self) -> Names:
        tables = (frozenset(self.stars), frozenset(self.renames))
        return Names(frozenset(self.columns), frozenset(self.fields), frozenset(self.calls), *tables, self.all)


class _Walk:
    """One statement, visited whole. Names of ranges are the statement's, not the scope's: that is more, never less."""

    def __init__(self, node: Mapping[str, Any]) -> None:
        self.values, self.conditions = _Found(), _Found()
        self._ranges: dict[str, set[str]] = {}
        for range_var in _all(node, "RangeVar"):
            self._ranges.setdefault(_alias(range_var), set()).add(range_var["relname"])
            self._ranges.setdefault(range_var["relname"], set()).add(range_var["relname"])
            if range_var.get("alias", {}).get("colnames"):
                self.values.renames.add(range_var["relname"])
        self._excluded = _EXCLUDED not in self._ranges
        for kind in _WRITES:
            for written in _all(node, kind):
                self._returned(written)
        for join in _all(node, "JoinExpr"):
            self._joined(join)
        ((kind, fields),) = node.items()
        self.stores = _stores(kind, node)
        while kind in ("ExplainStmt", "DeclareCursorStmt", "PrepareStmt") and isinstance(fields.get("query"), dict):
            if kind == "ExplainStmt":  # it prints its conditions, with what was worked out of them
                self.conditions = self.values
            ((kind, fields),) = fields["query"].items()
        self._statement(kind, fields)

    def _returned(self, written: Mapping[str, Any]) -> None:
        """RETURNING knows its relation as old and new, too, or as it calls them (PostgreSQL 18)."""
        options = _all(written.get(_RETURNING, {}), "ReturningOption")
        for name in (*_VERSIONS, *(one["value"] for one in options)):
            self._ranges.setdefault(name, set()).add(written["relation"]["relname"])

    def _joined(self, join: Mapping[str, Any]) -> None:
        tables = {one["relname"] for one in _all(join, "RangeVar")}
        if join.get("isNatural"):
            self.values.all = True
        self.values.columns.update(part["String"]["sval"] for part in join.get("usingClause", ()))
        if alias := join.get("alias"):
            self._ranges.setdefault(alias["aliasname"], set()).update(tables)
            if alias.get("colnames"):
                self.values.renames |= tables
        if alias := join.get("join_using_alias"):
            self._ranges.setdefault(alias["aliasname"], set()).update(tables)

    # ---- statements

    def _statement(self, kind: str, fields: Mapping[str, Any]) -> None:
        if kind == "CopyStmt":
            self._copy(fields)
        elif kind in _DEFINES_NO_VALUE:
            self._visit(fields, self.conditions)
        elif kind == "AlterTableStmt":
            self._altered(fields)
        elif kind in ("DoStmt", "CreateFunctionStmt"):
            self._body(kind, fields)
        elif kind == "GrantStmt":
            self._granted(fields)
        elif kind in _SELECTS and "intoClause" not in fields:
            self._query(kind, fields, outermost=True)
        else:
            self._visit({kind: fields}, self.values)

    def _copy(self, fields: Mapping[str, Any]) -> None:
        if "query" in fields:
            self._visit(fields["query"], self.values)
        elif fields.get("is_from"):
            self._visit(fields.get("whereClause", {}), self.conditions)
        elif "attlist" in fields:
            self.values.columns.update(part["String"]["sval"] for part in fields["attlist"])
        else:
            self.values.stars.add(fields["relation"]["relname"])

    def _altered(self, fields: Mapping[str, Any]) -> None:
        """A check or a key makes no value; USING and GENERATED do."""
        for command in _all(fields, "AlterTableCmd"):
            constraint = command.get("def", {}).get("Constraint", {})
            harmless = constraint.get("contype") in _HARMLESS_CONSTRAINTS
            self._visit(command, self.conditions if harmless else self.values)

    def _granted(self, fields: Mapping[str, Any]) -> None:
        """A right to read is what a mask withholds."""
        rights = [one["AccessPriv"].get("priv_name", "select") for one in fields.get("privileges", ())]
        if not fields.get("is_grant") or (rights and "select" not in rights):
            return
        listed = [one["AccessPriv"].get("cols") for one in fields.get("privileges", ())]
        if fields.get("targtype") != "ACL_TARGET_OBJECT":
            self.values.all = True
        elif listed and all(listed):
            self.values.columns.update(part["String"]["sval"] for part in _flat(listed))
            return
        self.values.stars.update(one["relname"] for one in _all(fields.get("objects", []), "RangeVar"))

    def _body(self, kind: str, fields: Mapping[str, Any]) -> None:
        """A body is text: every word of it counts. A function that runs as its caller shows no more than that may."""
        options = [one["DefElem"] for one in fields.get("args", fields.get("options", ())) if "DefElem" in one]
        as_owner = any(one["defname"] == "security" and one["arg"]["Boolean"].get("boolval") for one in options)
        if kind == "CreateFunctionStmt" and not as_owner:
            return
        for text in _all_strings(options):
            found = words(text)
            self.values.columns |= found
            if "*" in text:
                self.values.stars |= found
        self._visit(fields.get("sql_body", {}), self.values)

    def _query(self, kind: str, fields: Mapping[str, Any], *, outermost: bool) -> None:
        tells = outermost and fields.get("op", _SETS) == _SETS and "groupClause" not in fields
        under = self._under(kind, fields)
        for key, value in fields.items():
            outputs = key == "targetList" if kind == "SelectStmt" else key == _RETURNING
            if outputs:
                self._outputs(value, under, told=tells)
            elif key in _CONDITIONS:
                self._visit(value, self.conditions)
            else:
                self._visit(value, self.values, key=key)

    def _under(self, kind: str, fields: Mapping[str, Any]) -> set[str]:
        """Tables that a `*` in this query's own list stands for; those of sub-selects have their own."""
        ranges = [*fields.get("fromClause", ()), *fields.get("usingClause", ())]
        if "sourceRelation" in fields:
            ranges.append(fields["sourceRelation"])
        found = {name for one in ranges for name in _ranges_of(one)}
        return found | ({fields["relation"]["relname"]} if "relation" in fields else set())

    def _outputs(self, node: Any, under: set[str], *, told: bool) -> None:
        """`told`: the server says of a bare column or `*` where it comes from."""
        for target in node if isinstance(node, list) else node.get("exprs", []):
            value = target["ResTarget"]["val"]
            reference = value.get("ColumnRef")
            if reference is None:
                self._visit(value, self.values)
            elif "A_Star" in reference["fields"][-1]:
                self.values.stars |= set() if told else under
            else:
                self._column(reference, self.values, excluded=False, counts=not told)

    # ---- expressions

    def _visit(self, node: Any, into: _Found, key: str = "") -> None:
        if isinstance(node, list):
            for one in node:
                self._visit(one, into, key)
            return
        if not isinstance(node, dict):
            return
        for name, value in node.items():
            if name == "ColumnRef":
                self._column(value, into, excluded=key == "onConflictClause")
            elif name in _SELECTS and isinstance(value, dict):
                if into is self.values:
                    self._query(name, value, outermost=False)
                else:
                    self._visit(value, into, key)
            elif name == "indirection":
                into.columns.update(one["String"]["sval"] for one in value if "String" in one)
                self._visit(value, into, key)
            elif name in _CONDITIONS and into is self.values:
                self._visit(value, self.conditions, key)
            else:
                self._visit(value, into, key)

    def _column(self, reference: Mapping[str, Any], into: _Found, *, excluded: bool, counts: bool = True) -> None:
        parts = reference["fields"]
        names = [part["String"]["sval"] for part in parts if "String" in part]
        if excluded and self._excluded and names and names[0] == _EXCLUDED and len(names) == len(parts) == 2:
            return  # what the statement itself would have put in
        if len(names) < len(parts):  # a * inside an expression: the whole row
            into.stars |= self._ranges.get(names[-1], {names[-1]}) if names else set(_flat(self._ranges.values()))
            return
        into.stars |= self._ranges.get(names[-1], set())  # a range by its name alone is its whole row
        tables = self._ranges.get(names[-2], set()) if len(names) > 1 else set()
        (into.fields if counts else into.calls).update((table, names[-1]) for table in tables)
        if counts and not tables:
            into.columns.update(names)


def _stores(kind: str, node: Mapping[str, Any]) -> bool:
    """Whether anything in it keeps what it reads; a DELETE does not."""
    if kind == "CopyStmt":
        return bool(node[kind].get("is_from"))
    if kind not in ("SelectStmt", "DeleteStmt", "ExplainStmt", "DeclareCursorStmt", "PrepareStmt"):
        return True
    if any(True for kind in ("InsertStmt", "UpdateStmt", "MergeStmt", "CreateTableAsStmt") for _ in _all(node, kind)):
        return True
    return any(True for one in _all(node, "SelectStmt") if "intoClause" in one) or any(
        part["String"]["sval"] == "set_config" for call in _all(node, "FuncCall") for part in call["funcname"]
    )


def _all(node: Any, kind: str) -> Iterator[Mapping[str, Any]]:
    """Every node of a kind; a relation that a statement writes stands bare, under "relation"."""
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if isinstance(one, list):
            waiting += one
        elif isinstance(one, dict):
            for name, value in one.items():
                bare = kind == "RangeVar" and isinstance(value, dict) and "relname" in value
                if (name == kind or bare) and isinstance(value, dict):
                    yield value
                waiting.append(value)


def _all_strings(node: Any) -> Iterator[str]:
    for one in _all(node, "String"):
        yield one.get("sval", "")


def _alias(range_var: Mapping[str, Any]) -> str:
    return str(range_var.get("alias", {}).get("aliasname", range_var["relname"]))


def _ranges_of(node: Mapping[str, Any]) -> Iterator[str]:
    """The tables of a FROM item, through joins, not into sub-selects."""
    for kind, value in node.items():
        if kind == "RangeVar":
            yield value["relname"]
        elif kind == "JoinExpr":
            yield from _ranges_of(value["larg"])
            yield from _ranges_of(value["rarg"])
        elif kind == "RangeTableSample":
            yield from _ranges_of(value["relation"])


def _flat(lists: Iterable[Iterable[T]]) -> Iterator[T]:
    return (one for listed in lists for one in listed)
