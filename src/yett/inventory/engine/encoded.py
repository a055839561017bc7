"""Credentials behind an encoding: base64 runs that a known form begins in, and percent-encoded addresses and fields."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from yett.inventory.hit import Hit

_RUN = re.compile(rb"[A-Za-z0-9+/_-]{24,1048576}={0,2}")
_LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/_-"
LONGEST_BEFORE = 64 << 10
_PERCENT_RUN = re.compile(rb"[A-Za-z0-9%&=+:/?@._~!$'()*,;#-]{8,8192}")
_URL_SAFE = bytes.maketrans(b"-_", b"+/")

Search = Callable[[bytes], Iterable[Hit]]


def in_base64(text: bytes, ends: Iterable[int], search: Search) -> Iterator[Hit]:
    """Hits within what base64 runs decode to. `ends`: where the beginnings of known forms, in base64, end.

    What is to be masked is the whole run; the credential is in `decoded`.
    """
    done = 0
    for seen in ends:
        if seen <= done:
            continue
        before = text[max(done, seen - LONGEST_BEFORE) : seen]
        run = _RUN.match(text, seen - len(before) + len(before.rstrip(_LETTERS)))
        done = run.end() if run else seen
        if run is not None:
            yield from _behind(run, _decoded(run[0]), search)


def in_percent(text: bytes, search: Search) -> Iterator[Hit]:
    """Hits that only percent-decoding shows."""
    from urllib.parse import unquote_to_bytes  # rare, and slow to import

    for run in _PERCENT_RUN.finditer(text):
        if b"%" in run[0]:
            yield from _behind(run, unquote_to_bytes(run[0]), search)


def _behind(run: re.Match[bytes], decoded: bytes, search: Search) -> Iterator[Hit]:
    for hit in search(decoded):
        value = hit.value_in(decoded)
        if value not in run[0]:
            yield replace(hit, start=run.start(), end=run.end(), decoded=value)


def _decoded(run: bytes) -> bytes:
    body = run.rstrip(b"=").translate(_URL_SAFE)
    body = body[: len(body) - 1] if len(body) % 4 == 1 else body
    return base64.b64decode(body + b"=" * (-len(body) % 4))
