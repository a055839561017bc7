"""An answer on its way to the agent, and a payload on its way to the upstream, as state machines without I/O."""

from __future__ import annotations

from yett.gateway.floors import Filter
from yett.gateway.http.bodies import LAST_CHUNK, chunk
from yett.gateway.http.framing import CHUNKED, ResponseHead
from yett.gateway.http.serialise import response_head
from yett.model.http import Headers


class Relay:
    """Writes an upstream's answer anew, scrubbed where a credential could come back (law 5).

    A scrubbed answer may change its length, so it is chunked unless it is complete when it starts.
    """

    __slots__ = ("_chunked", "_head", "_headers", "_method", "_scrub")

    def __init__(self, head: ResponseHead, headers: Headers, method: str, scrub: Filter | None) -> None:
        self._head = head
        self._headers = headers
        self._method = method
        self._scrub = scrub
        self._chunked = False

    def start(self, payload: bytes, ended: bool, *, closes: bool) -> bytes:
        """The head, and as much of the body as is there."""
        head = self._head
        if self._has_no_body():
            announced = head.announced if self._method == "HEAD" and head.announced >= 0 else None
            return response_head(head.status, self._headers, announced, closes=closes)
        if self._scrub is not None:
            payload = self._scrub.feed(payload)
            if ended:
                payload += self._scrub.finish()
        if ended:
            return response_head(head.status, self._headers, len(payload), closes=closes) + payload
        self._chunked = self._scrub is not None or head.length < 0
        length = CHUNKED if self._chunked else head.length
        return response_head(head.status, self._headers, length, closes=closes) + self._frame(payload)

    def more(self, payload: bytes) -> bytes:
        """The next piece of the body."""
        if self._scrub is not None:
            payload = self._scrub.feed(payload)
        return self._frame(payload)

    def end(self) -> bytes:
        """What closes the body."""
        tail = b"" if self._scrub is None else self._scrub.finish()
        return self._frame(tail) + LAST_CHUNK if self._chunked else tail

    def _frame(self, payload: bytes) -> bytes:
        return chunk(payload) if self._chunked else payload

    def _has_no_body(self) -> bool:
        return self._method == "HEAD" or self._head.status in (204, 304)


class Upload:
    """A streamed payload: watched for known secrets (law 3a), framed as the client framed it."""

    __slots__ = ("_chunked", "_watch")

    def __init__(self, length: int, watch: Filter) -> None:
        self._chunked = length == CHUNKED
        self._watch = watch

    def more(self, payload: bytes) -> bytes:
        """The next piece. Raises CredentialRefused."""
        return self._frame(self._watch.feed(payload))

    def end(self) -> bytes:
        """The held-back tail and the end of the body. Raises CredentialRefused."""
        tail = self._frame(self._watch.finish())
        return tail + LAST_CHUNK if self._chunked else tail

    def _frame(self, payload: bytes) -> bytes:
        return chunk(payload) if self._chunked else payload
