"""Look for known secrets anywhere in a request (law 3a), through a few layers of whatever they are wrapped in.

What this cannot find: a secret that is encrypted, compressed (the caller decodes content codings), written backwards or
in a code of the agent's own, or split over two fields. Law 3 stops a found key from being used; it is no data-loss
prevention.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator

from yett.broker.escapes import join_lines, join_written_lines
from yett.broker.needles import Needle, Needles
from yett.model.http import HttpRequest

LAYERS = 3
"""Layers of encoding that are taken off: a secret in JSON, in base64, in a form field is three."""

_RUN = re.compile(rb"[A-Za-z0-9+/_-]{24,}")
_URLSAFE = bytes.maketrans(b"-_", b"+/")
_APART = b"\0"


def known_secret(needles: Needles, request: HttpRequest) -> tuple[Needle, str] | None:
    """The first known secret in a request, and where: host, path, query, header:NAME or body."""
    if not needles:
        return None
    head = _APART.join(text for _, text in _head(request))
    if (needle := first(needles, head)) is not None:
        places = ((place, first(needles, text)) for place, text in _head(request))
        return next(((found, place) for place, found in places if found is not None), (needle, "head"))
    if request.body and (needle := first(needles, request.body)) is not None:
        return needle, "body"
    return None


def first(needles: Needles, text: bytes) -> Needle | None:
    """A known secret in the text or in what it is an encoding of."""
    layer = {text}
    for depth in range(LAYERS + 1):
        inner: set[bytes] = set()
        for piece in layer:
            joined = join_lines(piece.lower())
            soft = join_written_lines(joined)
            if found := needles.find_one(joined) or (soft is not joined and needles.find_one(soft)):
                return found
            if depth < LAYERS:
                inner.update(escapes.decode(piece) for escapes in needles.families if escapes.occur_in(joined))
                inner.add(_from_base64(piece))
        layer = inner - layer
    return None


def _from_base64(text: bytes) -> bytes:
    """Everything in the text that base64 decodes, apart from each other; also what is wrapped over lines."""
    return _APART.join(_decoded(run) for run in _RUN.findall(join_lines(text)))


def _decoded(run: bytes) -> bytes:
    run = run.translate(_URLSAFE)
    # Whatever is left over after whole groups of four is padded; one character alone says nothing.
    return binascii.a2b_base64(run[: len(run) - 1] if len(run) % 4 == 1 else run + b"=" * (-len(run) % 4))


def _head(request: HttpRequest) -> Iterator[tuple[str, bytes]]:
    yield "host", request.host.encode("utf-8", "surrogateescape")
    yield "path", _bytes(request.path)
    yield "query", _bytes(request.query)
    for name, value in request.headers:
        yield f"header:{name}", _bytes(f"{name}\0{value}")


def _bytes(text: str) -> bytes:
    """Header text in both readings that parsers have (RFC 9110, 5.5: ISO 8859-1 once; UTF-8 now)."""
    if text.isascii():
        return text.encode()
    return text.encode("latin-1", "ignore") + _APART + text.encode("utf-8", "surrogateescape")
