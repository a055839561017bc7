"""A client's messages that wait until the conductor takes them, one by one, or the rows of a COPY. No I/O."""

from __future__ import annotations

from yett.gateway.postgres.fields import COPY, EMPTY, KNOWN, Malformed, check_size
from yett.gateway.postgres.limits import WireLimits
from yett.gateway.postgres.messages import COPY_DATA, HEAD, TERMINATE


class Waiting:
    """`rest`: what is here and has not gone on. `heard`: counts what the client says."""

    __slots__ = ("_drop", "_limits", "heard", "rest")

    def __init__(self, limits: WireLimits) -> None:
        self._limits = limits
        self._drop = 0
        self.rest = bytearray()
        self.heard = 0

    def gather(self, data: bytes) -> None:
        """More has come while the flow is stopped."""
        self.heard += 1
        self.rest += data

    def take(self) -> bytes | None:
        """The next whole message; None: it is not there yet. What is left of a COPY is dropped. Raises Malformed."""
        rest = self.rest
        while True:
            if self._drop:
                gone = min(self._drop, len(rest))
                self._drop -= gone
                del rest[:gone]
            if not rest:
                return None
            kind = rest[0]
            if kind not in KNOWN and kind not in COPY:
                raise Malformed("an unknown message")
            if len(rest) < 5:
                return None
            end = check_size(kind, HEAD(rest, 0)[1], self._limits) + 1
            if kind in COPY:
                self._drop = end
                continue
            if end > len(rest):
                return None
            whole = bytes(rest[:end])
            del rest[:end]
            return whole

    def take_copied(self) -> tuple[bytes, bytes, int]:
        """CopyData as far as it is there, also in part: the messages, and the rows in them; and how the COPY ends:
        CopyDone, CopyFail, Terminate or 0.

        Flush and Sync are left out: the server ignores them while it copies in (54.2.6). Raises Malformed.
        """
        rest, pos, start = self.rest, 0, 0
        out: list[bytes] = []
        rows: list[bytes | bytearray] = []
        ended = 0
        if self._drop:
            pos = min(self._drop, len(rest))
            self._drop -= pos
            rows.append(rest[:pos])
        while len(rest) - pos >= 5:
            kind, size = HEAD(rest, pos)
            end = pos + 1 + check_size(kind, size, self._limits)
            if kind in EMPTY:
                out.append(bytes(rest[start:pos]))
                start = pos = end
                if kind == TERMINATE:
                    ended = kind
                    break
                continue
            if kind not in COPY:
                raise Malformed("a statement in the middle of COPY FROM STDIN")
            if kind == COPY_DATA:
                begins, pos = pos + 5, min(end, len(rest))
                rows.append(rest[begins:pos])
                self._drop = end - pos
                continue
            if end > len(rest):
                break
            rows.append(rest[pos + 5 : end])  # CopyFail's words go to the server, too
            pos = end
            ended = kind
            break
        out.append(bytes(rest[start:pos]))
        del rest[:pos]
        return b"".join(out), b"".join(rows), ended

    @property
    def cut_off(self) -> int:
        """How many bytes of a row are still to come of which the first have gone on."""
        return self._drop

    @property
    def waiting(self) -> int:
        """Bytes that are here and not yet sent on."""
        return len(self.rest)
