"""The emulation's schema is a part of the real one: same names, same arguments, same types.

`railway_fields.txt` lists the part that is used, taken from the platform's own introspection result. Where that result
is at hand (a folder `shared` beside the repository, or at $YETT_SHARED), the list itself is held against it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import graphql

from yett.lab.railway.execution import SCHEMA_TEXT

HERE = Path(__file__).parent
LISTED = HERE / "railway_fields.txt"
SHARED = Path(os.environ.get("YETT_SHARED", HERE.parents[2] / "shared"))
INTROSPECTION = SHARED / "data" / "railway_schema.json"


def described(schema: graphql.GraphQLSchema) -> Iterator[str]:
    """Yield a line for every field, argument and value of a schema."""
    for name, kind in schema.type_map.items():
        if name.startswith("__") or name in ("String", "Int", "Float", "Boolean", "ID"):
            continue
        if isinstance(kind, graphql.GraphQLObjectType):
            for field_name, field in kind.fields.items():
                arguments = ", ".join(sorted(f"{key}: {held.type}" for key, held in field.args.items()))
                yield f"type {name}.{field_name}({arguments}): {field.type}"
        elif isinstance(kind, graphql.GraphQLInputObjectType):
            yield from (f"input {name}.{key}: {held.type}" for key, held in kind.fields.items())
        elif isinstance(kind, graphql.GraphQLEnumType):
            yield from (f"enum {name}.{value}" for value in kind.values)
        else:
            yield f"{type(kind).__name__} {name}"


def emulated() -> set[str]:
    return set(described(graphql.build_schema(SCHEMA_TEXT)))


def real() -> set[str]:
    """Return what the real API has: from its introspection result, or the part of it that is listed here."""
    if not INTROSPECTION.exists():
        return set(LISTED.read_text().splitlines())
    held = json.loads(INTROSPECTION.read_text())
    schema = graphql.build_client_schema(held.get("data", held), assume_valid=True)
    return set(described(schema))


def test_everything_emulated_is_real() -> None:
    assert emulated() - real() == set()


def test_the_list_is_what_is_emulated() -> None:
    assert "\n".join(sorted(emulated())) + "\n" == LISTED.read_text()


def test_input_types_are_whole() -> None:
    """A field left out of an input type would make the emulation refuse what the real API takes."""
    ours = {line for line in emulated() if line.startswith("input ")}
    names = {line.split(".")[0] for line in ours}
    assert {line for line in real() if line.startswith("input ") and line.split(".")[0] in names} == ours


def test_the_call_of_the_incident_is_valid() -> None:
    document = graphql.parse('mutation { volumeDelete(volumeId: "3d2c42fb-0000-4000-8000-000000000000") }')
    assert graphql.validate(graphql.build_schema(SCHEMA_TEXT), document) == []
