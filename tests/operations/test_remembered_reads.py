"""A read that is classified from memory means what it means when it is read anew."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from yett.model.errors import Unreadable
from yett.model.http import HttpRequest
from yett.operations import classify as subject
from yett.operations.classified import Classified
from yett.providers.book import ProviderBook

BOOK = ProviderBook.load()
HOSTS = st.sampled_from(sorted(host for room in BOOK.rooms for host in room.hosts))
PATHS = st.sampled_from(["/", "/graphql/v2", "/v1/models/claude", "/v1/messages", "/user", "/repos/a/b", "/a%20b"])
QUERIES = st.sampled_from(["", "page=2", "a=1&a=2", "query={me{id}}", "x=%zz", "force=true"])
FIELDS = st.sampled_from(
    [("accept", "*/*"), ("upgrade", "h2c"), ("content-encoding", "gzip"), ("x-http-method-override", "DELETE")]
)
METHODS = st.sampled_from(["GET", "HEAD", "POST", "OPTIONS", "DELETE"])
BODIES = st.sampled_from([b"", b"{}", None])


def read(request: HttpRequest) -> Classified | str:
    try:
        return subject.classify(request, BOOK, None)  # type: ignore[arg-type]  # nothing that is read depends on it
    except Unreadable as error:
        return error.what


def anew(request: HttpRequest) -> Classified | str:
    room = BOOK.room(request.host)
    assert room is not None
    if any(name in subject.OVERRIDES for name, _ in request.headers):
        return "A header overrides the method"
    try:
        return subject._governed(request, room)
    except Unreadable as error:
        return error.what


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(METHODS, HOSTS, PATHS, QUERIES, st.lists(FIELDS, max_size=2, unique=True), BODIES)
def test_memory_changes_no_meaning(
    method: str, host: str, path: str, query: str, headers: list[tuple[str, str]], body: bytes | None
) -> None:
    request = HttpRequest(method, "https", host, 443, path, query, tuple(headers), body)
    assert read(request) == read(request) == anew(request)


def test_the_same_read_gives_the_same_object_and_a_write_never_does() -> None:
    def one(method: str) -> HttpRequest:
        return HttpRequest(method, "https", "api.anthropic.com", 443, "/v1/models/x", "", (("accept", "*/*"),), b"")

    assert subject.classify(one("GET"), BOOK, None) is subject.classify(one("GET"), BOOK, None)  # type: ignore[arg-type]
    assert subject.classify(one("POST"), BOOK, None) is not subject.classify(one("POST"), BOOK, None)  # type: ignore[arg-type]
