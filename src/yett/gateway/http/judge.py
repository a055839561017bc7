"""From a framed request to an attempt: the canonical request, its operations, its lease. No I/O."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from yett.gateway.floors import Classified, Floors
from yett.gateway.http.coding import decode
from yett.gateway.http.digest import request_digest
from yett.gateway.http.framing import Malformed, RequestHead
from yett.gateway.http.target import governed_path, governed_query, origin_form
from yett.gateway.names import NameRefused, authority
from yett.model.credential import Lease
from yett.model.decision import Refused
from yett.model.effects import Effect, Recovery, Verdict
from yett.model.http import Headers, HttpRequest
from yett.model.identity import Session
from yett.model.operation import Attempt, Host, Operation
from yett.providers.room import Room, Side, SideCall, Wire

_REFUSED_METHODS = frozenset({"CONNECT", "TRACE", "TRACK"})
# A server that honours one of these does something else than what was decided on.
_OVERRIDES = frozenset(
    {"x-http-method-override", "x-http-method", "x-method-override", "x-original-url", "x-rewrite-url"}
)
_PARTIAL = frozenset({"range", "if-range", "accept-encoding"})
_IDENTITY = ("accept-encoding", "identity")
_READ_METHODS = frozenset({"GET", "HEAD"})
_EXAMINED = 1 << 20


class Route(NamedTuple):
    """Where a connection leads. `name` is "" on a plain proxy connection, where every request names its host."""

    scheme: str
    name: str
    port: int


class Judged(NamedTuple):
    """What one request is about to do, and how it must leave. `bulk`: it may stream to a governed host.

    `minted` names the fields of the answer to seal (law 5), () for all of them, None if it mints nothing.
    """

    attempt: Attempt
    lease: Lease | None
    leaving: HttpRequest
    bulk: bool
    minted: tuple[str, ...] | None

    @property
    def only_reads(self) -> bool:
        return all(operation.effect is Effect.READ for operation in self.attempt.operations)


def canonical_request(
    head: RequestHead, route: Route, floors: Floors, body: bytes | None
) -> tuple[HttpRequest, Room | None]:
    """The one reading of a head on its route; `body` is b"" or, if it is still to come, None.

    Raises:
        Malformed: it has more than one reading.
        NameRefused: Host is not the connection's name (law 11).
        Refused: a method that never passes, or a governed host over plain http.
    """
    scheme, host, port, raw = _place(head, route)
    if head.method in _REFUSED_METHODS:
        raise Refused(Verdict.DENY, f"{head.method} never passes the gate", "Use another method.", code="method")
    path, query = origin_form(raw)
    room = floors.book.room(host)
    if room is not None:
        is_registry = room.wire is Wire.REGISTRY
        if scheme != "https" and not (is_registry and head.method in _READ_METHODS):
            raise Refused(
                Verdict.DENY, f"{host} is governed, and anyone can read plain http", f"Use https://{host}.", code="http"
            )
        path, query = governed_path(path, encoded_slash=is_registry), governed_query(query)
        if any(name in _OVERRIDES for name, _ in head.headers):
            raise Malformed("A field overrides the method or the path", "Send the method that you mean.")
    return HttpRequest(head.method, scheme, host, port, path, query, head.headers, body), room


def with_body(request: HttpRequest, payload: bytes, room: Room | None, limit: int) -> HttpRequest:
    """Put the payload in; on a governed host decoded, and it leaves so: what is read is what is sent.

    Raises:
        Malformed: the content coding is unknown or broken.
    """
    coding = request.header("content-encoding") if payload else None
    if room is None or coding is None:
        return replace(request, body=payload)
    headers = tuple(field for field in request.headers if field[0] != "content-encoding")
    return replace(request, headers=headers, body=decode(coding, payload, limit))


def side_call(request: HttpRequest, room: Room | None) -> SideCall | None:
    """The client's side call that a request is, if its room knows it."""
    return None if room is None else room.side_call(request.method, request.host, request.path)


def examine(request: HttpRequest, room: Room | None, session: Session, floors: Floors) -> Lease | None:
    """Laws 3 and 4. An encoded body is looked at decoded, though to an ungoverned host it leaves as it came.

    Raises:
        CredentialRefused: a known secret, or not this session's placeholder.
        Malformed: the content coding hides the body.
    """
    if request.body:
        coding = request.header("content-encoding")
        if coding is not None:
            request = replace(request, body=decode(coding, request.body, _EXAMINED))
    return floors.broker.examine(session, request, room)


