"""An answer on its way to the agent, as state machines without I/O."""

from __future__ import annotations

from yett.gateway.floors import Scrubber
from yett.gateway.http.bodies import LAST_CHUNK, chunk
from yett.gateway.http.coding import Decoder, TooLarge, decoder
from yett.gateway.http.framing import CHUNKED, Malformed, ResponseHead
from yett.gateway.http.serialise import response_head
from yett.model.http import Headers

_MOST_DECODED_AT_ONCE = 16 << 20
_NO_CONTENT = (204, 304)


class Relay:
    """Writes an upstream's answer anew, its body through `scrub` where a credential could come back (law 5).

    A scrubbed body is decoded if the upstream encoded it all the same, and may change its length: it is chunked,
    unless it is complete when it starts.
    """

    __slots__ = ("_chunked", "_decode", "_has_body", "_head", "_headers", "_method", "_scrub")

    def __init__(self, head: ResponseHead, headers: Headers, method: str, scrub: Scrubber | None) -> None:
        """`headers` are the head's, cleaned. Raises Malformed: a body to scrub has a coding that cannot be read."""
        self._head = head
        self._headers = headers
        self._method = method
        self._scrub = scrub
        self._chunked = False
        self._has_body = method != "HEAD" and head.status not in _NO_CONTENT
        self._decode: Decoder | None = None
        if scrub is not None and self._has_body:
            self._decode = answer_decoder(headers)
            if self._decode is not None:
                self._headers = without_coding(headers)

    def start(self, payload: bytes, ended: bool, *, closes: bool) -> bytes:
        """The head, and as much of the body as is there."""
        head = self._head
        if not self._has_body:
            announced = head.announced if self._method == "HEAD" and head.announced >= 0 else None
            return response_head(head.status, self._headers, announced, closes=closes)
        if ended:
            payload = self._whole(payload)
            return response_head(head.status, self._headers, len(payload), closes=closes) + payload
        self._chunked = self._scrub is not None or head.length < 0
        length = CHUNKED if self._chunked else head.length
        return response_head(head.status, self._headers, length, closes=closes) + self._frame(self._clean(payload))

    def more(self, payload: bytes) -> bytes:
        """The next piece of the body. Raises Malformed: it is not in its coding."""
        return self._frame(self._clean(payload))

    def end(self) -> bytes:
        """What closes the body. Raises Malformed: it ends early."""
        tail = self._frame(self._tail())
        return tail + LAST_CHUNK if self._chunked else tail

    def _whole(self, payload: bytes) -> bytes:
        if self._scrub is None:
            return payload
        if self._decode is not None:
            payload = self._decode.feed(payload, _MOST_DECODED_AT_ONCE)
            if not self._decode.finished:
                raise Malformed("The encoded answer ends early")
        return self._scrub.clean(payload)

    def _clean(self, payload: bytes) -> bytes:
        if self._scrub is None:
            return payload
        if self._decode is not None:
            payload = self._decode.feed(payload, _MOST_DECODED_AT_ONCE)
        return self._scrub.feed(payload)

    def _tail(self) -> bytes:
        if self._decode is not None and not self._decode.finished:
            raise Malformed("The encoded answer ends early")
        return b"" if self._scrub is None else self._scrub.finish()

    def _frame(self, payload: bytes) -> bytes:
        return chunk(payload) if self._chunked else payload


class Gathered:
    """An answer that must be read whole before any of it goes on: it mints a credential, or hands out capabilities."""

    __slots__ = ("_limit", "_pieces", "_size", "head")

    def __init__(self, head: ResponseHead, limit: int) -> None:
        self.head = head
        self._limit = limit
        self._size = 0
        self._pieces: list[bytes] = []

    def more(self, payload: bytes) -> None:
        """The next piece. Raises TooLarge."""
        self._size += len(payload)
        if self._size > self._limit:
            raise TooLarge("The answer holds credentials and is too large to seal", "Ask for less at once.")
        self._pieces.append(payload)

    def whole(self) -> bytes:
        """The decoded body. Raises Malformed."""
        body = b"".join(self._pieces)
        decode = answer_decoder(self.head.headers)
        if decode is None or not body:
            return body
        out = decode.feed(body, self._limit)
        if not decode.finished:
            raise Malformed("The encoded answer ends early")
        return out


def answer_decoder(headers: Headers) -> Decoder | None:
    """The decoder of an answer's content coding. Raises Malformed: the gate cannot read it."""
    codings = [value for name, value in headers if name == "content-encoding"]
    return decoder(codings[0]) if codings else None


def without_coding(headers: Headers) -> Headers:
    """The fields of an answer that has been decoded."""
    return tuple(field for field in headers if field[0] != "content-encoding")
