"""A book, a session, and a request: what every test of this room starts from."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from yett.model.http import Headers, HttpRequest
from yett.model.identity import Principal, Session, Task
from yett.operations.classified import Classified
from yett.operations.classify import classify
from yett.operations.git import NOTHING_KNOWN, GitKnowledge
from yett.providers.book import ProviderBook

RAILWAY = "backboard.railway.app"
JSON = ("content-type", "application/json")
SESSION = Session(
    id="s-1",
    principal=Principal("dev/claude", "jer", "claude"),
    task=Task("t-1", "mend the staging database", "staging", False, 0.0, 1.0),
    workspace="/workspace",
)


def request(
    method: str = "POST",
    host: str = RAILWAY,
    path: str = "/graphql/v2",
    query: str = "",
    headers: Headers = (JSON,),
    body: bytes | None = b"",
) -> HttpRequest:
    return HttpRequest(method, "https", host, 443, path, query, headers, body)


@pytest.fixture(scope="session")
def book() -> ProviderBook:
    return ProviderBook.load()


Classifier = Callable[..., Classified]


@pytest.fixture
def read(book: ProviderBook) -> Classifier:
    """Classify a request made of keyword arguments."""

    def work(git: GitKnowledge = NOTHING_KNOWN, **parts: object) -> Classified:
        return classify(request(**parts), book, SESSION, git)  # type: ignore[arg-type]  # the test's own keywords

    return work


@pytest.fixture
def ask(read: Classifier) -> Classifier:
    """Classify a GraphQL document POSTed to Railway, with its variables and other keys."""

    def work(text: str, variables: object = None, **keys: object) -> Classified:
        given = {"query": text, "variables": variables, **keys}
        return read(body=json.dumps({k: v for k, v in given.items() if v is not None}).encode())

    return work
