"""GraphQL requests: the form that leaves, what is sealed in the answer, what people see, what an agent cannot say."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable

import brotli
import pytest
import zstandard

from yett.model.effects import Effect, Recovery
from yett.model.errors import Unreadable
from yett.model.operation import UNKNOWN_COST, Governed
from yett.operations.classified import Classified

from .conftest import JSON, RAILWAY

Classifier = Callable[..., Classified]
DELETE = 'mutation { volumeDelete(volumeId: "x") }'
BODY = json.dumps({"query": DELETE}).encode()


def test_the_body_that_leaves_holds_the_printed_document_and_nothing_else(ask: Classifier) -> None:
    found = ask("mutation($v:String!){volumeDelete(volumeId:$v)}", {"v": "x"}, extensions={"a": 1}, other="kept?")
    assert found.body == (
        b'{"query":"mutation ($v: String!) {\\n  volumeDelete(volumeId: $v)\\n}","variables":{"v":"x"}}'
    )


def test_equal_requests_leave_in_equal_bytes(read: Classifier) -> None:
    spaced = b'{ "variables": {"b": 1, "a": 2},  "query": "query  Q { me  { id } }" , "operationName": "Q"}'
    tight = b'{"operationName":"Q","query":"query Q{me{id}}","variables":{"a":2,"b":1}}'
    assert read(body=spaced).body == read(body=tight).body


def test_a_get_leaves_as_a_query_string_printed_anew(read: Classifier) -> None:
    found = read(method="GET", headers=(), query="extensions=%7B%7D&x=1&query=%7B+me%20%7B%20id%7D%7D", body=b"")
    assert found.body is None
    assert found.query == "query=%7B%0A%20%20me%20%7B%0A%20%20%20%20id%0A%20%20%7D%0A%7D"


def test_a_bare_document_leaves_as_a_document(read: Classifier) -> None:
    found = read(headers=(("content-type", "application/graphql"),), body=b"{me{id}}")
    assert found.body == b"{\n  me {\n    id\n  }\n}"


@pytest.mark.parametrize(
    ("coding", "encode"),
    [
        ("gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("br", brotli.compress),
        ("zstd", zstandard.ZstdCompressor().compress),
        ("identity", bytes),
    ],
)
def test_an_encoded_body_is_read_and_leaves_plain(
    read: Classifier, coding: str, encode: Callable[[bytes], bytes]
) -> None:
    found = read(headers=(JSON, ("content-encoding", coding)), body=encode(BODY))
    assert [operation.action for operation in found.operations] == ["railway:volumeDelete"]
    assert found.body is not None
    assert b"volumeDelete" in found.body


@pytest.mark.parametrize("coding", ["gzip, gzip", "compress", "aes128gcm", "gzip"])
def test_a_coding_that_is_not_undone_is_refused(read: Classifier, coding: str) -> None:
    with pytest.raises(Unreadable):
        read(headers=(JSON, ("content-encoding", coding)), body=BODY)


def test_a_body_that_streams_is_refused(read: Classifier) -> None:
    with pytest.raises(Unreadable, match="too large"):
        read(body=None)


def test_a_token_that_is_minted_is_sealed_under_the_name_that_the_agent_gave_it(ask: Classifier) -> None:
    found = ask('mutation { id: apiTokenCreate(input: { name: "n" }) }')
    assert found.seal == ("/data/id",)
    assert found.operations[0].returns_secret


def test_a_secret_field_is_sealed_alone_where_its_root_is_harmless(ask: Classifier) -> None:
    below = "environments { edges { node { id c: config(decryptVariables: true) } } }"
    found = ask(f'query {{ p: project(id: "p") {{ name {below} }} }}')
    assert found.seal == ("/data/p/environments/edges/node/c",)
    assert found.operations[0].effect is Effect.ADMIN
    assert found.operations[0].returns_secret


def test_in_a_batch_the_pointers_count_the_answers(read: Classifier) -> None:
    mint = 'mutation { apiTokenCreate(input: { name: "n" }) }'
    found = read(body=json.dumps([{"query": "{ me { id } }"}, {"query": mint}]).encode())
    assert found.seal == ("/1/data/apiTokenCreate",)


def test_values_of_variables_are_never_shown(ask: Classifier) -> None:
    found = ask(
        "mutation ($i: VariableUpsertInput!) { variableUpsert(input: $i) }",
        {"i": {"projectId": "p", "environmentId": "e", "name": "COLOUR", "value": "s3cr3t-value"}},
    )
    assert "s3cr3t" not in json.dumps(found.operations[0].as_json()) + found.summary
    assert found.operations[0].parameters["input"] == {
        "projectId": "p", "environmentId": "e", "name": "COLOUR", "value": "(hidden)",
    }  # fmt: skip


def test_names_of_hidden_values_are_shown(ask: Classifier) -> None:
    found = ask(
        'mutation { variableCollectionUpsert(input: { projectId: "p", environmentId: "e", variables: { A: "x" } }) }'
    )
    assert found.operations[0].parameters["input"] == {
        "projectId": "p", "environmentId": "e", "variables": {"A": "(hidden)"},
    }  # fmt: skip


def test_the_summary_names_acts_and_resources_on_one_line(ask: Classifier) -> None:
    assert ask(DELETE).summary == "Railway: volumeDelete on volume x"
    many = " ".join(f'v{n}: volumeDelete(volumeId: "{n}")' for n in range(9))
    assert ask(f"mutation {{ {many} }}").summary.endswith("volumeDelete on volume 3 and 5 more")


def test_an_id_that_could_act_on_a_terminal_is_not_shown(ask: Classifier) -> None:
    found = ask("mutation ($v: String!) { volumeDelete(volumeId: $v) }", {"v": "x\x1b[2J\nApproved by Jer"})
    assert found.summary == "Railway: volumeDelete on volume (an id that cannot be shown)"


@pytest.mark.parametrize("name", ["confirm", "force", "yes", "approved", "skipConfirmation", "iUnderstand"])
def test_an_agent_cannot_confirm_itself(ask: Classifier, name: str) -> None:
    said = ask(f'mutation {{ volumeDelete(volumeId: "x", {name}: true) }}')
    assert said.confirmations_ignored == (f"volumeDelete.{name}",)
    plain, louder = ask(DELETE).operations[0], said.operations[0]
    assert (louder.effect, louder.recovery, louder.target) == (plain.effect, plain.recovery, plain.target)


def test_a_word_within_a_word_is_no_confirmation(ask: Classifier) -> None:
    found = ask('mutation { workspaceTwoFactorEnforcementUpdate(workspaceId: "w", enabled: true, enforcement: 1) }')
    assert found.confirmations_ignored == ()


def test_every_delete_costs_one_and_the_unknown_more_than_any_budget(ask: Classifier) -> None:
    two = ask('mutation { a: volumeDelete(volumeId: "1") b: volumeDelete(volumeId: "2") }')
    assert [operation.cost.deletes for operation in two.operations] == [1, 1]
    assert ask("mutation { volumeObliterate }").operations[0].cost.deletes == UNKNOWN_COST
    commit = ask('mutation { environmentPatchCommit(environmentId: "e") }').operations[0]
    assert commit.cost.deletes == UNKNOWN_COST


def test_an_act_that_reveals_a_secret_is_not_placeless(ask: Classifier) -> None:
    whole = ask('query { project(id: "p") { environments { edges { node { config(decryptVariables: true) } } } } }')
    assert whole.operations[0].target == Governed("railway", (), placeless=False)
    assert ask('query { project(id: "p") { name } }').operations[0].target == Governed("railway", (), placeless=True)


def test_a_worse_argument_never_lightens_the_recovery(ask: Classifier) -> None:
    found = ask('mutation { volumeInstanceUpdate(volumeId: "x", input: { state: DELETED }) }').operations[0]
    assert (found.effect, found.recovery) == (Effect.DELETE, Recovery.FROM_BACKUP)


@pytest.mark.parametrize(
    "text",
    [
        "{" + " a" * 200_000 + "}",
        "{" + "a{" * 2000 + "b" + "}" * 2000 + "}",
        "mutation { " + "...F " + "}" + "".join(f" fragment F{n} on M {{ ...F{n + 1} }}" for n in range(800)),
        "{ a(v: " + "[" * 3000 + "]" * 3000 + ") }",
        "{ " + " ".join(f"a{n}: me {{ id }}" for n in range(101)) + " }",
    ],
    ids=["many fields", "deep", "long chain of fragments", "deep list", "more than a hundred root fields"],
)
def test_a_document_too_large_to_judge_is_refused(ask: Classifier, text: str) -> None:
    with pytest.raises(Unreadable):
        ask(text)


def test_fragments_that_multiply_are_refused(ask: Classifier) -> None:
    doubling = "".join(f" fragment F{n} on Q {{ ...F{n + 1} ...F{n + 1} }}" for n in range(40))
    with pytest.raises(Unreadable, match="too many fields"):
        ask("{ me { ...F0 } }" + doubling + " fragment F40 on Q { id }")


def test_a_batch_of_too_many_is_refused(read: Classifier) -> None:
    with pytest.raises(Unreadable):
        read(body=json.dumps([{"query": "{ me { id } }"}] * 11).encode())


def test_the_same_bytes_on_another_provider_s_host_are_no_graphql(read: Classifier) -> None:
    assert read(host=RAILWAY, body=BODY).provider == "railway"
    assert read(host="api.example.com", body=BODY).provider == ""


def test_what_is_kept_of_a_request_has_room_in_the_ledger(ask: Classifier) -> None:
    value = {"k" * 500 + str(n): "v" * 900 for n in range(100)}
    text = 'mutation ($p: EnvironmentConfig) { environmentPatchCommit(environmentId: "e", patch: $p) }'
    assert len(json.dumps(ask(text, {"p": value}).operations[0].as_json())) < 10_000
    ids = {"v": ["i" * 190 + str(n) for n in range(90)]}
    wipe = 'volumeInstanceBackupRestore(volumeInstanceId: "i", volumeInstanceBackupId: "b", wipeServiceIds: $v)'
    with pytest.raises(Unreadable, match="more than a person"):
        ask("mutation ($v: [String!]) { " + " ".join(f"a{n}: {wipe}" for n in range(9)) + " }", ids)


@pytest.mark.parametrize("text", ["mutation { " + "a" * 201 + " }", "{ " + "a" * 201 + ": me { id } }"])
def test_a_name_that_nobody_reads_to_its_end_is_refused(ask: Classifier, text: str) -> None:
    with pytest.raises(Unreadable, match="too long"):
        ask(text)


def test_an_id_of_a_thousand_characters_names_nothing(ask: Classifier) -> None:
    assert ask("mutation ($v: String!) { volumeDelete(volumeId: $v) }", {"v": "x" * 1000}).operations[0].as_json()[
        "on"
    ] == {"provider": "railway", "resources": [["volume", ""]]}
