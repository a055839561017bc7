"""Every bypass form of the corpus is judged as what it does, or refused."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from yett.model.errors import Unreadable
from yett.model.operation import Governed, Operation
from yett.operations.classify import classify
from yett.providers.book import ProviderBook

from .conftest import JSON, RAILWAY, SESSION, request

Case = dict[str, Any]
CASES: list[Case] = [
    case
    for path in sorted((Path(__file__).parent / "corpus").glob("*.toml"))
    for case in tomllib.loads(path.read_text())["case"]
]
KNOWN_KEYS = {
    "name", "document", "variables", "operation", "body", "method", "host", "path", "query", "headers",
    "expect", "refused", "leaves_without",
}  # fmt: skip


def sent(case: Case) -> bytes:
    if "document" not in case:
        return str(case.get("body", "")).encode("utf-8")
    given = {"query": case["document"], "variables": case.get("variables"), "operationName": case.get("operation")}
    return json.dumps({key: value for key, value in given.items() if value is not None}).encode()


def in_short(operation: Operation) -> str:
    resources = operation.target.resources if isinstance(operation.target, Governed) else ()
    return " ".join((operation.action, operation.effect.value, *(f"{r.kind}:{r.id}" for r in resources)))


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_a_request_is_judged_as_what_it_could_do(case: Case, book: ProviderBook) -> None:
    assert not case.keys() - KNOWN_KEYS
    asked = request(
        method=case.get("method", "POST"),
        host=case.get("host", RAILWAY),
        path=case.get("path", "/graphql/v2"),
        query=case.get("query", ""),
        headers=tuple((name, value) for name, value in case["headers"]) if "headers" in case else (JSON,),
        body=sent(case),
    )
    if "refused" in case:
        with pytest.raises(Unreadable, match=case["refused"]):
            classify(asked, book, SESSION)
        return
    found = classify(asked, book, SESSION)
    assert [in_short(operation) for operation in found.operations] == case["expect"]
    if "leaves_without" in case:
        assert found.body is not None
        assert case["leaves_without"].encode() not in found.body


GRAPHQL = [case for case in CASES if "expect" in case and case.get("host", RAILWAY) == RAILWAY and "path" not in case]


@pytest.mark.parametrize("case", GRAPHQL, ids=[case["name"] for case in GRAPHQL])
def test_what_leaves_means_what_was_judged(case: Case, book: ProviderBook) -> None:
    """Printed anew, read again: the same operations, and nothing left to print differently."""
    headers = tuple((name, value) for name, value in case["headers"]) if "headers" in case else (JSON,)
    method = case.get("method", "POST")
    first = classify(request(method, query=case.get("query", ""), headers=headers, body=sent(case)), book, SESSION)
    body = sent(case) if first.body is None else first.body
    again = classify(request(method, query=first.query, headers=headers, body=body), book, SESSION)
    assert again == first


def test_the_corpus_has_a_case_of_each_kind() -> None:
    assert len(CASES) >= 100
    assert all(("expect" in case) != ("refused" in case) for case in CASES)
