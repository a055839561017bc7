"""Take real credentials out of an answer, wherever they can be recognised (law 5)."""

from __future__ import annotations

from collections.abc import Callable

from yett.broker.needles import Needle, Needles, base64_core
from yett.broker.stream import Window
from yett.model.http import Headers


class Scrubber:
    """One answer's body, chunk by chunk: `feed` gives what may go on, `finish` the rest.

    `stand_in` names the placeholder for a fingerprint. A value is replaced by its stand-in in the same encoding; the
    length changes, so the caller frames the body anew. Server-sent events are never delayed: nothing waits across a
    blank line.
    """

    def __init__(self, needles: Callable[[], Needles], stand_in: Callable[[str], str], drop_cookies: bool) -> None:
        self._needles = needles
        self._stand_in = stand_in
        self._drop_cookies = drop_cookies
        self._window = Window(needles, self._replacement)

    def feed(self, chunk: bytes) -> bytes:
        return self._window.feed(chunk)

    def finish(self) -> bytes:
        return self._window.finish()

    def clean(self, whole: bytes) -> bytes:
        """The same for bytes that are complete."""
        window = Window(self._needles, self._replacement)
        return window.feed(whole) + window.finish()

    def clean_headers(self, headers: Headers) -> Headers:
        """Head or trailers, scrubbed. From a governed host no cookie comes back: it would be a credential."""
        return tuple(
            (name, self.clean(value.encode("utf-8", "surrogateescape")).decode("utf-8", "surrogateescape"))
            for name, value in headers
            if not (self._drop_cookies and name in ("set-cookie", "set-cookie2"))
        )

    def _replacement(self, needle: Needle, original: bytes) -> bytes:
        return encoded_as(needle.form, self._stand_in(needle.fingerprint).encode(), needle.size, original)


def encoded_as(form: str, stand_in: bytes, secret_size: int, original: bytes) -> bytes:
    """The stand-in, written as the secret was. In base64 what is around it keeps its meaning: the lengths are equal
    modulo 3. Percent, JSON and HTML need nothing: a stand-in has unreserved characters only."""
    if form == "hex":
        return stand_in.hex().upper().encode() if original.isupper() else stand_in.hex().encode()
    if not form.startswith("base64"):
        return stand_in
    padded = stand_in + b"." * ((secret_size - len(stand_in)) % 3)
    core = base64_core(padded, int(form[-1]))
    return core.translate(bytes.maketrans(b"+/", b"-_")) if form.startswith("base64url") else core
