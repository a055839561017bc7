"""What Railway itself says: where a thing stands, what dies with it, what a token can do. Against a running lab."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from typing import Any

import pytest
from graphql import OperationDefinitionNode, build_schema, parse, validate

from yett.lab.railway.execution import SCHEMA_TEXT
from yett.model.credential import Authority
from yett.model.effects import Effect, Recovery
from yett.model.http import HttpRequest
from yett.model.provider import ApiResponse
from yett.model.resource import Environment, Resource, ResourceRef
from yett.providers.railway import resources, view
from yett.providers.railway.authority import RailwayInspector

from .conftest import LabApi, Railway
from .test_schema import schema

DOCUMENTS = [
    text
    for module in (view, resources)
    for name, text in vars(module).items()
    if name.isupper() and isinstance(text, str) and text.startswith("query")
]


def names(found: Resource) -> set[str]:
    return {environment.name for environment in found.environments}


def test_every_question_is_a_query_that_the_schema_answers() -> None:
    lab = build_schema(SCHEMA_TEXT)
    assert len(DOCUMENTS) >= 12
    for text in DOCUMENTS:
        document = parse(text)
        assert [d.operation.value for d in document.definitions if isinstance(d, OperationDefinitionNode)] == ["query"]
        assert validate(lab, document) == []


def test_every_root_of_a_question_is_in_the_real_schema() -> None:
    found = schema()
    types = {kind["name"]: kind for kind in found["types"]} if found else {}
    known = {field["name"] for field in types["Query"]["fields"]} if found else None
    for text in DOCUMENTS:
        (definition,) = parse(text).definitions
        assert isinstance(definition, OperationDefinitionNode)
        roots = {selection.name.value for selection in definition.selection_set.selections}  # type: ignore[attr-defined]
        assert roots <= (known or roots)


def test_the_environments_are_known_by_their_ids(railway: Railway) -> None:
    found = asyncio.run(RailwayInspector().environments(railway.api, railway.token("account")))
    assert set(found) == {
        Environment("railway", railway.places["production"], "production"),
        Environment("railway", railway.places["staging"], "staging"),
    }


def test_the_production_volume_stands_in_production_with_backups_that_die_with_it(railway: Railway) -> None:
    found = railway.resolve("volume", railway.places["database_volume"])
    assert names(found) == {"production"}
    assert [backup.id for backup in found.backups] == railway.places["backups"]
    assert all(backup.dies_with_resource and backup.size_bytes for backup in found.backups)
    assert found.dependants == ("postgres",)
    assert found.size_bytes
    assert found.parents == (ResourceRef("railway", "project", railway.places["project"]),)


def test_a_volume_that_environments_share_stands_in_each(railway: Railway) -> None:
    assert names(railway.resolve("volume", railway.places["uploads_volume"])) == {"production", "staging"}


def test_a_volume_instance_stands_in_its_own_environment(railway: Railway) -> None:
    found = railway.resolve("volume_instance", railway.places["database_volume_instance"])
    assert names(found) == {"production"}
    assert len(found.backups) == 3


def test_a_service_stands_wherever_it_runs_and_its_instance_in_one_place(railway: Railway) -> None:
    web = railway.places["web"]
    assert names(railway.resolve("service", web)) == {"production", "staging"}
    assert names(railway.resolve("service_instance", railway.places["staging"], web)) == {"staging"}


def test_a_project_stands_in_all_its_environments(railway: Railway) -> None:
    found = railway.resolve("project", railway.places["project"])
    assert names(found) == {"production", "staging"}
    assert set(found.dependants) == {"web", "postgres"}


def test_an_environment_stands_in_itself_with_its_services(railway: Railway) -> None:
    found = railway.resolve("environment", railway.places["staging"])
    assert names(found) == {"staging"}
    assert set(found.dependants) == {"web", "postgres"}


def test_a_custom_domain_stands_where_its_service_does(railway: Railway) -> None:
    found = railway.resolve("custom_domain", railway.places["domain"])
    assert (found.name, names(found), found.dependants) == ("rentals.example", {"production"}, ("web",))


@pytest.mark.parametrize(
    ("kind", "id"),
    [
        ("volume", "00000000-0000-4000-8000-000000000000"),
        ("volume_instance", "00000000-0000-4000-8000-000000000000"),
        ("service", "nothing"),
        ("environment", "../production"),
        ("service_instance", "only-one-id"),
        ("service_instance", "a/b/c"),
        ("custom_domain", "nothing"),
        ("deployment", "nothing"),
        ("volume", ""),
        ("workspace", "any"),
        ("a kind that nobody knows", "x"),
    ],
)
def test_what_cannot_be_seen_stands_nowhere(railway: Railway, kind: str, id: str) -> None:
    """No environment counts as production (law 6)."""
    assert railway.resolve(kind, id) == Resource(ResourceRef("railway", kind, id), "", ())


def test_a_service_of_one_environment_is_not_found_in_another_by_a_made_up_pair(railway: Railway) -> None:
    found = railway.resolve("service_instance", railway.places["staging"], railway.places["staging"])
    assert found.environments == ()


def test_another_environment_s_volume_is_not_seen_with_a_staging_token(railway: Railway) -> None:
    found = railway.resolve("volume_instance", railway.places["database_volume_instance"], token="staging")
    assert found.environments == ()


def test_many_resources_come_back_in_order(railway: Railway) -> None:
    asked = [("volume", "database_volume"), ("environment", "staging"), ("volume", "uploads_volume")]
    refs = tuple(ResourceRef("railway", kind, railway.places[name]) for kind, name in asked)
    found = asyncio.run(RailwayInspector().resolve(railway.api, railway.token("account"), refs))
    assert [one.ref for one in found] == list(refs)


def authority(railway: Railway, token: str) -> Authority:
    return asyncio.run(RailwayInspector().authority(railway.api, railway.token(token)))


def test_the_domain_token_is_found_to_be_the_whole_account(railway: Railway) -> None:
    """The founding incident: made for custom domains, able to delete production's volume with its backups."""
    found = authority(railway, "account")
    assert (found.known, found.kind, found.blanket, found.identity) == (
        True,
        "account token",
        True,
        "jer@pocketos.example",
    )
    (whole,) = [p for p in found.permissions if p.resource.startswith("account:")]
    assert (whole.actions, whole.effect, whole.proof) == ("*", Effect.ADMIN, "me")
    (volume,) = [p for p in found.permissions if p.resource == f"volume:{railway.places['database_volume']}"]
    assert (volume.actions, volume.environment, volume.effect) == ("volumeDelete", "production", Effect.DELETE)
    assert volume.recovery is Recovery.NONE


