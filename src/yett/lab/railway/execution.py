"""Run one GraphQL request against the world: parse, validate, execute, and say as little on errors as the real API."""

from __future__ import annotations

import datetime
import re
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import graphql
from graphql.language import OperationDefinitionNode

from yett.lab.railway.machine import Machine
from yett.lab.railway.tokens import Caller, Keyring
from yett.lab.railway.world import World

MAXIMUM_TOKENS = 20_000
SCHEMA_TEXT = (Path(__file__).parent / "schema.graphql").read_text()
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[a-z])(?=[0-9])")


@dataclass
class Platform:
    """Everything that a resolver may need besides the caller."""

    world: World
    machine: Machine
    keyring: Keyring


@dataclass
class Call:
    """One request under execution; `asked` collects the root fields that it reached, `done` those that then ran.

    The answer does not tell: a failure in a non-null field blanks the data of those that ran before it.
    """

    caller: Caller
    platform: Platform
    asked: list[str] = field(default_factory=list)
    done: list[str] = field(default_factory=list)

    @property
    def world(self) -> World:
        """What the platform knows."""
        return self.platform.world


# A resolver takes the call, the object that it is a field of (absent on root fields), and its arguments.
Resolver = Callable[..., object]


class Api:
    """The schema with its resolvers, by type and field name."""

    def __init__(self, resolvers: Mapping[str, Mapping[str, Resolver]]) -> None:
        """Build the schema; every root field must have a resolver."""
        self._schema = graphql.build_schema(SCHEMA_TEXT)
        self._resolvers = resolvers
        for name in ("Query", "Mutation"):
            missing = set(_object_type(self._schema, name).fields) ^ set(resolvers[name])
            if missing:
                raise ValueError(f"schema and resolvers of {name} differ: {sorted(missing)}")

    def run(self, payload: Mapping[str, object], call: Call) -> dict[str, Any]:
        """Execute {"query", "variables", "operationName"} and return the response map."""
        text = payload.get("query")
        if not isinstance(text, str):
            return _failed([graphql.GraphQLError("Must provide query string.")])
        try:
            document = graphql.parse(text, max_tokens=MAXIMUM_TOKENS)
        except graphql.GraphQLError as error:
            return _failed([error])
        if errors := graphql.validate(self._schema, document):
            return _failed(errors)
        result = graphql.execute(
            self._schema,
            document,
            context_value=call,
            variable_values=_mapping(payload.get("variables")),
            operation_name=_name(payload.get("operationName")),
            field_resolver=self._resolve,
        )
        if isinstance(result, Awaitable):
            raise TypeError("resolvers are plain functions")
        answer: dict[str, Any] = {"data": result.data}
        return {"errors": [_shown(e) for e in result.errors], **answer} if result.errors else answer

    def _resolve(self, source: object, info: graphql.GraphQLResolveInfo[Call], **arguments: object) -> object:
        parent, name, call = info.parent_type.name, info.field_name, info.context
        plain = {_snake(key): value for key, value in arguments.items()}
        own = self._resolvers.get(parent, {}).get(name)
        if own is not None and parent in ("Query", "Mutation"):
            title = f"{info.operation.operation.value} {name}"
            call.asked.append(title)
            value = own(call, **plain)
            call.done.append(title)
            return value
        if own is not None:
            value = own(call, source, **plain)
        else:
            value = source[name] if isinstance(source, Mapping) else getattr(source, _snake(name), None)
        return _timestamp(value) if isinstance(value, datetime.datetime) else value


def root_fields(text: object) -> list[str]:
    """Return what a text asks for at its top level, for the journal; [] where it does not parse."""
    try:
        document = graphql.parse(text, max_tokens=MAXIMUM_TOKENS) if isinstance(text, str) else None
    except graphql.GraphQLError:
        return []
    operations = [d for d in document.definitions if isinstance(d, OperationDefinitionNode)] if document else []
    return [
        f"{o.operation.value} {s.name.value}"
        for o in operations
        for s in o.selection_set.selections
        if isinstance(s, graphql.FieldNode)
    ]


def connection(
    nodes: list[Any], first: int | None = None, after: str | None = None, last: int | None = None, **_: object
) -> dict[str, object]:
    """Return a page of a Relay connection; cursors are the objects' ids."""
    passed = next((place + 1 for place, node in enumerate(nodes) if node.id == after), 0)
    left = nodes[passed:]
    chosen = left[:first] if first is not None else left[-last:] if last else left
    page = {
        "hasNextPage": first is not None and len(left) > first,
        "hasPreviousPage": passed > 0,
        "startCursor": chosen[0].id if chosen else None,
        "endCursor": chosen[-1].id if chosen else None,
    }
    return {"edges": [{"cursor": node.id, "node": node} for node in chosen], "pageInfo": page}


def _object_type(schema: graphql.GraphQLSchema, name: str) -> graphql.GraphQLObjectType:
    found = schema.get_type(name)
    assert isinstance(found, graphql.GraphQLObjectType)
    return found


def _timestamp(value: datetime.datetime) -> str:
    return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _snake(name: str) -> str:
    return _CAMEL.sub("_", name).lower()


def _mapping(value: object) -> dict[str, Any] | None:
    return dict(value) if isinstance(value, Mapping) else None


def _name(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _failed(errors: list[graphql.GraphQLError]) -> dict[str, Any]:
    return {"errors": [_shown(error) for error in errors], "data": None}


def _shown(error: graphql.GraphQLError) -> dict[str, object]:
    code = "INTERNAL_SERVER_ERROR" if error.original_error else "GRAPHQL_VALIDATION_FAILED"
    return {**error.formatted, "extensions": {"code": code}, "traceId": str(uuid.uuid4().int % 10**19)}
