"""From a framed request to an attempt: the canonical request, its operations, its lease. No I/O."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from yett.gateway.floors import Classified, Floors, Room
from yett.gateway.http.coding import decode
from yett.gateway.http.digest import request_digest
from yett.gateway.http.framing import Malformed, RequestHead
from yett.gateway.http.target import governed_path, governed_query, origin_form
from yett.gateway.names import NameRefused, authority
from yett.model.credential import Lease
from yett.model.decision import Refused
from yett.model.effects import Effect, Verdict
from yett.model.http import Headers, HttpRequest
from yett.model.identity import Session
from yett.model.operation import Attempt

_REFUSED_METHODS = frozenset({"CONNECT", "TRACE", "TRACK"})
# A server that honours one of these does something else than what was decided on.
_OVERRIDES = frozenset(
    {"x-http-method-override", "x-http-method", "x-method-override", "x-original-url", "x-rewrite-url"}
)
_PARTIAL = frozenset({"range", "if-range", "accept-encoding"})
_IDENTITY = ("accept-encoding", "identity")


class Route(NamedTuple):
    """Where a connection leads. `name` is "" on a plain proxy connection, where every request names its host."""

    scheme: str
    name: str
    port: int


class Judged(NamedTuple):
    """What one request is about to do, and how it must leave."""

    attempt: Attempt
    classified: Classified
    lease: Lease | None
    leaving: HttpRequest

    @property
    def only_reads(self) -> bool:
        return all(operation.effect is Effect.READ for operation in self.attempt.operations)


def canonical_request(head: RequestHead, route: Route, floors: Floors) -> tuple[HttpRequest, Room | None]:
    """The one reading of a head on its route, its body still to come.

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
        if scheme != "https":
            raise Refused(
                Verdict.DENY,
                f"{host} is governed and plain http is readable by all",
                f"Use https://{host}.",
                code="plain-http",
            )
        path, query = governed_path(path, encoded_slash=room.wire == "registry"), governed_query(query)
        if any(name in _OVERRIDES for name, _ in head.headers):
            raise Malformed("A field overrides the method or the path", "Send the method that you mean.")
    return HttpRequest(head.method, scheme, host, port, path, query, head.headers, None), room


def with_body(request: HttpRequest, payload: bytes, room: Room | None, limit: int) -> HttpRequest:
    """Put the payload in. On a governed host it is decoded, and leaves so: what is read is what is sent.

    Raises:
        Malformed: the content coding is unknown or broken.
    """
    coding = request.header("content-encoding") if payload else None
    if room is None or coding is None:
        return replace(request, body=payload)
    headers = tuple(field for field in request.headers if field[0] != "content-encoding")
    return replace(request, headers=headers, body=decode(coding, payload, limit))


def judge(request: HttpRequest, room: Room | None, session: Session, floors: Floors) -> Judged:
    """Operations, lease and attempt of a canonical request.

    Raises:
        Unreadable, CredentialRefused: see `operations.classify` and `Broker.examine`.
        Malformed: an ungoverned body whose content coding hides it.
    """
    lease = floors.broker.examine(session, _readable(request, floors.limits.small_body * 16), room)
    classified = floors.classify(request, floors.book, session)
    attempt = Attempt(
        session=session,
        wire="http",
        operations=classified.operations,
        request_digest=request_digest(request),
        lease="" if lease is None else lease.id,
        summary=classified.summary,
        confirmations_ignored=classified.confirmations_ignored,
    )
    return Judged(attempt, classified, lease, _leaving(request, classified, lease))


def _leaving(request: HttpRequest, classified: Classified, lease: Lease | None) -> HttpRequest:
    """The request as it will leave, but for the credential. Identity coding only where an answer must be scrubbed."""
    body = request.body if classified.body is None else classified.body
    if lease is None:
        if body is request.body and classified.query == request.query:
            return request
        return replace(request, body=body, query=classified.query)
    headers: Headers = (*(field for field in request.headers if field[0] not in _PARTIAL), _IDENTITY)
    return replace(request, headers=headers, body=body, query=classified.query)


def _readable(request: HttpRequest, limit: int) -> HttpRequest:
    """What the broker looks at: an encoded small body decoded, though it leaves as it came."""
    if not request.body:
        return request
    coding = request.header("content-encoding")
    return request if coding is None else replace(request, body=decode(coding, request.body, limit))


def _place(head: RequestHead, route: Route) -> tuple[str, str, int, str]:
    """Scheme, host, port and origin-form target. Host must be the connection's name."""
    if route.name:
        host = head.host.lower()
        if host != route.name and host != f"{route.name}:{route.port}":
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
