"""How much a task may be sent: bytes and rows are counted as they pass; an answer that goes beyond ends with an ERROR.

What is counted costs two additions a read. Only when nothing is left are messages looked at: at the next row the
client is told an ErrorResponse, which may stand in the place of any row (PostgreSQL 18, 54.2.2, 54.2.3, 54.2.6), and
sees nothing more up to the ReadyForQuery of the same statement, as after any error.
"""

from __future__ import annotations

from collections.abc import Callable

from yett.gateway.postgres import replies
from yett.gateway.postgres.answers import REST, Answers
from yett.gateway.postgres.desk import Metered
from yett.gateway.postgres.fields import Malformed
from yett.gateway.postgres.messages import COPY_DATA, COPY_IN, DATA_ROW, HEAD, NOTIFICATION, PARAMETER_STATUS, READY

_ROWS, _AT_ONCE = frozenset((DATA_ROW, COPY_DATA, REST)), frozenset((NOTIFICATION, PARAMETER_STATUS))


class Meter:
    """One connection's. `seen`: the mask that its answers go through, if any."""

    def __init__(self, allowance: Metered, answers: Answers, seen: Callable[[bytes], bytes] | None) -> None:
        self.allowance = allowance
        self._answers = answers
        self._seen = seen
        self._cut = False
        self._owed = 0

    def feed(self, data: bytes) -> bytes:
        """The hot path, as `Answers.feed`. Raises Malformed."""
        allowance = self.allowance
        if allowance.open and not self._cut:
            out = self._answers.feed(data)
            if self._seen is not None:
                out = self._seen(out)
            allowance.spend(len(out), self._answers.counted())
            return out
        self.begin()
        seen = self._seen
        pieces = self._answers.pieces(data, whole=False)
        if any(kind == COPY_IN for kind, _ in pieces):
            raise Malformed("the server asks for a COPY that was not decided")
        return b"".join([self.piece(kind, seen(one) if seen is not None else one) for kind, one in pieces])

    def begin(self) -> None:
        """Before messages are taken piece by piece: a row whose first part the client has must come to its end."""
        self._owed = 0 if self._cut or self._seen is not None else self._answers.cut_off

    def piece(self, kind: int, shown: bytes) -> bytes:
        """What the client gets of a message, or of a run of rows."""
        if kind in _AT_ONCE:
            return shown
        if kind == READY:
            self._cut = False
            return shown
        if self._cut:
            return b""
        if self._owed and kind in _ROWS:
            self._owed = max(0, self._owed - len(shown))
        elif not self.allowance.open and kind in _ROWS:
            self._cut = True
            return replies.error(self.allowance.told())
        self.count(kind, shown)
        return shown

    def count(self, kind: int, shown: bytes) -> None:
        """What the client gets, or will get at its COMMIT, of a message or of a run of rows."""
        whole = kind in _ROWS and (kind != REST or self._seen is not None)  # a mask lets whole rows on
        self.allowance.spend(len(shown), _in(shown) if whole else 0)


def _in(rows: bytes) -> int:
    """How many messages a run of rows has; the last one may be cut."""
    pos = found = 0
    while len(rows) - pos >= 5:
        pos += 1 + max(4, HEAD(rows, pos)[1])
        found += 1
    return found
