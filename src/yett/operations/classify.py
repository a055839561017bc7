"""The one way from a request on an HTTP wire to its Operations."""

from __future__ import annotations

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
    if any(name in OVERRIDES for name, _ in request.headers):
        raise Unreadable("A header overrides the method", "Send the method that you mean.")
    return _governed(request, room)


def _governed(request: HttpRequest, room: Room) -> Classified:
    if room.wire is Wire.GRAPHQL and request.path in room.paths and not is_upgrade(request):
        return classify_graphql(request, room)
    return classify_rest(request, room)
