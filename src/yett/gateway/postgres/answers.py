"""Where a server's messages begin and end, and what the gate must see in them. Bytes in, bytes out, no I/O."""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct

from yett.gateway.postgres.fields import Malformed
from yett.gateway.postgres.framing import Requests
from yett.gateway.postgres.messages import (
    COPY_BOTH,
    COPY_DATA,
    COPY_IN,
    DATA_ROW,
    ERROR,
    HEAD,
    IDLE,
    PARAMETER_STATUS,
    READY,
    message,
)

_ROWS, _COPIES = frozenset((DATA_ROW, COPY_DATA)), frozenset((COPY_IN, COPY_BOTH))
_TIMED_OUT = b"\0Mcanceling statement due to statement timeout\0"
REST = 0
"""No message: what is still to come of a row whose first part went on."""

_LAYOUT_BYTES, _LAYOUT_MESSAGES, _LAYOUTS = 512, 16, 64
_NEVER_ALIKE = frozenset((ERROR, PARAMETER_STATUS, COPY_IN, COPY_BOTH))

Layout = tuple[Struct, tuple[int, ...], int]
"""How whole messages lie in a short answer: what reads their types and lengths, what it reads, how many are rows."""

Piece = tuple[int, bytes]
"""One message, or a run of rows (DATA_ROW, COPY_DATA), perhaps cut in the middle of one, or the REST of one."""


