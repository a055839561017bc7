"""Look for known secrets anywhere in a request (law 3a), through a few layers of whatever they are wrapped in.

What this cannot find: a secret that is encrypted, compressed (the caller decodes content codings), written backwards or
in a code of the agent's own, or split over two fields. Law 3 stops a found key from being used; it is no data-loss
prevention.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from itertools import chain

from yett.broker.escapes import join_lines, join_written_lines
from yett.broker.needles import Needle, Needles
from yett.model.errors import CredentialRefused
from yett.model.http import HttpRequest

LAYERS = 3
"""Layers of encoding that are taken off: a secret in JSON, in base64, in a form field is three."""
MOST_WORK = 3
SPARE_WORK = 2 << 20
"""Bytes looked at, a byte of text, and in any case: without a bound an agent could keep the gate busy for minutes."""
ESCAPE_WORK = 24
"""An escape takes as long to undo as so many bytes to look at."""

RUN = re.compile(rb"[A-Za-z0-9+/_-]{24,}")
"""What may be base64; shorter runs hide nothing that is searched for."""
_TEXT = re.compile(rb"[\t\n\r -~]{16,}")
"""What is encoded twice is text after the first decoding; a picture, a hash or an id is not."""
_URLSAFE = bytes.maketrans(b"-_", b"+/")
_APART = b"\0"


def known_secret(needles: Needles, request: HttpRequest) -> tuple[Needle, str] | None:
    """The first known secret in a request, and where: host, path, query, header:NAME or body."""
    if not needles:
        return None
    head = [request.host, request.path, request.query, *chain.from_iterable(request.headers)]
    if (needle := first(needles, _bytes("\0".join(head)))) is not None:
        found = ((first(needles, _bytes(text)), place) for place, text in _places(request))
        return next(((one, place) for one, place in found if one is not None), (needle, "head"))
    if request.body and (needle := first(needles, request.body)) is not None:
        return needle, "body"
    return None


def first(needles: Needles, text: bytes) -> Needle | None:
    """A known secret in the text or in what it is an encoding of.

    Raises:
        CredentialRefused: the layers multiply beyond reason, which no honest text does.
    """
    work = _Work(MOST_WORK * len(text) + SPARE_WORK)
    layer = {text}
    for depth in range(LAYERS + 1):
        work.take(sum(map(len, layer)))
        inner: set[bytes] = set()
        for piece in layer:
            lower = piece.lower()
            joined = join_lines(lower)
            soft = join_written_lines(joined)
            if found := needles.find_one(joined) or (soft is not joined and needles.find_one(soft)):
                return found
            if depth < LAYERS:
                inner.update(_unescaped(needles, piece, lower, work))
                inner.add(_from_base64(piece))
        layer = inner - layer - {b""}
    return None


class _Work:
    """What one text may cost."""

    def __init__(self, left: int) -> None:
        self.left = left

    def take(self, cost: int) -> None:
        self.left -= cost
        if self.left < 0:
            raise CredentialRefused(
                "This request is encoded in so many ways that it cannot be searched.",
                "Encode it once.",
                position="body",
            )


def _unescaped(needles: Needles, text: bytes, lower: bytes, work: _Work) -> Iterator[bytes]:
    """What stands around escapes, one layer of them off; one family of escapes at a time."""
    for escapes in needles.deep_families:
        regions, count = escapes.bounded_regions(lower, needles.reach, work.left // ESCAPE_WORK)
        work.take(count * ESCAPE_WORK)
        if regions:
            yield _APART.join(escapes.decode(text[start:end]) for start, end in regions)


def _from_base64(text: bytes) -> bytes:
    """The text in everything that base64 decodes, apart from each other; also what is wrapped over lines."""
    runs = RUN.findall(join_lines(text))
    return _APART.join(_TEXT.findall(_APART.join(map(_decoded, runs)))) if runs else b""


def _decoded(run: bytes) -> bytes:
    run = run.translate(_URLSAFE)
    # Whatever is left over after whole groups of four is padded; one character alone says nothing.
    return binascii.a2b_base64(run[:-1] if len(run) % 4 == 1 else run + b"=" * (-len(run) % 4))


def _places(request: HttpRequest) -> Iterator[tuple[str, str]]:
    yield from (("host", request.host), ("path", request.path), ("query", request.query))
    for name, value in request.headers:
        yield f"header:{name}", f"{name}\0{value}"


def _bytes(text: str) -> bytes:
    """Header text in both readings that parsers have (RFC 9110, 5.5: ISO 8859-1 once; UTF-8 now)."""
    if text.isascii():
        return text.encode("ascii")
    return text.encode("latin-1", "ignore") + _APART + text.encode("utf-8", "surrogateescape")
