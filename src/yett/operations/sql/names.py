"""A name in a text -> everything that it could be, in one database with one search_path.

Types of arguments are not worked out: whatever overload a name, an operator or a cast could mean counts, so that the
most specific one cannot hide (`CREATE OPERATOR = (text, text)` beside the built-in one). What is built in and harmless
leaves no trace: most names give the empty set.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from yett.operations.sql import builtins
from yett.operations.sql.catalog import NOTHING, Catalog, Function, OfCatalog, Relation, Type
from yett.operations.sql.facts import Ref

Refs = frozenset[Ref]
NONE: Refs = frozenset()
MOST_KEPT = 20_000
"""Names that are remembered: an agent chooses them, and could fill the memory."""


class Names(OfCatalog):
    """Names in one search_path; remembers what it found, for as long as the catalog has one version."""

    def __init__(self, catalog: Catalog, path: tuple[str, ...]) -> None:
        super().__init__(catalog)
        self._path = ("pg_catalog", *(schema for schema in path if schema != "pg_catalog"))
        self._calls: dict[tuple[str, str, int], Refs | None] = {}
        self._operators: dict[tuple[str, str], Refs | None] = {}
        self._types: dict[tuple[str, str], Refs | None] = {}
        self._attributes: dict[str, Refs] = {}

    def call(self, schema: str, name: str, arguments: int) -> Refs | None:
        """What `name(...)` may run; None: the catalog knows no such function. `arguments` -1: any number."""
        key = (schema, name, arguments)
        if key not in self._calls:
            _make_room(self._calls)
            self._calls[key] = self._call(schema, name, arguments)
        return self._calls[key]

    def operator(self, schema: str, name: str) -> Refs | None:
        """What an operator may run; None: there is none of this name."""
        key = (schema, name)
        if key not in self._operators:
            _make_room(self._operators)
            found = [oid for s in self._schemas(schema) for oid in self.catalog.operators_named(s, name)]
            functions = [self.catalog.function(one) for oid in found for one in self.catalog.operator(oid)]
            self._operators[key] = function_refs((f for f in functions if f is not None), "operator") if found else None
        return self._operators[key]

    def type_(self, schema: str, name: str) -> Refs | None:
        """What making a value of this type may run; None: there is no such type."""
        key = (schema, name)
        if key not in self._types:
            _make_room(self._types)
            found = self._types_called(schema, name)
            self._types[key] = type_refs(found) if found else None
        return self._types[key]

    def is_row(self, schema: str, name: str) -> bool | None:
        """Whether this type's values are rows; None: it is built in, or there is none of this name."""
        found = self._types_called(schema, name)
        if self.relations(schema, name) or any(one.kind == "c" for one in found):
            return True
        return False if any(not one.builtin for one in found) else None

    def attribute(self, name: str) -> Refs:
        """What `(x).name` may run where x has no column of that name: a function of one argument, whatever that is, or
        a cast (findings 3.3)."""
        if name not in self._attributes:
            _make_room(self._attributes)
            functions = [f for s in self._path for f in self.catalog.functions_named(s, name) if takes(f, 1)]
            self._attributes[name] = function_refs(functions) | type_refs(self._types_called("", name))
        return self._attributes[name]

    def relations(self, schema: str, name: str) -> tuple[Relation, ...]:
        """Every relation that the name may mean: the role may lack USAGE on an earlier schema of the path."""
        schemas = self._schemas(schema)
        found = [r for s in schemas if s != "pg_temp" and (r := self.catalog.relation_named(s, name)) is not None]
        if schema in ("", "pg_temp") or schema.startswith("pg_temp_"):
            return (*self.catalog.temporaries(name), *found)
        return tuple(found)

    def table_of_index(self, schema: str, name: str) -> Relation | None:
        """The table that an index is of, found by the index's name; None: the catalog knows no such index."""
        for one in self._schemas(schema):
            for relation in self.catalog.relations_in(one):
                if name in relation.indexes:
                    return relation
        return None

    def is_own_temporary(self, schema: str, name: str) -> bool:
        """Whether the name can only mean a temporary table that this session made."""
        return schema in ("", "pg_temp") and self.catalog.temporary(name) and not self.catalog.hides(name)

    def _call(self, schema: str, name: str, arguments: int) -> Refs | None:
        found = [f for s in self._schemas(schema) for f in self.catalog.functions_named(s, name)]
        fitting = [f for f in found if takes(f, arguments)] or found
        as_cast = self._types_called(schema, name) if arguments in (1, -1) else []
        if not found and not as_cast:
            return None
        return function_refs(fitting) | type_refs(as_cast)

    def _types_called(self, schema: str, name: str) -> list[Type]:
        schemas = ("pg_temp", *self._path) if not schema else self._schemas(schema)
        return [t for s in schemas for t in self.catalog.types_named(s, name)]

    def _schemas(self, schema: str) -> tuple[str, ...]:
        if not schema:
            return self._path
        return ("pg_temp",) if schema.startswith("pg_temp_") else (schema,)


def _make_room(kept: dict[Any, Any]) -> None:
    if len(kept) >= MOST_KEPT:
        kept.clear()


def takes(function: Function, arguments: int) -> bool:
    """Whether a call with so many arguments can mean `function`."""
    if arguments < 0 or function.kind == "p":
        return True  # CALL counts OUT arguments too
    return function.fewest <= arguments and (function.most < 0 or arguments <= function.most)


def function_refs(functions: Iterable[Function], kind: str = "function") -> Refs:
    return frozenset(Ref(kind, f.oid) for f in functions if not _is_harmless(f))


def type_refs(types: Iterable[Type]) -> Refs:
    return frozenset(Ref("type", t.oid) for t in types if not t.builtin or t.casts)


def _is_harmless(function: Function) -> bool:
    if function.name in builtins.BY_TYPE_NAME or builtins.judge(function) is not None:
        return False
    compiled = function.kind == "f" and function.language == "c" and not function.types and function.defaults == NOTHING
    return function.builtin or compiled