class Answers:
    """One server's messages. `status` is the last ReadyForQuery's, `failed`: ERROR was seen since then."""

    __slots__ = (
        "_hint", "_layouts", "_most", "_part", "_requests", "_rows", "_settings", "_skip", "failed", "status",
    )  # fmt: skip

    def __init__(
        self, requests: Requests, settings: Callable[[bytes, bytes], None], most: int, slow_hint: bytes = b""
    ) -> None:
        """`settings` is told every ParameterStatus; `most` bounds a message other than a row. `slow_hint`: a field for
        the ERROR of a statement that took longer than it may."""
        self._hint = slow_hint
        self._requests = requests
        self._settings = settings
        self._most = most
        self._part = b""
        self._skip = self._rows = 0
        self._layouts: dict[int, Layout] = {}
        self.status = IDLE
        self.failed = False

    def feed(self, data: bytes) -> bytes:
        """The hot path: everything goes on to the client, as far as whole messages or rows are there.

        Raises:
            Malformed: not what a server may say now; the session ends.
        """
        n, pos, rows = len(data), self._skip, 0
        fresh = not pos and not self._part
        if fresh:
            layout = self._layouts.get(n)
            if layout is not None and layout[0].unpack(data) == layout[1]:
                self._rows += layout[2]
                self._ready(data[-1])
                return data
        elif not pos:
            data = self._part + data
            n = len(data)
            self._part = b""
        elif pos >= n:
            self._skip = pos - n
            return data
        self._skip = 0
        while n - pos >= 5:
            kind, size = HEAD(data, pos)
            end = pos + 1 + size
            if kind in _ROWS:
                rows += 1
                if end > n:
                    self._skip = end - n
                    self._rows += rows
                    return data
            else:
                if end > n:
                    break
                if kind == READY:
                    self._ready(data[pos + 5])
                elif kind == ERROR:
                    self.failed = True
                    self._requests.failed()
                    if (hinted := self._hinted(data[pos:end])) is not None:
                        data = b"".join((data[:pos], hinted, data[end:]))
                        n, end = len(data), pos + len(hinted)
                elif kind == PARAMETER_STATUS:
                    self.setting(data[pos:end])
                elif kind in _COPIES:
                    raise Malformed("the server asks for a COPY that was not decided")
            if size < 4:
                raise Malformed("a message of the server whose length is none")
            pos = end
        self._rows += rows
        if pos == n:
            if fresh and n <= _LAYOUT_BYTES and n not in self._layouts and len(self._layouts) < _LAYOUTS:
                self._learn(data)
            return data
        self._keep(data, pos, n)
        return data[:pos]

    def _learn(self, data: bytes) -> None:
        """An answer has gone on that may come again with other values: whole messages up to a ReadyForQuery, and
        nothing among them that `feed` has to do something about. Where each has the same type and length as in
        this one, each begins where it began in this one.
        """
        found: list[int] = []
        pattern, rows, pos = [">"], 0, 0
        while pos < len(data):
            kind, size = HEAD(data, pos)
            pos += 1 + size
            if kind in _NEVER_ALIKE or (kind == READY and (pos != len(data) or size != 5)):
                return
            if len(pattern) > _LAYOUT_MESSAGES:
                return
            rows += kind in _ROWS
            found += (kind, size)
            pattern.append(f"BI{size - 4}x")
        if found and found[-2] == READY:
            self._layouts[len(data)] = (Struct("".join(pattern)), tuple(found), rows)

    def counted(self) -> int:
        """Rows that `feed` let on since this was asked last: those of which a first part did."""
        rows, self._rows = self._rows, 0
        return rows

    def pieces(self, data: bytes, *, whole: bool) -> list[Piece]:
        """The same for the conductor: message by message, runs of rows together; `whole`: no row is cut.

        ReadyForQuery is taken out of `due` as in `feed`. Raises Malformed.
        """
        found: list[Piece] = []
        n, pos = len(data), self._skip
        if pos:
            self._skip = max(0, pos - n)
            found.append((REST, data[:pos]))
            if pos >= n:
                return found
        elif self._part:
            data = self._part + data
            n = len(data)
            self._part = b""
        while n - pos >= 5:
            kind, size = HEAD(data, pos)
            if size < 4:
                raise Malformed("a message of the server whose length is none")
            end = pos + 1 + size
            if end > n:
                if kind in _ROWS and not whole:
                    self._skip = end - n
                    found.append((kind, data[pos:]))
                    return found
                break
            if kind in _ROWS:
                start = pos
                pos = end
                while n - pos >= 5 and data[pos] == kind:
                    end = pos + 1 + HEAD(data, pos)[1]
                    if end > n or end < pos + 5:
                        break
                    pos = end
                found.append((kind, data[start:pos]))
                continue
            if kind == READY:
                self._ready(data[pos + 5])
            elif kind == ERROR:
                self.failed = True
                self._requests.failed()
                if (hinted := self._hinted(data[pos:end])) is not None:
                    found.append((kind, hinted))
                    pos = end
                    continue
            elif kind == PARAMETER_STATUS:
                self.setting(data[pos:end])
            elif kind == COPY_BOTH:
                raise Malformed("the server asks for a COPY both ways")
            found.append((kind, data[pos:end]))
            pos = end
        if pos < n:
            self._keep(data, pos, n)
        return found

    def _hinted(self, error: bytes) -> bytes | None:
        """The ERROR of a statement_timeout with what to do about it; None: it is another."""
        if not self._hint or _TIMED_OUT not in error:
            return None
        return message(ERROR, error[5:-1] + self._hint + b"\0")

    @property
    def cut_off(self) -> int:
        """Bytes that are still to come of a row whose first part went on."""
        return self._skip

    def _ready(self, status: int) -> None:
        requests = self._requests
        requests.due -= 1
        if requests.due < 0:
            raise Malformed("the server is ready more often than it was asked")
        if self.failed:
            requests.failed()  # what was sent behind the error and before its Sync had no effect either
        elif not requests.due and not requests.open:
            requests.calm()
        self.failed = False
        self.status = status

    def setting(self, status: bytes) -> None:
        name, _, rest = status[5:].partition(b"\0")
        self._settings(name, rest[:-1])

    def _keep(self, data: bytes, pos: int, n: int) -> None:
        if n - pos >= 5 and HEAD(data, pos)[1] > self._most and data[pos] not in _ROWS:
            raise Malformed("a message of the server that is too long")
        self._part = data[pos:]
