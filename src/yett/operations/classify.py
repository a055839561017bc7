"""The one way from a request on an HTTP wire to its Operations."""

from __future__ import annotations

from functools import lru_cache

from yett.model.errors import Unreadable
from yett.model.http import HttpRequest
from yett.model.identity import Session
from yett.operations.classified import Classified
from yett.operations.git import NOTHING_KNOWN, GitKnowledge, classify_git
from yett.operations.graphql import classify_graphql
from yett.operations.http import OVERRIDES, classify_http
from yett.operations.rest import classify_rest, is_upgrade
from yett.providers.book import ProviderBook
from yett.providers.room import Room, Wire

# Fields that change what a request without a body does, or how it is read.
_TELLING = OVERRIDES | {"upgrade", "sec-websocket-key", "http2-settings", "content-encoding"}
_BODILESS = frozenset({"GET", "HEAD"})
LONGEST_KEPT = 512
"""Characters of a path and query that are remembered: agents choose them, and could fill the memory."""


def classify(
    request: HttpRequest, book: ProviderBook, session: Session, git: GitKnowledge = NOTHING_KNOWN
) -> Classified:
    """Turn a request into what it would do, and the form in which it must leave. Pure.

    `session` is whose request it is; nothing that is read here depends on it, so that one request means one thing.

    Raises:
        Unreadable: bytes that cannot be turned into operations with certainty; on a governed route that is a refusal.
    """
    room = book.room(request.host)
    if room is None:
        return classify_git(request, git) or classify_http(request)
    if room.wire is not Wire.GRAPHQL and _is_plain(request):
        return _plain(room, request.method, request.host, request.path, request.query)
    if any(name in OVERRIDES for name, _ in request.headers):
        raise Unreadable("A header overrides the method", "Send the method that you mean.")
    return _governed(request, room)


def _is_plain(request: HttpRequest) -> bool:
    """Whether method, host, path and query say everything: no body, no telling field."""
    if request.method not in _BODILESS or request.body != b"" or len(request.path) + len(request.query) > LONGEST_KEPT:
        return False
    return _TELLING.isdisjoint([name for name, _ in request.headers])


@lru_cache(maxsize=1024)
def _plain(room: Room, method: str, host: str, path: str, query: str) -> Classified:
    return _governed(HttpRequest(method, "https", host, 443, path, query, ()), room)


def _governed(request: HttpRequest, room: Room) -> Classified:
    if room.wire is Wire.GRAPHQL and request.path in room.paths and not is_upgrade(request):
        return classify_graphql(request, room)
    return classify_rest(request, room)
