"""A payload that streams to an upstream, watched for known secrets (law 3a), as a state machine without I/O."""

from __future__ import annotations

from typing import Protocol

from yett.gateway.floors import Filter
from yett.gateway.http.bodies import LAST_CHUNK, chunk
from yett.gateway.http.coding import Decoder, decoder
from yett.gateway.http.framing import CHUNKED
from yett.model.http import HttpRequest

_MOST_DECODED_AT_ONCE = 16 << 20


class Outgoing(Protocol):
    """What an agent sends after the head. Both raise CredentialRefused or Malformed."""

    def more(self, payload: bytes) -> bytes: ...
    def end(self) -> bytes: ...


class Upload:
    """A request's body, framed as the client framed it. An encoded one is watched decoded too, before it goes on."""

    __slots__ = ("_chunked", "_decode", "_watch", "_watch_decoded")

    def __init__(self, request: HttpRequest, length: int, watch: Filter, watch_decoded: Filter) -> None:
        """Raises Malformed: its content coding is unknown."""
        coding = request.header("content-encoding")
        self._chunked = length == CHUNKED
        self._watch = watch
        self._decode: Decoder | None = None if coding is None else decoder(coding)
        self._watch_decoded = watch_decoded

    def more(self, payload: bytes) -> bytes:
        """The next piece."""
        if self._decode is not None:
            self._watch_decoded.feed(self._decode.feed(payload, _MOST_DECODED_AT_ONCE))
        return self._frame(self._watch.feed(payload))

    def end(self) -> bytes:
        """The held-back tail and the end of the body."""
        if self._decode is not None:
            self._watch_decoded.finish()
        tail = self._frame(self._watch.finish())
        return tail + LAST_CHUNK if self._chunked else tail

    def _frame(self, payload: bytes) -> bytes:
        return chunk(payload) if self._chunked else payload
