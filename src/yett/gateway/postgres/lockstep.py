"""The server, one group of messages at a time: what is sent is answered in full before anything else is.

Every group ends with a ReadyForQuery. A group of the client's is relayed (or held back), an own one is swallowed. What
belongs to no group (notifications, settings) goes to the client at once.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from yett.gateway.postgres.answers import Answers
from yett.gateway.postgres.fields import OWN_PREFIX, Malformed
from yett.gateway.postgres.framing import Requests
from yett.gateway.postgres.held import Held
from yett.gateway.postgres.logins.login import said
from yett.gateway.postgres.masks.quoting import NOT_SHOWN, scrubbed
from yett.gateway.postgres.messages import (
    BIND,
    CLOSE,
    COMMAND_COMPLETE,
    COPY_IN,
    DATA_ROW,
    ERROR,
    EXECUTE,
    HEAD,
    INT,
    NOTIFICATION,
    PARAMETER_STATUS,
    PARSE,
    READY,
    SHORT,
    SYNC_MESSAGE,
    message,
)
from yett.gateway.postgres.metering import Meter
from yett.providers.postgres.guard.executing import ServerError

Row = tuple[str | None, ...]
_AT_ONCE = frozenset((NOTIFICATION, PARAMETER_STATUS))


@dataclass(slots=True)
class Group:
    """What the server answered to one group of messages, so far. `ready`: its ReadyForQuery is the client's, too."""

    own: bool = False
    ready: bool = False
    copies: bool = False
    """Whether a COPY FROM STDIN in it may ask for data."""
    done: bool = False
    failed: bool = False
    copying: bool = False
    error: bytes = b""
    shown: bytes = b""
    """The error as the client may see it."""
    instead: bytes = b""
    """The ERROR that the client reads in place of the server's: the gate has made it fail."""
    tag: bytes = b""
    rows: list[Row] = field(default_factory=list)


