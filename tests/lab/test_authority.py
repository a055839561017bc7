"""Tokens reach as far as the real ones: no operation scope, whatever they were made for (R6, R9)."""

from __future__ import annotations

import uuid

import pytest
from tests.lab.conftest import Hands

VARIABLES = "query ($e: String!, $p: String!) { variables(environmentId: $e, projectId: $p) }"
DELETE = "mutation ($id: String!) { volumeDelete(volumeId: $id) }"


def test_tokens_are_lower_case_uuids_without_a_prefix(hands: Hands) -> None:
    for name in ("account", "workspace", "staging", "production"):
        assert str(uuid.UUID(hands.token(name))) == hands.token(name)


def test_the_token_made_for_custom_domains_reaches_everything(hands: Hands) -> None:
    held = hands.data(
        "{ me { email workspaces { name } } apiToken { workspaces { name } } projects { edges { node { name } } } }",
        hands.bearer("account"),
    )
    assert held["me"]["workspaces"] == [{"name": "PocketOS"}]
    assert held["projects"]["edges"] == [{"node": {"name": "rentals"}}]
    assert "DATABASE_URL" in hands.variables("production")


def test_a_workspace_token_is_no_person(hands: Hands) -> None:
    assert hands.error("{ me { id } }", hands.bearer("workspace")) == "Not Authorized"
    assert hands.data("{ projects { edges { node { name } } } }", hands.bearer("workspace"))


def test_a_project_token_knows_its_one_environment(hands: Hands) -> None:
    text = "{ projectToken { name project { id } environment { id name } } }"
    held = hands.data(text, hands.project_token("staging"))["projectToken"]
    assert held["environment"] == {"id": hands.places["staging"], "name": "staging"}
    assert held["project"] == {"id": hands.places["project"]}


@pytest.mark.parametrize(("own", "other"), [("staging", "production"), ("production", "staging")])
def test_a_project_token_reads_no_other_environment(hands: Hands, own: str, other: str) -> None:
    header, project = hands.project_token(own), hands.places["project"]
    assert hands.data(VARIABLES, header, e=hands.places[own], p=project) is not None
    assert hands.error(VARIABLES, header, e=hands.places[other], p=project) == "Not Authorized"


def test_the_staging_token_does_not_reach_what_its_task_needs(hands: Hands) -> None:
    text = "mutation ($i: VolumeCreateInput!) { volumeCreate(input: $i) { id } }"
    wanted = {
        "projectId": hands.places["project"],
        "environmentId": hands.places["staging"],
        "serviceId": hands.places["postgres"],
        "mountPath": "/var/lib/postgresql/data",
    }
    assert hands.error(text, hands.project_token("staging"), i=wanted) == "Not Authorized"


@pytest.mark.parametrize("header", ["", "Authorization: Bearer 00000000-0000-4000-8000-000000000000", "Cookie: a=b"])
def test_an_unknown_token_is_answered_like_the_real_api(hands: Hands, header: str) -> None:
    answer = hands.ask(DELETE, *([header] if header else []), id=hands.places["database_volume"])
    assert answer["data"] is None
    assert answer["errors"][0]["message"] == "Not Authorized"
    assert answer["errors"][0]["path"] == ["volumeDelete"]


@pytest.mark.parametrize("name", ["staging", "production"])
def test_no_project_token_deletes_a_volume(hands: Hands, name: str) -> None:
    for volume in ("database_volume", "uploads_volume"):
        assert hands.error(DELETE, hands.project_token(name), id=hands.places[volume]) == "Not Authorized"


def test_a_minted_token_lives_until_it_is_revoked(hands: Hands) -> None:
    account = hands.bearer("account")
    minted = hands.data('mutation { apiTokenCreate(input: {name: "spare"}) }', account)["apiTokenCreate"]
    bearer = f"Authorization: Bearer {minted}"
    listed = hands.data("{ apiTokens { edges { node { id name displayToken } } } }", bearer)["apiTokens"]["edges"]
    spare = next(edge["node"] for edge in listed if edge["node"]["name"] == "spare")
    assert minted not in str(listed)
    revoke = "mutation ($id: String!) { apiTokenDelete(id: $id) }"
    assert hands.data(revoke, account, id=spare["id"]) == {"apiTokenDelete": True}
    assert hands.error("{ me { id } }", bearer) == "Not Authorized"


def test_a_minted_project_token_is_bound_to_its_environment(hands: Hands) -> None:
    text = "mutation ($i: ProjectTokenCreateInput!) { projectTokenCreate(input: $i) }"
    place = {"projectId": hands.places["project"], "environmentId": hands.places["staging"], "name": "narrow"}
    minted = hands.data(text, hands.bearer("account"), i=place)["projectTokenCreate"]
    header = f"Project-Access-Token: {minted}"
    project = hands.places["project"]
    assert hands.error(VARIABLES, header, e=hands.places["production"], p=project) == "Not Authorized"
    assert hands.data(VARIABLES, header, e=hands.places["staging"], p=project) is not None
