"""Hosts that no provider names: what counts as reading, what it costs, what people see."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from yett.model.effects import Effect, Recovery
from yett.model.operation import UNKNOWN_COST, Host
from yett.operations.classified import Classified

Classifier = Callable[..., Classified]


@pytest.fixture
def get(read: Classifier) -> Classifier:
    def work(path: str = "/", query: str = "", **parts: object) -> Classified:
        given = {"method": "GET", "host": "files.example.com", "headers": (), **parts}
        return read(path=path, query=query, **given)

    return work


def test_a_read_leaves_as_it_came(get: Classifier) -> None:
    found = get("/a/b", "c=d%2")
    assert (found.body, found.query, found.provider, found.bulk) == (None, "c=d%2", "", False)
    assert found.operations[0].target == Host("files.example.com")


def test_a_read_with_an_announced_empty_body_is_a_read(get: Classifier) -> None:
    assert get(headers=(("content-length", "0"),)).operations[0].effect is Effect.READ


def test_a_get_whose_body_streams_is_no_read(get: Classifier) -> None:
    assert get(body=None).operations[0].effect is Effect.UNKNOWN


def test_a_write_costs_its_bytes(get: Classifier) -> None:
    assert get(method="POST", body=b"x" * 70).operations[0].cost.bytes == 70
    assert get(method="POST", body=None, headers=(("content-length", "80"),)).operations[0].cost.bytes == 80
    assert get(method="POST", body=None).operations[0].cost.bytes == UNKNOWN_COST


def test_nothing_here_is_irreversible_by_itself_so_that_a_person_can_still_say_yes(get: Classifier) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE", "PURGE"):
        assert get(method=method).operations[0].recovery is not Recovery.NONE


@pytest.mark.parametrize(
    ("path", "seen"),
    [
        ("/v1/things", "/v1/things"),
        ("/services/T01/B02/QmFzZTY0c2VjcmV0VmFsdWU1", "/services/T01/B02/(hidden)"),
        ("/3d2c42fb-0d5a-4c8e-9a53-2f6f2c3f7a10", "/3d2c42fb-0d5a-4c8e-9a53-2f6f2c3f7a10"),
        ("/a\x1b[2Jb", "/a?[2Jb"),
        ("/" + "long-words-without-figures" * 9, "/" + ("long-words-without-figures" * 9)[:116] + "..."),
    ],
)
def test_what_may_be_a_capability_is_not_shown(get: Classifier, path: str, seen: str) -> None:
    assert get(path).summary == f"GET files.example.com{seen}"


def test_the_query_is_never_shown(get: Classifier) -> None:
    assert "token" not in get("/a", "token=abc").summary
