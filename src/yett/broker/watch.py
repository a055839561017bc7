"""Law 3(a) on a body that streams: every chunk goes on but its doubtful end; a known secret ends the request."""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

from yett.broker.needles import Needle, Needles
from yett.broker.stream import Window, search
from yett.model.errors import CredentialRefused


class StreamScan:
    """`feed` gives what may go on, `finish` the rest; both raise CredentialRefused.

    It sees one layer of percent, JSON or HTML escapes, base64 and hex. A body that was read whole is searched deeper.
    """

    def __init__(self, needles: Callable[[], Needles]) -> None:
        self._window = Window(needles, _refuse)

    def feed(self, chunk: bytes) -> bytes:
        return self._window.feed(chunk)

    def finish(self) -> bytes:
        return self._window.finish()


def refuse_secrets(needles: Needles, text: bytes) -> None:
    """The same for a text that is here as a whole. Raises CredentialRefused."""
    for span in search(needles, text):
        if span.needle is not None:
            _refuse(span.needle, b"")


def _refuse(needle: Needle, _original: bytes) -> NoReturn:
    raise CredentialRefused(
        "A secret that Yett knows stands in the body of this request.",
        "Real secrets never pass the gate. What was sent so far was cut off.",
        fingerprint=needle.fingerprint,
        position="body",
    )
