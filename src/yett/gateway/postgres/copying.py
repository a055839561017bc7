"""What goes past the lockstep: messages sent on at once, and COPY FROM STDIN (54.2.6): its rows go on as they come."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from yett.gateway.postgres.framing import Malformed, Requests
from yett.gateway.postgres.lockstep import Group, Lockstep
from yett.gateway.postgres.messages import TERMINATE

_MOST_FILLED = 1 << 20


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

    async def finish(self, group: Group) -> None:
        """Wait for a group that is complete (a Query), and feed every COPY in it."""
        while not group.done:
            if group.copying:
                await self._feed(group)
            else:
                await self._step.news()

    async def finish_open(self, group: Group) -> None:
        """Wait for a group that was sent with a Flush and no Sync, and end it."""
        while not (group.copying or group.failed):
            await self._step.news()
        if group.copying:
            await self._feed(group)
        self._step.sync()
        await self._step.finished(group)

    async def _feed(self, group: Group) -> None:
        """Rows from the client, until it ends them or the server fails. Raises Malformed."""
        while group.copying and not group.done:
            rows, ended = self._requests.take_copied()
            if rows:
                self.forward(rows)
                await self._room()
            if ended == TERMINATE:
                self._left()
            if ended:
                group.copying = False
                return
            if not rows:
                self._more()
                await self._step.news()
        self._fill_up()

    def _fill_up(self) -> None:
        """The server has failed while a row was on its way: it takes whatever comes next for the rest of that row.

        It ignores what stands in it, so it gets as many zeros; the client's own rest is dropped when it comes.
        """
        missing = self._requests.cut_off
        if missing > _MOST_FILLED:
            raise Malformed("a COPY failed in the middle of a row that is too long to end")
        if missing:
            self.forward(bytes(missing))
