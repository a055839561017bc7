"""A unix socket that speaks JSON lines: one request, one answer, for the operator and for agents."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

from yett.daemon.channel import Channel, ChannelClosed
from yett.model.errors import YettError

Serve = Callable[[Channel], Awaitable[None]]

LONGEST = 64 << 10
"""A request of an agent, which may send a byte at a time on every connection it has."""

MOST_CONNECTIONS = 128
"""At once on one socket: an agent that opens more must not use up the daemon's descriptors."""


class LineServer:
    """Listens on `path` (mode 0600 unless said) and hands every connection to `serve` in a task of its own."""

    def __init__(self, path: Path, serve: Serve, *, mode: int = 0o600, longest: int = LONGEST) -> None:
        self._path = path
        self._longest = longest
        self._serve = serve
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.get_running_loop()
        self._listener = _listen(path, mode)
        self._loop.add_reader(self._listener, self._accept)

    def close(self) -> None:
        self._loop.remove_reader(self._listener)
        self._listener.close()
        self._path.unlink(missing_ok=True)
        for task in self._tasks:
            task.cancel()

    def _accept(self) -> None:
        try:
            accepted, _ = self._listener.accept()
        except OSError:
            return
        if len(self._tasks) >= MOST_CONNECTIONS:
            accepted.close()
            return
        task = self._loop.create_task(self._run(Channel(accepted, self._longest)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, channel: Channel) -> None:
        try:
            await self._serve(channel)
        except ChannelClosed:
            pass  # the other side is gone; what depended on the connection is ended by whoever held it
        except YettError as error:
            await _tell(channel, error)
        finally:
            channel.close()


async def _tell(channel: Channel, error: YettError) -> None:
    try:
        await channel.send({"error": error.what, "remedy": error.remedy})
    except (ChannelClosed, OSError):
        return


def _listen(path: Path, mode: int) -> socket.socket:
    """Bind through the directory's descriptor: a unix address has 107 bytes, a home may be longer."""
    path.unlink(missing_ok=True)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    mask = os.umask(0o777 & ~mode)
    try:
        sock.bind(f"/proc/self/fd/{folder}/{path.name}")
    finally:
        os.umask(mask)
        os.close(folder)
    sock.listen(64)
    sock.setblocking(False)
    return sock
