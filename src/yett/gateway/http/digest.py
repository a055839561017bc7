"""What a request is, as one digest: the canonical request before injection, volatile fields out (law 7)."""

from __future__ import annotations

import hashlib

from yett.model.http import HttpRequest

# Fields that differ between two sendings of the same request and that change nothing about what it does.
_VOLATILE = frozenset(
    {
        "accept-encoding",
        "accept-language",
        "cache-control",
        "date",
        "idempotency-key",
        "pragma",
        "priority",
        "traceparent",
        "tracestate",
        "baggage",
        "user-agent",
        "x-amzn-trace-id",
        "x-client-request-id",
        "x-correlation-id",
        "x-request-id",
    }
)
_VOLATILE_PREFIXES = ("x-stainless-", "sec-", "x-datadog-", "x-b3-")
_DOMAIN = b"yett/http-request/v1\0"


def request_digest(request: HttpRequest) -> str:
    """SHA-256 in hex. Every part is length-prefixed, so that no two requests share their bytes.

    A body that is still to come stands apart from every body that is there: an approval of one is none of the other.
    """
    parts = [request.method, request.scheme, request.host, str(request.port), request.path, request.query]
    for name, value in request.headers:
        if name not in _VOLATILE and not name.startswith(_VOLATILE_PREFIXES):
            parts.append(name)
            parts.append(value)
    text = "".join([f"{len(part)}:{part}" for part in parts]).encode("latin-1", "backslashreplace")
    body = b"-" if request.body is None else b":" + request.body
    return hashlib.sha256(_DOMAIN + text + b"\0" + body).hexdigest()
