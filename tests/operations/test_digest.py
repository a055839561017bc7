"""The digest of a request: equal for a re-send, different for anything that could do something else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from yett.model.http import HttpRequest
from yett.operations.classify import classify
from yett.operations.digest import canonical_request, request_digest
from yett.providers.book import ProviderBook

from .conftest import JSON, SESSION, request

BODY = b'{"query":"mutation { volumeDelete(volumeId: \\"x\\") }"}'
POST = request(body=BODY, headers=(JSON, ("authorization", "Bearer yett_ph_1")))
ELSEWHERE = request(host="api.example.com", body=b"{}", headers=(JSON, ("authorization", "Bearer a")))


def digest(asked: HttpRequest, book: ProviderBook) -> str:
    return request_digest(asked, classify(asked, book, SESSION))


def plus(asked: HttpRequest, name: str, value: str) -> HttpRequest:
    return replace(asked, headers=(*asked.headers, (name, value)))


@pytest.mark.parametrize(
    "name",
    ["date", "user-agent", "traceparent", "x-request-id", "x-stainless-retry-count", "accept-encoding",
     "content-length", "idempotency-key", "sec-fetch-mode"],
)  # fmt: skip
def test_a_volatile_header_changes_nothing(book: ProviderBook, name: str) -> None:
    for asked in (POST, ELSEWHERE):
        assert digest(plus(asked, name, "1"), book) == digest(asked, book)


def test_the_spelling_of_the_json_changes_nothing(book: ProviderBook) -> None:
    spaced = replace(POST, body=b'{ "query" : "mutation{volumeDelete(volumeId:\\"x\\")}" }')
    assert digest(spaced, book) == digest(POST, book)


def test_the_order_of_headers_changes_nothing(book: ProviderBook) -> None:
    asked = plus(plus(POST, "x-a", "1"), "x-b", "2")
    assert digest(replace(asked, headers=asked.headers[::-1]), book) == digest(asked, book)


def test_every_part_that_acts_counts(book: ProviderBook) -> None:
    others = [
        replace(POST, body=BODY.replace(b"x", b"y")),
        replace(POST, host="backboard.railway.com"),
        replace(POST, path="/graphql/internal"),
        replace(POST, port=8443),
        plus(POST, "if-match", "1"),
        replace(ELSEWHERE, method="PUT"),
        replace(ELSEWHERE, query="a=b"),
        replace(ELSEWHERE, body=b"[]"),
        ELSEWHERE,
    ]
    assert len({digest(asked, book) for asked in [POST, *others]}) == len(others) + 1


def test_a_credential_is_out_where_only_a_placeholder_can_stand(book: ProviderBook) -> None:
    other = replace(POST, headers=(JSON, ("project-access-token", "yett_ph_2")))
    assert digest(other, book) == digest(POST, book)
    assert b"yett_ph" not in canonical_request(POST, classify(POST, book, SESSION))


def test_elsewhere_another_credential_is_another_request_and_is_not_kept(book: ProviderBook) -> None:
    other = replace(ELSEWHERE, headers=(JSON, ("authorization", "Bearer b")))
    assert digest(other, book) != digest(ELSEWHERE, book)
    assert b"Bearer" not in canonical_request(ELSEWHERE, classify(ELSEWHERE, book, SESSION))