def judge(
    request: HttpRequest,
    room: Room | None,
    lease: Lease | None,
    side: SideCall | None,
    session: Session,
    floors: Floors,
) -> Judged:
    """Operations and attempt of a canonical request. Raises Unreadable."""
    if side is not None and side.do is Side.STRIP and lease is not None:
        request, lease = _stripped(request, lease), None
    classified = floors.classify(request, floors.book, session)
    attempt = Attempt(
        session,
        "http",
        classified.operations,
        request_digest(request),
        "" if lease is None else lease.id,
        classified.summary,
        classified.confirmations_ignored,
    )
    body = request.body if classified.body is None else classified.body
    is_scrubbed = room is not None and (lease is not None or room.wire is not Wire.REGISTRY)
    leaving = _leaving(request, body, classified.query, is_scrubbed)
    return Judged(attempt, lease, leaving, classified.bulk, _minted(request, room, classified))


def judge_upgrade(request: HttpRequest, session: Session) -> Judged:
    """An upgrade to WebSocket on an ungoverned host is an operation of its own, and an unknown one (law 10)."""
    operation = Operation("http:upgrade", Effect.UNKNOWN, Recovery.NONE, Host(request.host, opaque=True), "http")
    summary = f"WebSocket to {request.host}{request.path}"
    attempt = Attempt(session, "http", (operation,), request_digest(request), "", summary)
    # Without extensions a frame's payload is what it says: nothing is compressed.
    headers = tuple(field for field in request.headers if field[0] != "sec-websocket-extensions")
    return Judged(attempt, None, replace(request, headers=headers), False, None)


def _leaving(request: HttpRequest, body: bytes | None, query: str, is_scrubbed: bool) -> HttpRequest:
    """The request as it will leave, but for the credential. An answer that is scrubbed must come whole and plain."""
    headers = request.headers
    if is_scrubbed:
        headers = (*[field for field in headers if field[0] not in _PARTIAL], _IDENTITY)
    elif body is request.body and query == request.query:
        return request
    # Not `replace`, which costs as much as all the rest of this function.
    return HttpRequest(request.method, request.scheme, request.host, request.port, request.path, query, headers, body)


def _stripped(request: HttpRequest, lease: Lease) -> HttpRequest:
    """Without the credential that a side call carries and does not need."""
    kind, _, name = lease.position.partition(":")
    gone = "authorization" if kind == "basic" else name
    headers: Headers = tuple(field for field in request.headers if field[0] != gone)
    return replace(request, headers=headers)


def _minted(request: HttpRequest, room: Room | None, classified: Classified) -> tuple[str, ...] | None:
    if room is None:
        return None
    endpoint = room.token_endpoint(request.host, request.path)
    if endpoint is not None:
        return endpoint.answer
    if classified.seal:
        paths = [_dotted(pointer, room) for pointer in classified.seal]
        return tuple(paths) if all(paths) else ()
    return () if any(operation.returns_secret for operation in classified.operations) else None


def _dotted(pointer: str, room: Room) -> str:
    """A JSON pointer (RFC 6901) as the broker writes paths: below GraphQL's `data`, all strings; "" if it cannot."""
    steps = [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]
    if steps and steps[0].isdigit():
        del steps[0]
    if room.wire is Wire.GRAPHQL and steps[:1] == ["data"]:
        del steps[0]
    return "" if not steps or any("." in step or "*" in step for step in steps) else ".".join([*steps, "**"])


def _place(head: RequestHead, route: Route) -> tuple[str, str, int, str]:
    """Scheme, host, port and origin-form target. Host must be the connection's name."""
    if route.name:
        host = head.host
        if host != route.name and host.lower() not in (route.name, f"{route.name}:{route.port}"):
            raise NameRefused(
                f"Host is not {route.name}, the name that was connected to", "Connect to the host itself."
            )
        return route.scheme, route.name, route.port, head.target
    scheme, separator, rest = head.target.partition("://")
    if not separator or scheme.lower() != "http":
        raise Malformed("A proxy takes CONNECT, or http:// in absolute form", "Use the gate as an HTTP proxy.")
    place, slash, path = rest.partition("/")
    if "?" in place or "#" in place:
        raise Malformed("The request target has no path")
    name, port = authority(place, 80)
    if authority(head.host, 80) != (name, port):
        raise NameRefused("Host is not the host of the request target", "Send one host.")
    return "http", name, port, slash + path if slash else "/"