def test_a_workspace_token_reaches_the_workspace(railway: Railway) -> None:
    found = authority(railway, "workspace")
    assert (found.known, found.kind, found.blanket) == (True, "workspace token", True)
    assert Counter(p.actions for p in found.permissions)["volumeDelete"] == 3


@pytest.mark.parametrize("name", ["staging", "production"])
def test_a_project_token_reaches_one_environment(railway: Railway, name: str) -> None:
    found = authority(railway, name)
    assert (found.known, found.kind, found.blanket) == (True, "project token", False)
    assert {p.environment for p in found.permissions} == {name}
    assert found.permissions[0].resource == f"environment:{railway.places[name]}"


def test_a_token_that_railway_does_not_know_is_unknown_not_harmless(railway: Railway) -> None:
    found = asyncio.run(RailwayInspector().authority(railway.api, "00000000-0000-4000-8000-000000000000"))
    assert found == Authority(known=False, kind="", identity="", blanket=False)


def test_nothing_but_queries_is_ever_asked(railway: Railway) -> None:
    api = LabApi(railway.api.lab)
    inspector, token = RailwayInspector(), railway.token("account")
    refs = tuple(ResourceRef("railway", kind, "x/y") for kind in sorted(resources.KINDS))
    asyncio.run(inspector.resolve(api, token, refs))
    asyncio.run(inspector.authority(api, token))
    assert len(api.asked) > 10
    for body in api.asked:
        for definition in parse(json.loads(body)["query"]).definitions:
            assert isinstance(definition, OperationDefinitionNode)
            assert definition.operation.value == "query"


class CutOff:
    """The lab, but for one list, which says that there is more of it."""

    def __init__(self, api: LabApi, connection: str) -> None:
        self._api = api
        self._connection = connection

    async def send(self, request: HttpRequest) -> ApiResponse:
        answer = await self._api.send(request)
        parsed = json.loads(answer.body, object_hook=self._cut)
        return ApiResponse(answer.status, answer.headers, json.dumps(parsed).encode())

    def _cut(self, found: dict[str, Any]) -> dict[str, Any]:
        if self._connection in found:
            found[self._connection]["pageInfo"]["hasNextPage"] = True
        return found

    def address(self, host: str, port: int) -> tuple[str, int]:
        return (host, port)


@pytest.mark.parametrize(
    ("kind", "place", "connection"),
    [
        ("volume", "uploads_volume", "volumeInstances"),
        ("volume", "uploads_volume", "environments"),
        ("service", "web", "serviceInstances"),
        ("service", "web", "environments"),
        ("project", "project", "environments"),
    ],
)
def test_a_list_that_is_cut_off_could_hide_production(railway: Railway, kind: str, place: str, connection: str) -> None:
    ref = ResourceRef("railway", kind, railway.places[place])
    api = CutOff(railway.api, connection)
    (found,) = asyncio.run(RailwayInspector().resolve(api, railway.token("account"), (ref,)))
    assert found.environments == ()
