"""HTTP on a governed host: the provider's route table says what a method on a path does; what it lacks is unknown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from yett.model.canonical import Json
from yett.model.errors import Unreadable
from yett.model.http import HttpRequest
from yett.model.operation import Operation
from yett.operations import acts, shown, strict_json
from yett.operations.classified import Classified
from yett.operations.coding import payload, single
from yett.operations.confirmations import confirmations
from yett.operations.query_string import parse_query
from yett.providers.actions import Action, Route
from yett.providers.room import Room, Wire

WIRE = "http"
UPGRADE = "upgrade"
_QUERY, _BODY = "query", "body"
_BODILESS = frozenset({"GET", "HEAD", "OPTIONS"})


def classify_rest(request: HttpRequest, room: Room) -> Classified:
    """Read a request to a governed host that is no GraphQL endpoint.

    A body is parsed only where the act's judgement rests on it, and then leaves as it was read; otherwise it leaves
    without its content coding, so that what was scanned is what goes.

    Raises:
        Unreadable: the query or body that decides has more than one reading, or the body cannot be decoded.
    """
    route, parameters = _route(request, room)
    if route is None:
        return _classified(
            request, room, acts.unknown(room, request.method, {"path": shown.path(request.path)}, WIRE), None, ()
        )
    given: dict[str, Json] = dict(parameters)
    sources = {path[0] for path in _paths(route.action)}
    if _QUERY in sources:
        given[_QUERY] = parse_query(request.query)
    body = _decoded(request, route)
    if _BODY in sources:
        parsed = strict_json.parse(body if body is not None else request.body or b"")
        given[_BODY] = strict_json.as_json(parsed)
        body = strict_json.dump(parsed)
    operation = acts.operation(room, route.action, given, WIRE)
    return _classified(request, room, operation, body, confirmations(route.action.name, given), route.action.bulk)


def _route(request: HttpRequest, room: Room) -> tuple[Route | None, Mapping[str, str]]:
    if not is_upgrade(request) and (request.method not in _BODILESS or request.body == b""):
        for route in room.actions.routes:
            parameters = route.match(request.method, request.host, request.path)
            if parameters is not None:
                return route, parameters
    return None, {}


def is_upgrade(request: HttpRequest) -> bool:
    """Whether the connection would become another protocol, whose messages nobody here reads (law 10)."""
    return any(name in ("upgrade", "sec-websocket-key", "http2-settings") for name, _ in request.headers)


def _paths(action: Action) -> Iterator[tuple[str, ...]]:
    for subject in action.on:
        for reference in subject.alternatives:
            yield from reference.arguments
    yield from (rule.argument for rule in action.worse)


def _decoded(request: HttpRequest, route: Route) -> bytes | None:
    if route.action.bulk or not single(request, "content-encoding"):
        return None
    return payload(request)


def _classified(
    request: HttpRequest,
    room: Room,
    operation: Operation,
    body: bytes | None,
    confirmed: tuple[str, ...],
    bulk: bool = False,
) -> Classified:
    if room.wire is not Wire.REGISTRY and not bulk and request.body is None:
        raise Unreadable("The body is too large to read", "Send a smaller one.")
    name = operation.action.partition(":")[2]
    return Classified(
        operations=(operation,),
        body=body,
        query=request.query,
        summary=f"{room.title}: {name} ({request.method} {request.host}{shown.path(request.path)})",
        confirmations_ignored=confirmed,
        provider=room.name,
        bulk=bulk,
    )
