"""Governed hosts by their route tables: registries, model APIs, and a provider made for the test."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from yett.model.effects import Effect, Recovery
from yett.model.errors import Unreadable
from yett.model.operation import UNKNOWN_COST, Governed
from yett.model.resource import ResourceRef
from yett.operations.classified import Classified
from yett.operations.classify import classify
from yett.providers.book import ProviderBook

from .conftest import JSON, RAILWAY, SESSION, request

Classifier = Callable[..., Classified]
PROVIDER = 'title = "Stones"\nwire = "rest"\nhosts = ["api.stones.example.com"]\n'
ROUTES = """
[[route]]
methods = ["DELETE"]
path = "/v1/stones/{stone}"
action = "stoneDelete"
effect = "delete"
recovery = "none"
on = ["stone:stone"]

[[route]]
methods = ["POST"]
path = "/v1/stones"
action = "stonesMove"
effect = "write"
recovery = "automatic"
on = ["stone:body.ids"]
worse = [{ argument = "body.crush", effect = "delete", recovery = "none" }]

[[route]]
methods = ["GET"]
path = "/v1/stones"
action = "stones"
effect = "read"
on = ["quarry:query.quarry"]
"""


@pytest.fixture
def stones(tmp_path: Path) -> Classifier:
    """Classify a request to a provider of three routes."""
    (tmp_path / "stones").mkdir()
    (tmp_path / "stones" / "provider.toml").write_text(PROVIDER)
    (tmp_path / "stones" / "operations.toml").write_text(ROUTES)
    book = ProviderBook.load(tmp_path)

    def work(method: str, path: str, **parts: object) -> Classified:
        asked = request(method, "api.stones.example.com", path, **parts)  # type: ignore[arg-type]  # the test's own keywords
        return classify(asked, book, SESSION)

    return work


def test_a_path_parameter_names_the_resource(stones: Classifier) -> None:
    found = stones("DELETE", "/v1/stones/s-7")
    assert found.operations[0].target == Governed("stones", (ResourceRef("stones", "stone", "s-7"),))
    assert found.summary == "Stones: stoneDelete (DELETE api.stones.example.com/v1/stones/s-7)"


def test_a_body_that_decides_is_read_strictly_and_leaves_as_it_was_read(stones: Classifier) -> None:
    found = stones("POST", "/v1/stones", body=b'{ "ids": ["a", "b"] }')
    assert found.body == b'{"ids":["a","b"]}'
    assert [ref.id for ref in found.operations[0].target.resources] == ["a", "b"]  # type: ignore[union-attr]
    with pytest.raises(Unreadable, match="key twice"):
        stones("POST", "/v1/stones", body=b'{"ids":["a"],"ids":["b"]}')


def test_an_argument_can_make_a_write_a_delete(stones: Classifier) -> None:
    crushed = stones("POST", "/v1/stones", body=b'{"ids":["a","b"],"crush":true}').operations[0]
    assert (crushed.effect, crushed.recovery, crushed.cost.deletes) == (Effect.DELETE, Recovery.NONE, 2)
    spared = stones("POST", "/v1/stones", body=b'{"ids":["a"],"crush":false}').operations[0]
    assert spared.effect is Effect.WRITE


def test_a_query_that_decides_is_read_strictly(stones: Classifier) -> None:
    found = stones("GET", "/v1/stones", query="quarry=q1", headers=())
    assert found.operations[0].target == Governed("stones", (ResourceRef("stones", "quarry", "q1"),))
    with pytest.raises(Unreadable, match="key twice"):
        stones("GET", "/v1/stones", query="quarry=staging&quarry=production", headers=())


def test_a_confirmation_in_the_body_is_noted_and_worth_nothing(stones: Classifier) -> None:
    found = stones("POST", "/v1/stones", body=b'{"ids":["a"],"options":{"force":true}}')
    assert found.confirmations_ignored == ("stonesMove.body.options.force",)
    assert found.operations[0].effect is Effect.WRITE


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PATCH", "/v1/stones/s-7"), ("DELETE", "/v1/stones"), ("DELETE", "/v1/stones/a/b"),
        ("DELETE", "/v1//stones/s"),
        ("DELETE", "/v1/stones/.."), ("DELETE", "/v1/stones/a%2fb"), ("delete", "/v1/stones/s"), ("GET", "/v2/x"),
    ],
)  # fmt: skip
def test_what_no_route_lists_is_unknown(stones: Classifier, method: str, path: str) -> None:
    (operation,) = stones(method, path).operations
    assert (operation.effect, operation.recovery) == (Effect.UNKNOWN, Recovery.UNKNOWN)
    assert operation.target == Governed("stones")
    assert operation.cost.deletes == UNKNOWN_COST


def test_a_get_with_a_body_is_unknown(stones: Classifier) -> None:
    assert stones("GET", "/v1/stones", query="quarry=q", body=b"{}").operations[0].effect is Effect.UNKNOWN


def test_an_upgrade_is_unknown_on_a_listed_path_too(read: Classifier) -> None:
    asked = {"host": "api.anthropic.com", "path": "/v1/models", "method": "GET", "body": b""}
    assert read(**asked, headers=()).operations[0].effect is Effect.READ
    assert read(**asked, headers=(("upgrade", "websocket"),)).operations[0].effect is Effect.UNKNOWN


def test_a_model_call_passes_as_a_placeless_read(read: Classifier) -> None:
    found = read(host="api.anthropic.com", path="/v1/messages", body=b'{"temperature": 0.5}')
    assert found.operations[0].effect is Effect.READ
    assert found.operations[0].target == Governed("anthropic", (), placeless=True)
    assert found.body is None


def test_an_encoded_model_call_leaves_decoded_so_that_it_can_be_scanned(read: Classifier) -> None:
    headers = (JSON, ("content-encoding", "gzip"))
    found = read(host="chatgpt.com", path="/backend-api/codex/responses", headers=headers, body=gzip.compress(b"{}"))
    assert found.body == b"{}"


def test_a_model_call_that_streams_is_refused(read: Classifier) -> None:
    with pytest.raises(Unreadable, match="too large"):
        read(host="api.anthropic.com", path="/v1/messages", body=None)


def test_an_archive_that_is_deployed_may_stream(read: Classifier) -> None:
    found = read(host=RAILWAY, path="/project/p/environment/e/up", query="serviceId=s", headers=(), body=None)
    assert found.bulk
    assert found.operations[0].target == Governed("railway", (ResourceRef("railway", "service_instance", "e/s"),))


REGISTRIES = [room for room in ProviderBook.load().rooms if room.wire == "registry"]


@pytest.mark.parametrize("room", REGISTRIES, ids=[room.name for room in REGISTRIES])
def test_reading_a_registry_passes_and_all_else_waits(read: Classifier, room) -> None:  # type: ignore[no-untyped-def]
    for host in room.hosts:
        fetched = read(method="GET", host=host, path="/@scope%2fname/-/name-1.2.3.tgz", headers=()).operations[0]
        assert (fetched.effect, fetched.target) == (Effect.READ, Governed(room.name, (), placeless=True))
        for method in ("PUT", "POST", "DELETE", "PATCH"):
            published = read(method=method, host=host, path="/name", body=b"x").operations[0]
            assert published.effect in (Effect.ADMIN, Effect.UNKNOWN)
            assert published.target == Governed(room.name)


def test_what_is_published_cannot_be_called_back(read: Classifier) -> None:
    (room,) = (room for room in REGISTRIES if room.name == "npm-packages")
    published = read(method="PUT", host=room.hosts[0], path="/@scope%2fname", body=None).operations[0]
    assert (published.action, published.recovery) == ("npm-packages:publish", Recovery.NONE)


def test_a_question_that_a_registry_takes_by_post_is_a_read(read: Classifier) -> None:
    (room,) = (room for room in REGISTRIES if room.name == "npm-packages")
    asked = read(host=room.hosts[0], path="/-/npm/v1/security/audits/quick", body=b"{}")
    assert asked.operations[0].effect is Effect.READ


def test_an_overridden_method_is_refused_on_every_governed_host(read: Classifier) -> None:
    for host in (RAILWAY, "api.anthropic.com", REGISTRIES[0].hosts[0]):
        with pytest.raises(Unreadable, match="overrides"):
            read(method="GET", host=host, path="/", headers=(("x-http-method", "DELETE"),))
