"""A database's catalog held in memory, as plain values."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, TypeVar

from yett.operations.sql.by_need import ByNeed, Row
from yett.operations.sql.catalog import (
    FIRST_NORMAL_OID,
    NOTHING,
    Function,
    Reference,
    Relation,
    Rule,
    Trigger,
    Type,
    Uses,
)

Rows = Mapping[str, Sequence[Sequence[Any]]]
"""Answers to `queries.QUERIES`, by the same names. Any: whatever a driver makes of text, int, bool and arrays."""

T = TypeVar("T")
_NONE = frozenset[int]()

_EVENTS = {4: "insert", 8: "delete", 16: "update", 32: "truncate"}
_UNSAID = frozenset({25, 114, 3802})
"""text, json and jsonb: quote_literal, ||, to_json and their kin call a type's cast onto them, without a word in the
text."""

_FUNCTION_COLUMNS, _TYPE_COLUMNS = 16, 7
_INSTEAD = 64
_RULE_EVENTS = {"2": "update", "3": "insert", "4": "delete"}
_COMMANDS = {"0": "", "1": "select", "2": "update", "3": "insert", "4": "delete"}
_KINDS_OF_ID = {
    "funcid": "functions",
    "aggfnoid": "functions",
    "winfnoid": "functions",
    "opno": "operators",
    "eqop": "operators",
    "sortop": "operators",
    "opnos": "operators",
    "relid": "relations",
    "resulttype": "types",
    "consttype": "types",
    "row_typeid": "types",
    "typid": "types",
    "funccoltypes": "types",
    "coltypes": "types",
}


class Operator(NamedTuple):
    """A row of pg_operator. `instead`: its commutator and its negator, by which the planner may replace it."""

    oid: int
    schema: str
    name: str
    function: int
    instead: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Snapshot:
    """The plain `Catalog`. Make it with `of` or `from_rows`."""

    version: Hashable
    search_path: tuple[str, ...]
    longest_ms: int
    is_utf8: bool
    implicit_casts: frozenset[int]
    event_triggers: frozenset[int]
    _relations: Mapping[int, Relation]
    _relations_by_name: Mapping[tuple[str, str], tuple[Relation, ...]]
    _relations_by_schema: Mapping[str, tuple[Relation, ...]]
    _relations_by_type: Mapping[int, tuple[Relation, ...]]
    _functions: ByNeed[Function]
    _operators: Mapping[int, Operator]
    _operators_by_name: Mapping[tuple[str, str], tuple[int, ...]]
    _types: ByNeed[Type]
    _domains: tuple[Type, ...]
    _names: frozenset[str]
    _made: frozenset[str] = field(default=frozenset())

    def relation(self, oid: int) -> Relation | None:
        return self._relations.get(oid)

    def relation_named(self, schema: str, name: str) -> Relation | None:
        found = self._relations_by_name.get((schema, name))
        return found[0] if found else None

    def relations_in(self, schema: str) -> tuple[Relation, ...]:
        return self._relations_by_schema.get(schema, ())

    def relations_with(self, type_: int) -> tuple[Relation, ...]:
        return self._relations_by_type.get(type_, ())

    def temporaries(self, name: str) -> tuple[Relation, ...]:
        return self._relations_by_name.get(("pg_temp", name), ())

    def temporary(self, name: str) -> bool:
        return name in self._made

    def hides(self, name: str) -> bool:
        return name in self._names

    def function(self, oid: int) -> Function | None:
        return self._functions.get(oid)

    def has_extension(self, name: str) -> bool:
        return any(function.extension == name for function in self._functions.values())

    def functions_named(self, schema: str, name: str) -> tuple[Function, ...]:
        return self._functions.named(schema, name)

    def operator(self, oid: int) -> frozenset[int]:
        found, waiting = set[int](), [oid]
        while waiting:
            operator = self._operators.get(waiting.pop())
            if operator is not None and operator.function not in found:
                found.add(operator.function)
                waiting += operator.instead
        return frozenset(found - {0})

    def operators_named(self, schema: str, name: str) -> tuple[int, ...]:
        return self._operators_by_name.get((schema, name), ())

    def type_(self, oid: int) -> Type | None:
        return self._types.get(oid)

    def types_named(self, schema: str, name: str) -> tuple[Type, ...]:
        return self._types.named(schema, name)

    def domains(self) -> tuple[Type, ...]:
        return self._domains

    def with_temporary(self, names: Iterable[str]) -> Snapshot:
        """The same catalog for a session that made these temporary tables; another version."""
        made = frozenset(names)
        return replace(self, version=(self.version, made), _made=made)

    def with_objects_of(self, other: Snapshot) -> Snapshot:
        """The built-in relations, functions and operators of this one, and all else of `other`, under its version."""
        operators = {**dict(_builtin_operators(self._operators)), **other._operators}
        return of(
            version=other.version,
            search_path=other.search_path,
            longest_ms=other.longest_ms,
            is_utf8=other.is_utf8,
            relations=(*_builtin(self._relations), *other._relations.values()),
            functions=other._functions.over(self._functions),
            operators=operators.values(),
            types=other._types,
            implicit_casts=other.implicit_casts,
            event_triggers=other.event_triggers,
        )


def _builtin(known: Mapping[int, T]) -> Iterable[T]:
    return (one for oid, one in known.items() if oid < FIRST_NORMAL_OID)


def _builtin_operators(known: Mapping[int, Operator]) -> Iterable[tuple[int, Operator]]:
    return ((oid, one) for oid, one in known.items() if oid < FIRST_NORMAL_OID)


def of(
    *,
    version: Hashable = 0,
    search_path: Sequence[str] = ("public",),
    longest_ms: int = 0,
    is_utf8: bool = True,
    relations: Iterable[Relation] = (),
    functions: Iterable[Function] | ByNeed[Function] = (),
    operators: Iterable[Operator] = (),
    types: Iterable[Type] | ByNeed[Type] = (),
    implicit_casts: Iterable[int] = (),
    event_triggers: Iterable[int] = (),
) -> Snapshot:
    """Index plain values."""
    all_relations = list(relations)
    all_functions = functions if isinstance(functions, ByNeed) else ByNeed.of(functions)
    all_types = types if isinstance(types, ByNeed) else ByNeed.of(types)
    operators_by_name = defaultdict(list)
    by_oid = {operator.oid: operator for operator in operators}
    for operator in by_oid.values():
        operators_by_name[operator.schema, operator.name].append(operator.oid)
    by_type: dict[int, list[Relation]] = defaultdict(list)
    by_schema: dict[str, list[Relation]] = defaultdict(list)
    for relation in all_relations:
        by_schema[relation.schema].append(relation)
        for type_ in relation.types:
            by_type[type_].append(relation)
    return Snapshot(
        version=version,
        search_path=tuple(search_path),
        longest_ms=longest_ms,
        is_utf8=is_utf8,
        implicit_casts=frozenset(implicit_casts),
        event_triggers=frozenset(event_triggers),
        _relations={relation.oid: relation for relation in all_relations},
        _relations_by_name=_named((r.schema, r.name, r) for r in all_relations),
        _relations_by_schema={schema: tuple(found) for schema, found in by_schema.items()},
        _relations_by_type={type_: tuple(found) for type_, found in by_type.items()},
        _functions=all_functions,
        _operators=by_oid,
        _operators_by_name={name: tuple(oids) for name, oids in operators_by_name.items()},
        _types=all_types,
        _domains=tuple(all_types[oid] for oid in all_types if oid >= FIRST_NORMAL_OID and all_types[oid].kind == "d"),
        _names=frozenset(r.name for r in all_relations if r.schema != "pg_temp")
        | frozenset(name for schema, name in all_types.names() if schema != "pg_temp"),
    )


def from_rows(rows: Rows, *, version: Hashable, search_path: Sequence[str], longest_ms: int = 0) -> Snapshot:
    """Read the answers to `queries.QUERIES`.

    `search_path`: the schemas that the session's role may use, in order, without pg_catalog. A row that is not as the
    queries have it raises; a catalog that cannot be read is no catalog.
    """
    trees = _trees(rows["expressions"])
    columns = {relation: frozenset(types) for relation, types in rows["columns"]}
    casts = _grouped((target, function) for target, function, _ in rows["casts"])
    compared = _grouped(rows["comparisons"])
    operators = rows["operators"]

    return of(
        version=version,
        search_path=search_path,
        longest_ms=longest_ms,
        is_utf8=[is_utf8 for (is_utf8,) in rows["encoding"]] == [True],
        relations=_relations(rows, trees, columns),
        functions=_functions(rows, trees),
        operators=[Operator(oid, schema, name, code, (com, neg)) for oid, schema, name, code, com, neg in operators],
        types=_types(rows, trees, columns, casts, compared),
        event_triggers=[function for (function,) in rows["event_triggers"]],
        implicit_casts={
            *(function for target, function, context in rows["casts"] if context != "e" or target in _UNSAID),
            *(function for type_, found in compared.items() if 0 < type_ < FIRST_NORMAL_OID for function in found),
        },
    )


def _relations(
    rows: Rows, trees: Mapping[tuple[str, int], Uses], columns: Mapping[int, frozenset[int]]
) -> Iterable[Relation]:
    triggers, rules = _triggers(rows, trees), _rules(rows, trees)
    references: dict[int, list[Reference]] = defaultdict(list)
    for parent, child, on_delete, on_update in rows["references"]:
        references[parent].append(Reference(child, on_delete, on_update))
    children = {parent: tuple(found) for parent, found in rows["children"]}
    indexes = {relation: frozenset(names) for relation, names in rows["indexes"]}
    for oid, schema, name, kind, owner, persistence, row_security in rows["relations"]:
        policies = trees.get(("policy", oid), NOTHING) if row_security else NOTHING
        yield Relation(
            oid=oid,
            schema=schema,
            name=name,
            kind=kind,
            owner=owner,
            persistence=persistence,
            row_security=row_security,
            view=trees.get(("view", oid), NOTHING),
            on_read=policies | trees.get(("virtual", oid), NOTHING),
            on_write=trees.get(("write", oid), NOTHING) | trees.get(("build", oid), NOTHING),
            on_build=trees.get(("build", oid), NOTHING),
            indexes=indexes.get(oid, frozenset()),
            types=columns.get(oid, frozenset()),
            triggers=tuple(triggers.get(oid, ())),
            rules=tuple(rules.get(oid, ())),
            references=tuple(references.get(oid, ())),
            children=children.get(oid, ()),
        )


def _triggers(rows: Rows, trees: Mapping[tuple[str, int], Uses]) -> Mapping[int, list[Trigger]]:
    found: dict[int, list[Trigger]] = defaultdict(list)
    for oid, relation, name, function, bits in rows["triggers"]:
        events = frozenset(event for bit, event in _EVENTS.items() if bits & bit)
        when = trees.get(("when", oid), NOTHING)
        found[relation].append(Trigger(name, function, events, when, bool(bits & _INSTEAD)))
    return found


def _rules(rows: Rows, trees: Mapping[tuple[str, int], Uses]) -> Mapping[int, list[Rule]]:
    found: dict[int, list[Rule]] = defaultdict(list)
    for oid, relation, name, event, instead in rows["rules"]:
        found[relation].append(Rule(name, _RULE_EVENTS[event], trees.get(("rule", oid), NOTHING), instead))
    return found


def _functions(rows: Rows, trees: Mapping[tuple[str, int], Uses]) -> ByNeed[Function]:
    parts = {oid: frozenset(used) - {0} for oid, used in rows["aggregates"]}

    def function(row: Row) -> Function:
        oid, schema, name, kind, language, volatility, secdef, owner, extension, fewest, most, *more = row
        returns_trigger, body, definition, types, settings = more
        return Function(
            oid=oid,
            schema=schema,
            name=name,
            kind=kind,
            language=language,
            volatility=volatility,
            secdef=secdef,
            owner=owner,
            extension=extension,
            fewest=fewest,
            most=most,
            returns_trigger=returns_trigger,
            body=body,
            definition=definition,
            atomic=trees.get(("atomic", oid)),
            defaults=trees.get(("defaults", oid), NOTHING),
            parts=parts.get(oid, frozenset()),
            types=frozenset(types),
            settings=tuple(settings),
        )

    return ByNeed.of_rows(rows["functions"], _FUNCTION_COLUMNS, function)


def _types(
    rows: Rows,
    trees: Mapping[tuple[str, int], Uses],
    columns: Mapping[int, frozenset[int]],
    casts: Mapping[int, frozenset[int]],
    compared: Mapping[int, frozenset[int]],
) -> ByNeed[Type]:
    onto_builtin = _NONE.union(*(found for target, found in casts.items() if target < FIRST_NORMAL_OID))

    def type_(row: Row) -> Type:
        oid, schema, name, kind, relation, parts, range_functions = row
        return Type(
            oid=oid,
            schema=schema,
            name=name,
            kind=kind,
            parts=frozenset(one for one in parts if one >= FIRST_NORMAL_OID) | columns.get(relation, _NONE),
            checks=trees.get(("domain", oid), NOTHING) | Uses(functions=frozenset(range_functions)),
            casts=casts.get(oid, _NONE).union(
                onto_builtin if oid >= FIRST_NORMAL_OID else _NONE, *(casts.get(part, _NONE) for part in parts)
            ),
            compared=compared.get(oid, _NONE),
        )

    return ByNeed.of_rows(rows["types"], _TYPE_COLUMNS, type_)


def _grouped(pairs: Iterable[Sequence[int]]) -> Mapping[int, frozenset[int]]:
    found: dict[int, set[int]] = defaultdict(set)
    for one, other in pairs:
        found[one].add(other)
    return {one: frozenset(others) for one, others in found.items()}


def _trees(rows: Sequence[Sequence[Any]]) -> Mapping[tuple[str, int], Uses]:
    """Several trees of one object (defaults, checks) count as one. Built-in functions stay in: some do harm."""
    trees: dict[tuple[str, int], Uses] = {}
    for what, oid, tokens in rows:
        trees[what, oid] = trees.get((what, oid), NOTHING) | _uses(tokens)
    return trees


def _uses(tokens: Iterable[str]) -> Uses:
    ids: dict[str, set[int]] = {"functions": set(), "operators": set(), "relations": set(), "types": set()}
    commands, locks = set(), False
    for token in tokens:
        word, _, number = token.partition(" ")
        if word == "ROWMARKCLAUSE":
            locks = True
        elif word == "commandType":
            commands.add(_COMMANDS.get(number, "other"))
        else:
            ids[_KINDS_OF_ID[word]].update(map(int, number.split()))
    return Uses(
        functions=frozenset(ids["functions"]),
        operators=frozenset(ids["operators"]),
        relations=frozenset(ids["relations"] - {0}),
        types=frozenset(oid for oid in ids["types"] if oid >= FIRST_NORMAL_OID),
        commands=frozenset(commands),
        locks=locks,
    )


def _named(named: Iterable[tuple[str, str, Any]]) -> Mapping[tuple[str, str], tuple[Any, ...]]:
    found: dict[tuple[str, str], list[Any]] = defaultdict(list)
    for schema, name, value in named:
        found[schema, name].append(value)
    return {key: tuple(values) for key, values in found.items()}
