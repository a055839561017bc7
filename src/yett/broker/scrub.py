"""Take real credentials out of an answer, wherever they can be recognised (law 5)."""

from __future__ import annotations

from collections.abc import Callable

from yett.broker.absent import stands_nowhere
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
        self._window: Window | None = None

    def feed(self, chunk: bytes) -> bytes:
        if self._window is None:
            self._window = Window(self._needles, self._replacement)
        return self._window.feed(chunk)

    def finish(self) -> bytes:
        return b"" if self._window is None else self._window.finish()

    def clean(self, whole: bytes) -> bytes:
        """The same for bytes that are complete: nothing has to wait for what could follow."""
        if stands_nowhere(self._needles(), whole):
            return whole
        window = Window(self._needles, self._replacement)
        return window.feed(whole) + window.finish()

    def clean_headers(self, headers: Headers) -> Headers:
        """Head or trailers, scrubbed. From a governed host no cookie comes back: it would be a credential."""
        return tuple(
            (name, self._clean_text(value))
            for name, value in headers
            if not (self._drop_cookies and name in ("set-cookie", "set-cookie2"))
        )

    def _clean_text(self, value: str) -> str:
        """In both readings that parsers have (RFC 9110, 5.5): bytes of UTF-8 stand in it as ISO 8859-1."""
        if not value.isascii():
            value = self.clean(value.encode("latin-1", "backslashreplace")).decode("latin-1")
        return self.clean(value.encode()).decode()

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
