"""`operations.toml` and the schema belong together: names, arguments, and what a newer schema brings."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from yett.providers.actions import Action
from yett.providers.railway import refresh

SHARED = Path(os.environ.get("YETT_SHARED", Path(__file__).parents[4] / "shared"))
SCHEMA = SHARED / "data" / "railway_schema.json"
Type = dict[str, Any]


def schema() -> Type | None:
    """The real schema where it lies beside the repository; what ships holds its names and digests."""
    return refresh.read_schema(SCHEMA) if SCHEMA.is_file() else None


def test_every_field_of_the_shipped_names_is_listed_and_no_other() -> None:
    now = refresh.shipped()
    listed = refresh.operations()
    assert now["mutation"].keys() == listed.mutations.keys()
    assert now["query"].keys() == listed.queries.keys()
    assert now["subscription"].keys() == listed.subscriptions.keys()


def test_the_shipped_digests_are_the_schema_s() -> None:
    now = refresh.shipped()
    found = schema()
    assert (refresh.digests(found) if found else now) == now
    assert all(len(value) == 12 for root in refresh.ROOTS for value in now[root].values())


def test_every_argument_that_names_a_resource_is_in_the_schema() -> None:
    """A misspelt argument would name nothing, and a rule on it would never apply."""
    used = sorted(_arguments_used())
    found = schema()
    if found:
        assert [f"{root}.{field}.{path}" for root, field, path in used if not _exists(found, root, field, path)] == []
    assert len(used) > 250


def _arguments_used() -> Iterator[tuple[str, str, str]]:
    listed = refresh.operations()
    for root, table in (
        ("mutation", listed.mutations),
        ("query", listed.queries),
        ("subscription", listed.subscriptions),
    ):
        for name, action in table.items():
            yield from ((root, name, path) for path in _paths(action))


def _paths(action: Action) -> Iterator[str]:
    for subject in action.on:
        for reference in subject.alternatives:
            yield from (".".join(path) for path in reference.arguments)
    yield from (".".join(rule.argument) for rule in action.worse)


def _exists(found: Type, root: str, field: str, path: str) -> bool:
    types = {kind["name"]: kind for kind in found["types"]}
    fields = {one["name"]: one for one in types[found[f"{root}Type"]["name"]]["fields"]}
    inside = {one["name"]: one for one in fields[field]["args"]}
    for step in path.split("."):
        if step not in inside:
            return False
        kind = inside[step]["type"]
        while kind.get("ofType"):
            kind = kind["ofType"]
        inside = {one["name"]: one for one in types[kind["name"]].get("inputFields") or ()}
    return True


# ---- the maintainer's command, on a schema of one's own

OWN: Type = {
    "queryType": {"name": "Query"},
    "mutationType": {"name": "Mutation"},
    "subscriptionType": None,
    "types": [
        {"kind": "SCALAR", "name": "String"},
        {"kind": "ENUM", "name": "State", "enumValues": [{"name": "READY"}]},
        {"kind": "INPUT_OBJECT", "name": "In", "inputFields": [
            {"name": "a", "type": {"kind": "SCALAR", "name": "String"}}]},
        {"kind": "OBJECT", "name": "Query", "fields": [
            {"name": "me", "args": [], "type": {"kind": "SCALAR", "name": "String"}}]},
        {"kind": "OBJECT", "name": "Mutation", "fields": [
            {"name": "volumeDelete", "type": {"kind": "SCALAR", "name": "String"}, "args": [
                {"name": "volumeId", "type": {"kind": "NON_NULL", "ofType": {"kind": "SCALAR", "name": "String"}}},
                {"name": "input", "type": {"kind": "INPUT_OBJECT", "name": "In"}},
                {"name": "state", "type": {"kind": "ENUM", "name": "State"}}]}]},
    ],
}  # fmt: skip


def changed(*steps: tuple[str, Any]) -> Type:
    copy: Type = json.loads(json.dumps(OWN))
    for name, change in steps:
        change(next(kind for kind in copy["types"] if kind["name"] == name))
    return copy


def test_a_new_mutation_is_named_and_fails_until_it_is_listed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new = {"name": "volumeObliterate", "args": [], "type": {"kind": "SCALAR", "name": "String"}}
    path = tmp_path / "schema.json"
    path.write_text(json.dumps({"data": {"__schema": changed(("Mutation", lambda kind: kind["fields"].append(new)))}}))
    assert refresh.main([str(path)]) == 1
    said = capsys.readouterr().out.splitlines()
    assert "added: mutation volumeObliterate" in said
    assert "unlisted: mutation volumeObliterate" in said
    assert "removed: mutation volumeCreate" in said


def test_a_schema_whose_fields_are_all_listed_passes(tmp_path: Path) -> None:
    path = tmp_path / "schema.json"
    path.write_text(json.dumps({"__schema": OWN}))
    assert refresh.main([str(path)]) == 0


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("Mutation", lambda kind: kind["fields"][0]["args"].pop()),
        (
            "In",
            lambda kind: kind["inputFields"].append({"name": "force", "type": {"kind": "SCALAR", "name": "String"}}),
        ),
        ("State", lambda kind: kind["enumValues"].append({"name": "DELETED"})),
        ("Mutation", lambda kind: kind["fields"][0].update(type={"kind": "ENUM", "name": "State"})),
    ],
    ids=["an argument less", "an input field more", "an enum value more", "another type"],
)
def test_a_change_of_signature_changes_the_digest(name: str, change: Any) -> None:
    before, now = refresh.digests(OWN), refresh.digests(changed((name, change)))
    assert now["mutation"]["volumeDelete"] != before["mutation"]["volumeDelete"]
    assert refresh.compare(now, before, refresh.operations()).changed == ("mutation volumeDelete",)


def test_what_is_written_is_what_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refresh, "DIGESTS", tmp_path / "digest.toml")
    now = refresh.digests(OWN)
    refresh.write(now, tmp_path / "digest.toml")
    assert refresh.shipped() == now
