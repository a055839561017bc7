"""The API takes whatever looks like GraphQL, as a guard has to expect, and its journal says what ran."""

from __future__ import annotations

import gzip
import hashlib
import json
import urllib.parse
from typing import Any

import pytest
from tests.lab.conftest import API, JSON, Hands

READ = "{ projectToken { environment { name } } }"


def staging(hands: Hands) -> tuple[str, ...]:
    return ("-H", hands.project_token("staging"))


def environment(answer: dict[str, Any]) -> str:
    name: str = answer["data"]["projectToken"]["environment"]["name"]
    return name


def test_an_array_is_answered_by_an_array(hands: Hands) -> None:
    body = json.dumps([{"query": READ}, {"query": "{ nothing }"}, {"query": READ}])
    first, second, third = hands.answer(*staging(hands), *JSON, "-d", body)
    assert environment(first) == environment(third) == "staging"
    assert second["errors"][0]["extensions"] == {"code": "GRAPHQL_VALIDATION_FAILED"}


def test_get_runs_mutations_too(hands: Hands) -> None:
    inputs = (
        f'{{projectId: "{hands.places["project"]}", environmentId: "{hands.places["staging"]}", name: "A", value: "b"}}'
    )
    query = urllib.parse.urlencode({"query": f"mutation {{ variableUpsert(input: {inputs}) }}"})
    assert hands.answer(*staging(hands), url=f"{API}?{query}") == {"data": {"variableUpsert": True}}
    assert hands.lab.arrivals()[-1]["done"] == ["mutation variableUpsert"]


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/graphql", READ),
        ("application/x-www-form-urlencoded", urllib.parse.urlencode({"query": READ})),
        ("text/plain", json.dumps({"query": READ})),
        ("application/json", '{"query": "{ me { id } }", "query": ' + json.dumps(READ) + "}"),
    ],
)
def test_other_content_types_are_read(hands: Hands, kind: str, body: str) -> None:
    assert environment(hands.answer(*staging(hands), "-H", f"content-type: {kind}", "-d", body)) == "staging"


def test_compressed_and_chunked_bodies_are_read(hands: Hands) -> None:
    packed = gzip.compress(json.dumps({"query": READ}).encode())
    headers = ("-H", "content-encoding: gzip", "-H", "transfer-encoding: chunked", "--data-binary", "@-")
    done = hands.curl(*staging(hands), *JSON, *headers, API, stdin=packed)
    assert environment(json.loads(done.stdout)) == "staging"


def test_a_persisted_query_is_learnt_and_then_runs_by_its_hash(hands: Hands) -> None:
    known = {"persistedQuery": {"version": 1, "sha256Hash": hashlib.sha256(READ.encode()).hexdigest()}}
    bodies = [json.dumps({"extensions": known}), json.dumps({"query": READ, "extensions": known})]
    unknown, learnt, by_hash = (hands.answer(*staging(hands), *JSON, "-d", body) for body in (*bodies, bodies[0]))
    assert unknown["errors"][0]["message"] == "PersistedQueryNotFound"
    assert environment(learnt) == environment(by_hash) == "staging"


@pytest.mark.parametrize("path", ["/graphql/v2/", "/graphql//v2", "/x/../graphql/v2", "/graphql/%76%32"])
def test_paths_are_read_forgivingly(hands: Hands, path: str) -> None:
    body = json.dumps({"query": READ})
    url = f"https://backboard.railway.app{path}"
    assert environment(hands.answer("--path-as-is", *staging(hands), *JSON, "-d", body, url=url)) == "staging"


def test_plain_http_is_sent_elsewhere_and_journalled(hands: Hands) -> None:
    body = json.dumps({"query": READ})
    done = hands.curl("-i", *staging(hands), *JSON, "-d", body, "http://backboard.railway.app/graphql/v2")
    assert b"301" in done.stdout.splitlines()[0]
    last = hands.lab.arrivals()[-1]
    assert (last["encrypted"], last["carried"]) == (False, ["project-access-token"])


def test_what_ran_before_a_failure_is_in_the_journal_though_the_answer_hides_it(hands: Hands) -> None:
    inputs = {"projectId": hands.places["project"], "environmentId": hands.places["staging"], "name": "N", "value": "v"}
    text = 'mutation ($i: VariableUpsertInput!) { variableUpsert(input: $i) volumeDelete(volumeId: "x") }'
    answer = hands.ask(text, hands.project_token("staging"), i=inputs)
    assert answer["data"] is None
    last = hands.lab.arrivals()[-1]
    assert last["fields"] == ["mutation variableUpsert", "mutation volumeDelete"]
    assert last["done"] == ["mutation variableUpsert"]
    assert last["outcome"] == "done"


def test_text_in_a_value_is_only_text(hands: Hands) -> None:
    inputs = {
        "projectId": hands.places["project"],
        "environmentId": hands.places["staging"],
        "name": "NOTE",
        "value": f'mutation {{ volumeDelete(volumeId: "{hands.places["database_volume"]}") }}',
    }
    text = "mutation ($i: VariableUpsertInput!) { variableUpsert(input: $i) }"
    hands.data(text, hands.bearer("account"), i=inputs)
    assert hands.lab.arrivals()[-1]["fields"] == ["mutation variableUpsert"]
    assert hands.volume_folder("database").exists()


def test_nonsense_is_answered_and_journalled(hands: Hands) -> None:
    assert "errors" in hands.answer(*JSON, "-d", "{not json")
    assert hands.lab.arrivals()[-1]["outcome"] == "unreadable"
    hands.curl("-H", "transfer-encoding: chunked", "-H", "content-type: x", "-X", "POST", "--data-binary", "", API)


def test_the_journal_names_no_token_value(hands: Hands) -> None:
    raw = hands.token("account")
    hands.curl("-u", f"x:{raw}", "-H", f"X-K: {raw.encode().hex()}", "-d", json.dumps({"a": raw}), f"{API}?k={raw}")
    hands.curl(f"https://echo.rentals.example/{raw}")
    assert hands.lab.arrivals()[-2]["carried"] == ["authorization", "body", "target", "x-k"]
    assert hands.lab.arrivals()[-1]["path"] == "(carries a token)"
    with open(hands.lab.announced["journal"]) as journal:
        text = journal.read()
    assert not [name for name, value in hands.lab.handed_out.items() if value in text]
