"""HTTP on a host that no provider names: the method is all there is to go by.

GET, HEAD and OPTIONS read, as long as they carry no body and change no protocol; POST, PUT and PATCH write, DELETE
deletes, whatever else is unknown. What a write destroys nobody knows; its owner's backups are all that is assumed.
"""

from __future__ import annotations

from functools import lru_cache

from yett.model.effects import Effect, Recovery
from yett.model.http import HttpRequest
from yett.model.operation import UNKNOWN_COST, Amount, Host, Operation
from yett.operations import shown
from yett.operations.classified import Classified

WIRE = "http"

_READ = frozenset({"GET", "HEAD", "OPTIONS"})
_EFFECTS = {"POST": Effect.WRITE, "PUT": Effect.WRITE, "PATCH": Effect.WRITE, "DELETE": Effect.DELETE}

# A server that honours one of these does something else than the method says.
OVERRIDES = frozenset({"x-http-method-override", "x-http-method", "x-method-override"})
_TELLING = OVERRIDES | {"upgrade", "sec-websocket-key", "http2-settings", "content-length", "transfer-encoding"}


def classify_http(request: HttpRequest) -> Classified:
    """Read a request to an ungoverned host. Never raises."""
    method = request.method
    if method in _READ and request.body == b"" and not _tells(request):
        operations = _reading(request.host, method)
    else:
        operations = (_acting(request),)
    return Classified(operations, None, request.query, f"{method} {request.host}{shown.path(request.path)}")


def _tells(request: HttpRequest) -> bool:
    """Whether a header makes more of a read than a read."""
    return any(name in _TELLING and not (name == "content-length" and value == "0") for name, value in request.headers)


@lru_cache(maxsize=4096)
def _reading(host: str, method: str) -> tuple[Operation, ...]:
    return (Operation(f"http:{method}", Effect.READ, Recovery.AUTOMATIC, Host(host), WIRE),)


def _acting(request: HttpRequest) -> Operation:
    effect = _EFFECTS.get(request.method, Effect.UNKNOWN)
    if any(name in _TELLING and name not in ("content-length", "transfer-encoding") for name, _ in request.headers):
        effect = Effect.UNKNOWN
    known = effect is not Effect.UNKNOWN
    return Operation(
        action=f"http:{request.method}",
        effect=effect,
        recovery=Recovery.FROM_BACKUP if known else Recovery.UNKNOWN,
        target=Host(request.host),
        wire=WIRE,
        parameters={"path": shown.path(request.path)},
        cost=Amount(deletes=1 if effect is Effect.DELETE else 0, bytes=_length(request)),
    )


def _length(request: HttpRequest) -> int:
    if request.body is not None:
        return len(request.body)
    given = [value for name, value in request.headers if name == "content-length"]
    return int(given[0]) if len(given) == 1 and given[0].isascii() and given[0].isdigit() else UNKNOWN_COST
