"""Heads of our own making. Nothing is relayed verbatim: what leaves is written from values (law 7)."""

from __future__ import annotations

from http import HTTPStatus

from yett.gateway.http.framing import CHUNKED, Malformed
from yett.model.http import Headers, HttpRequest

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

_PHRASES = {status.value: status.phrase for status in HTTPStatus}
_DEFAULT_PORTS = {"https": 443, "http": 80}


def request_head(request: HttpRequest, length: int | None, connection: Headers = ()) -> bytes:
    """Write a request's head; `length` is a byte count, CHUNKED, or None for no body at all; `connection` are
    fields for this hop only.

    Raises:
        Malformed: a value holds CR or LF. Values come from the parser, but also from the broker and the operations.
    """
    port = "" if _DEFAULT_PORTS.get(request.scheme) == request.port else f":{request.port}"
    query = f"?{request.query}" if request.query else ""
    first = f"{request.method} {request.path}{query} HTTP/1.1\r\nhost: {request.host}{port}"
    return _head(first, 2, request.headers + connection if connection else request.headers, length)


def response_head(status: int, headers: Headers, length: int | None, *, closes: bool = False) -> bytes:
    """Write a response's head; `length` as in `request_head`. `closes` announces the end of the connection."""
    first = f"HTTP/1.1 {status} {_PHRASES.get(status, '')}"
    if closes:
        return _head(first + "\r\nconnection: close", 2, headers, length)
    return _head(first, 1, headers, length)


def _head(first: str, lines: int, headers: Headers, length: int | None) -> bytes:
    parts = [first]
    parts += [f"{name}: {value}" for name, value in headers]
    if length == CHUNKED:
        parts.append("transfer-encoding: chunked")
    elif length is not None:
        parts.append(f"content-length: {length}")
    parts.append("\r\n")
    text = "\r\n".join(parts)
    breaks = len(parts) + lines - 1
    if text.count("\r") != breaks or text.count("\n") != breaks:
        raise Malformed("A field to be sent holds a line break")
    return text.encode("latin-1")
