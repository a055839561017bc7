"""The operator socket: the owner's commands, one JSON line each; never mounted in a sandbox (law 8)."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable

from yett.daemon.channel import Channel, Message
from yett.daemon.plane import Plane
from yett.model.errors import YettError

Verb = Callable[[Plane, Message], Awaitable[Message]]
Progress = Callable[[Plane, Message], AsyncIterator[Message]]
Held = Callable[[Plane, Channel, Message], Awaitable[None]]


class Operator:
    """Dispatches verbs. `verbs` answer once, `progress` many times, `held` keep the connection (a run)."""

    def __init__(
        self, plane: Plane, verbs: dict[str, Verb], progress: dict[str, Progress], held: dict[str, Held]
    ) -> None:
        self._plane = plane
        self._verbs = verbs
        self._progress = progress
        self._held = held

    async def serve(self, channel: Channel) -> None:
        """One connection of the owner: any number of verbs, one after the other."""
        _, uid = channel.peer
        if uid not in (os.geteuid(), 0):
            raise YettError("this daemon belongs to another user", "start your own: yett up")
        while True:
            request = await channel.receive()
            verb = str(request.get("verb", ""))
            if verb in self._held:
                await self._held[verb](self._plane, channel, request)
                return
            try:
                await self._answer(channel, verb, request)
            except YettError as error:
                await channel.send({"error": error.what, "remedy": error.remedy})
            except OSError as error:
                named = f"{error.filename}: " if error.filename else ""
                await channel.send({"error": f"{named}{error.strerror or error}", "remedy": ""})

    async def _answer(self, channel: Channel, verb: str, request: Message) -> None:
        if verb in self._progress:
            async for message in self._progress[verb](self._plane, request):
                await channel.send(message)
            return
        if verb not in self._verbs:
            raise YettError(f"the daemon knows no {verb!r}", "the program and the daemon may differ: yett up again")
        await channel.send(await self._verbs[verb](self._plane, request))