class Lockstep:
    """Implements `providers.postgres.guard.executing.Executing` on the agent's own connection."""

    def __init__(
        self,
        requests: Requests,
        answers: Answers,
        to_server: Callable[[bytes], None],
        to_agent: Callable[[bytes], None],
        pid: int,
        *,
        own_to_server: Callable[[bytes], None] | None = None,
        seen: Callable[[bytes], bytes] | None = None,
        meter: Meter | None = None,
    ) -> None:
        """`own_to_server` and `seen`: where answers are masked, how the wire's own messages leave, and the mask.
        `meter` counts what the client is sent."""
        self.pid = pid
        self.listening = False
        self.held: Held | None = None
        self.before: Callable[[], Awaitable[object]] | None = None
        self._requests = requests
        self._answers = answers
        self._to_server = to_server
        self._to_agent = to_agent
        self._own_to_server = own_to_server or to_server
        self._seen = seen
        self._meter = meter
        self._groups: deque[Group] = deque()
        self._news: asyncio.Future[None] | None = None

    @property
    def status(self) -> int:
        """The transaction's, exact while nothing is under way."""
        return self._answers.status

    @property
    def cancellable(self) -> bool:
        """Whether what the server does now is the client's: a statement of the wire's own is not to be cancelled."""
        return not self._groups or not self._groups[0].own

    # ---- what arrives

    def heard(self, data: bytes) -> None:
        """Bytes of the server while `listening`. Raises Malformed."""
        whole = any(group.own for group in self._groups)
        if self._meter is not None:
            self._meter.begin()
        for kind, piece in self._answers.pieces(data, whole=whole):
            self._take(kind, piece)
        self.wake()

    def wake(self) -> None:
        """Something has happened on either side."""
        if self._news is not None and not self._news.done():
            self._news.set_result(None)

    async def news(self) -> None:
        """Wait until something has."""
        self._news = asyncio.get_running_loop().create_future()
        try:
            await self._news
        finally:
            self._news = None

    def _take(self, kind: int, piece: bytes) -> None:
        if not self._groups or kind in _AT_ONCE:
            shown = piece if self._seen is None or kind == PARAMETER_STATUS else self._seen(piece)
            self._to_agent(self._metered(kind, shown))
            return
        group = self._groups[0]
        shown = piece if group.own or self._seen is None else self._seen(piece)
        if not group.own and self.held is None:
            shown = self._metered(kind, shown)
        elif not group.own and self._meter is not None:  # an ERROR in the place of what is held would be a lie
            self._meter.count(kind, shown)
        if kind == READY:
            self._groups.popleft()
            group.done = True
            if group.ready:
                self._to_agent(shown)
            return
        if kind == ERROR:
            group.failed, group.copying = True, False
            shown = group.instead or shown
            group.error, group.shown = piece, shown
        elif kind == COMMAND_COMPLETE:
            group.tag, group.copying = piece[5:-1], False
        elif kind == COPY_IN:
            if not group.copies:
                raise Malformed("the server asks for a COPY that was not decided")
            group.copying = True
            self.let_go()
            self._to_agent(shown)
            return
        if not group.own:
            self.emit(shown)
        elif kind == DATA_ROW:
            group.rows += _rows(piece)

    def _metered(self, kind: int, shown: bytes) -> bytes:
        return shown if self._meter is None else self._meter.piece(kind, shown)

    def error_of(self, group: Group) -> bytes:
        """An own group's ErrorResponse as the client may see it."""
        return group.error if self._seen is None or not group.error else scrubbed(ERROR, group.error)

    def _rows_of(self, group: Group) -> list[Row]:
        if group.failed:
            text, sqlstate = said(group.error[5:])
            raise ServerError(sqlstate, text if self._seen is None else NOT_SHOWN)
        return group.rows

    def emit(self, piece: bytes) -> None:
        """For the client: now, or when its transaction is final."""
        if self.held is None:
            self._to_agent(piece)
        else:
            self.held.keep(piece)

    def let_go(self) -> None:
        """What was held so far may be seen."""
        if self.held is not None and (answers := self.held.release()):
            self._to_agent(answers)

    # ---- what is sent

    async def quiet(self) -> bool:
        """Wait until everything sent before is answered and relayed; from here on this listens.

        If messages without a Sync are under way, one is put behind them, whose ReadyForQuery nobody sees. True: they
        have failed, and the server would skip everything up to the client's own Sync.
        """
        requests, failed = self._requests, self._answers.failed
        self.listening = True
        if not requests.due and not requests.open:
            return False
        waiting = [Group(ready=True) for _ in range(requests.due)]
        if requests.open:
            waiting.append(Group())
            requests.due += 1
            requests.open, requests.fresh = False, None
            self._to_server(SYNC_MESSAGE)
        waiting[0].failed = failed
        self._groups.extend(waiting)
        last = waiting[-1]
        while not last.done:
            await self.news()
        return not last.ready and last.failed

    def send(self, messages: bytes, *, copies: bool = False, owes: bool = True) -> Group:
        """A group of the client's; it ends with a Query or Sync unless `owes` is False: then `sync` follows."""
        group = Group(copies=copies)
        self._groups.append(group)
        self._requests.due += owes
        self._to_server(messages)
        return group

    def sync(self) -> None:
        """The Sync of a group that was sent without one."""
        self._requests.due += 1
        self._to_server(SYNC_MESSAGE)

    async def finished(self, group: Group) -> Group:
        while not group.done:
            await self.news()
        return group

    def send_own(self, sql: str) -> Group:
        """A statement of the wire's own: with names of its own, so that the client's unnamed ones live on."""
        group = Group(own=True)
        self._groups.append(group)
        self._requests.due += 1
        self._own_to_server(_own(sql.encode()))
        return group

    async def batch(self, statements: Sequence[str]) -> list[Row]:
        """The rows of several statements, one behind the other, all of them run or none. Raises ServerError."""
        if self.before is not None:
            await self.before()
        group = Group(own=True)
        self._groups.append(group)
        self._requests.due += 1
        parts = (_own(sql.encode())[: -len(SYNC_MESSAGE)] for sql in statements)
        self._own_to_server(b"".join((*parts, SYNC_MESSAGE)))
        return self._rows_of(await self.finished(group))

    async def close_unnamed(self) -> None:
        """The client's portal without a name: no other of its messages would end it before it is bound anew."""
        group = Group(own=True)
        self._groups.append(group)
        self._requests.due += 1
        self._own_to_server(message(CLOSE, b"P\0") + SYNC_MESSAGE)
        await self.finished(group)

    async def parsed(self, sql: str) -> Group:
        """What the server says to a text that it only reads: looks names up, makes values of literals, no more."""
        group = Group(own=True)
        self._groups.append(group)
        self._requests.due += 1
        name = _own_name()
        forgotten = message(CLOSE, b"S" + name)
        self._own_to_server(message(PARSE, name + sql.encode() + b"\0\0\0") + forgotten + SYNC_MESSAGE)
        return await self.finished(group)

    async def own(self, sql: str) -> Group:
        return await self.finished(self.send_own(sql))

    async def rows(self, sql: str) -> list[Row]:
        """See `Executing`. Raises ServerError."""
        if self.before is not None:
            await self.before()
        return self._rows_of(await self.own(sql))


def _own_name() -> bytes:
    return OWN_PREFIX + b"_" + secrets.token_hex(8).encode() + b"\0"


def _own(sql: bytes) -> bytes:
    name = _own_name()
    return b"".join(
        (
            message(PARSE, name + sql + b"\0\0\0"),
            message(BIND, name + name + b"\0\0\0\0\0\0"),
            message(EXECUTE, name + b"\0\0\0\0"),
            message(CLOSE, b"P" + name),
            message(CLOSE, b"S" + name),
            SYNC_MESSAGE,
        )
    )


def _rows(run: bytes) -> list[Row]:
    """DataRows in text form, one after the other."""
    found: list[Row] = []
    pos = 0
    while pos < len(run):
        end = pos + 1 + HEAD(run, pos)[1]
        (count,) = SHORT.unpack_from(run, pos + 5)
        at, values = pos + 7, list[str | None]()
        for _ in range(count):
            (size,) = INT.unpack_from(run, at)
            at += 4
            if size == 0xFFFFFFFF:
                values.append(None)
                continue
            values.append(run[at : at + size].decode("utf-8", "replace"))
            at += size
        found.append(tuple(values))
        pos = end
    return found
