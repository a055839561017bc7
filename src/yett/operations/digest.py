"""The identity of a request (law 7): what a re-send has in common with the first, before injection."""

from __future__ import annotations

import hashlib
import re

from yett.model.canonical import canonical
from yett.model.http import HttpRequest
from yett.operations.classified import Classified

DOMAIN = b"yett/request/v1\0"

# Fields that differ between two sendings of one request and change nothing about what it does.
_VOLATILE = re.compile(
    r"accept|accept-(?:encoding|language)|baggage|cache-control|connection|content-(?:encoding|length)|date|dnt"
    r"|idempotency-key|pragma|priority|request-id|sentry-trace|te|traceparent|tracestate|user-agent"
    r"|x-(?:amzn-trace|request|client-request|correlation)-id|(?:x-stainless|x-datadog|x-b3|sec)-.*"
)
_CREDENTIAL = re.compile(r"(?:.*-)?(?:authorization|cookie|token|api-?key|key|secret|password)")


def canonical_request(request: HttpRequest, classified: Classified) -> bytes:
    """The request as bytes that are equal for equal requests.

    On a governed host credentials are out: only this session's placeholder stands there, and the attempt names its
    lease. On another host a credential decides who acts, so its hash is in.
    """
    body = classified.body if classified.body is not None else request.body
    headers = [field for name, value in request.headers if (field := _field(name, value, classified))]
    return canonical(
        {
            "method": request.method,
            "scheme": request.scheme,
            "host": request.host,
            "port": request.port,
            "path": request.path,
            "query": classified.query,
            "headers": sorted(headers),
            "body": "streams" if body is None else hashlib.sha256(body).hexdigest(),
        }
    )


def request_digest(request: HttpRequest, classified: Classified) -> str:
    """SHA-256 in hex of the canonical request."""
    return hashlib.sha256(DOMAIN + canonical_request(request, classified)).hexdigest()


def _field(name: str, value: str, classified: Classified) -> list[str] | None:
    if _VOLATILE.fullmatch(name):
        return None
    if not _CREDENTIAL.fullmatch(name):
        return [name, value]
    if classified.provider:
        return None
    return [name, hashlib.sha256(value.encode("latin-1", "backslashreplace")).hexdigest()]
