"""What goes past the lockstep: messages sent on at once, and COPY FROM STDIN (54.2.6): its rows go on as they come."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator

from yett.gateway.postgres import replies
from yett.gateway.postgres.desk import Copy, Stopped
from yett.gateway.postgres.fields import Malformed
from yett.gateway.postgres.framing import Requests
from yett.gateway.postgres.lockstep import Group, Lockstep
from yett.gateway.postgres.messages import COPY_DONE, COPY_FAIL, TERMINATE, message

_MOST_FILLED = 1 << 20
_REFUSED = message(COPY_FAIL, b"refused by yett\0")


class Copying:
    """`forward` and `say`: to the server, to the client. `room` waits until the server takes more; `more` lets the
    client be read again; `left`: it has gone.
    """

    def __init__(
        self,
        requests: Requests,
        step: Lockstep,
        to_server: Callable[[bytes], None],
        to_agent: Callable[[bytes], None],
        room: Callable[[], Awaitable[object]],
        more: Callable[[], None],
        left: Callable[[], None],
    ) -> None:
        self._requests = requests
        self._step = step
        self.forward = to_server
        self.say = to_agent
        self._room = room
        self._more = more
        self._left = left

    async def finish(self, group: Group, copies: Iterator[Copy]) -> None:
        """Wait for a group that is complete (a Query), and feed every COPY in it."""
        while not group.done:
            if group.copying:
                await self._feed(group, copies)
            else:
                await self._step.news()

    async def finish_open(self, group: Group, copies: Iterator[Copy]) -> None:
        """Wait for a group that was sent with a Flush and no Sync, and end it."""
        while not (group.copying or group.failed):
            await self._step.news()
        if group.copying:
            await self._feed(group, copies)
        self._step.sync()
        await self._step.finished(group)

    async def _feed(self, group: Group, copies: Iterator[Copy]) -> None:
        """Rows from the client, until it ends them, they are refused or the server fails. Raises Malformed."""
        copy = next(copies, None)
        if copy is None:
            raise Malformed("the server asks for a COPY that was not decided")
        while group.copying and not group.done:
            missing = self._requests.cut_off
            messages, rows, ended = self._requests.take_copied()
            try:
                copy.feed(rows)
                if ended == COPY_DONE:
                    copy.end()
            except Stopped as stopped:
                group.copying, group.instead = False, replies.error(stopped.told)
                self._fill_up(missing)
                self.forward(_REFUSED)
                return
            if messages:
                self.forward(messages)
                await self._room()
            if ended == TERMINATE:
                self._left()
            if ended:
                group.copying = False
                return
            if not messages:
                self._more()
                await self._step.news()
        self._fill_up(self._requests.cut_off)

    def _fill_up(self, missing: int) -> None:
        """The server is to take no more while a row was on its way: it takes what comes next for the rest of that row.

        It ignores what stands in it, so it gets as many zeros; the client's own rest is dropped when it comes.
        """
        if missing > _MOST_FILLED:
            raise Malformed("a COPY failed in the middle of a row that is too long to end")
        if missing:
            self.forward(bytes(missing))
