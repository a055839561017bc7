"""Compare `operations.toml` with Railway's schema, and refresh the names and digests that ship.

    python -m yett.providers.railway.refresh SCHEMA.json           # what differs; status 1 if a field is not listed
    python -m yett.providers.railway.refresh SCHEMA.json --write   # and write schema-digest.toml anew

SCHEMA.json is the answer to an introspection query (the Railway command line's repository keeps one). The schema itself
stays out of this repository: one digest a root field, over its arguments and its type, says whether it has changed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from yett.providers.actions import Actions, read_actions
from yett.providers.table import Table

HERE = Path(__file__).parent
DIGESTS = HERE / "schema-digest.toml"
ROOTS = ("mutation", "query", "subscription")

Digests = dict[str, dict[str, str]]
Type = dict[str, Any]  # Any: an introspection result's shape is GraphQL's (October 2021, section 4.2)


@dataclass(frozen=True, slots=True)
class Difference:
    """What a schema has that the shipped names have not, and so on. `unlisted`: fields without a line of operations."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]
    unlisted: tuple[str, ...]


def digests(schema: Type) -> Digests:
    """One short digest a root field of an introspection result: over its arguments, their input types and its type."""
    types = {kind["name"]: kind for kind in schema["types"]}
    found: Digests = {}
    for root in ROOTS:
        name = (schema.get(f"{root}Type") or {}).get("name")
        fields = types[name]["fields"] if name else []
        found[root] = {field["name"]: _digest(field, types) for field in sorted(fields, key=_name)}
    return found


def shipped() -> Digests:
    """The digests that this repository holds."""
    table = tomllib.loads(DIGESTS.read_text())
    return {root: dict(table[root]) for root in ROOTS}


def compare(now: Digests, before: Digests, actions: Actions) -> Difference:
    """Say how `now` differs from `before`, and what `operations.toml` does not list."""
    listed = {"mutation": actions.mutations, "query": actions.queries, "subscription": actions.subscriptions}
    new, old = dict(_flat(now)), dict(_flat(before))
    return Difference(
        added=tuple(sorted(new.keys() - old.keys())),
        removed=tuple(sorted(old.keys() - new.keys())),
        changed=tuple(sorted(name for name in new.keys() & old.keys() if new[name] != old[name])),
        unlisted=tuple(f"{root} {name}" for root in ROOTS for name in now[root] if name not in listed[root]),
    )


def operations() -> Actions:
    return read_actions(Table.of_file(HERE / "operations.toml"))


def read_schema(path: Path) -> Type:
    """The `__schema` of an introspection result, with or without its envelope."""
    parsed = json.loads(path.read_text())
    schema: Type = parsed.get("data", parsed)["__schema"]
    return schema


def write(now: Digests, path: Path = DIGESTS) -> None:
    lines = ["# Made by yett.providers.railway.refresh: a digest of each root field's signature.", ""]
    for root in ROOTS:
        lines += [f"[{root}]", *(f'{name} = "{value}"' for name, value in now[root].items()), ""]
    path.write_text("\n".join(lines).rstrip() + "\n")


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="yett.providers.railway.refresh", description=__doc__)
    parser.add_argument("schema", type=Path, metavar="SCHEMA.json")
    parser.add_argument("--write", action="store_true", help="write schema-digest.toml anew")
    asked = parser.parse_args(arguments)
    now = digests(read_schema(asked.schema))
    difference = compare(now, shipped() if DIGESTS.exists() else {root: {} for root in ROOTS}, operations())
    for title in ("added", "removed", "changed", "unlisted"):
        for name in getattr(difference, title):
            sys.stdout.write(f"{title}: {name}\n")
    if asked.write:
        write(now)
    return 1 if difference.unlisted else 0


def _flat(found: Digests) -> Iterator[tuple[str, str]]:
    for root in ROOTS:
        yield from ((f"{root} {name}", value) for name, value in found[root].items())


def _digest(field: Type, types: Mapping[str, Type]) -> str:
    arguments = [_argument(one, types, frozenset()) for one in sorted(field["args"], key=_name)]
    text = f"{field['name']}({', '.join(arguments)}): {_shape(field['type'])}"
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _argument(argument: Type, types: Mapping[str, Type], inside: frozenset[str]) -> str:
    """An argument's name and type, input objects and enums spelled out: a field added there can change what it does."""
    kind = types[_base(argument["type"])]
    values = [value["name"] for value in kind.get("enumValues") or ()]
    if kind["name"] not in inside:
        below = sorted(kind.get("inputFields") or (), key=_name)
        values += [_argument(one, types, inside | {kind["name"]}) for one in below]
    return f"{argument['name']}: {_shape(argument['type'])} {{{', '.join(values)}}}"


def _shape(kind: Type) -> str:
    match kind["kind"]:
        case "NON_NULL":
            return f"{_shape(kind['ofType'])}!"
        case "LIST":
            return f"[{_shape(kind['ofType'])}]"
    return str(kind["name"])


def _base(kind: Type) -> str:
    while kind.get("ofType"):
        kind = kind["ofType"]
    return str(kind["name"])


def _name(one: Type) -> str:
    return str(one["name"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
